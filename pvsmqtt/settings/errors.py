"""What is wrong with the settings, said so that a person can mend it.

Every line names the place, the key, what was found and what is allowed.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, get_origin

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from pvsmqtt.settings.env import variable_name
from pvsmqtt.settings.schema import descend, is_list, members, options_class
from pvsmqtt.settings.toml_lines import Loc

EXPECTED = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "finite_number": "a number",
    "float_parsing": "a number",
    "float_type": "a number",
    "greater_than": "more than {gt:.12g}",
    "greater_than_equal": "at least {ge:.12g}",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "less_than": "less than {lt:.12g}",
    "less_than_equal": "at most {le:.12g}",
    "literal_error": "{expected}",
    "path_type": "a path in quotes",
    "string_too_long": "at most {max_length} characters",
    "string_too_short": "at least {min_length} characters",
    "string_type": "text in quotes",
}
"""What is allowed, by pydantic's type of error, with the context of the error put in."""

_KINDS = {str: "text", bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "a table"}


class SettingsError(Exception):
    """The settings cannot be used. ``str()`` is made for people: one line for each of ``problems``."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class Problem(NamedTuple):
    """One thing that is wrong: the key it is about (``()``: no key), and what to say."""

    loc: Loc
    text: str


@dataclass(frozen=True)
class Origins:
    """Where values came from: variables of the environment, else lines of the file."""

    file: str
    """How the file is named to people."""
    lines: Mapping[Loc, int] = field(default_factory=dict)
    variables: Mapping[tuple[str, ...], str] = field(default_factory=dict)
    """Names of variables by the way to what they set, see `settings_env.variables`."""

    def variable(self, loc: Loc) -> str | None:
        """The variable that sets exactly this."""
        return self.variables.get(tuple(map(str, loc)))

    def where(self, loc: Loc) -> tuple[int, str]:
        """The line (0: none), and how the place is named to people.

        What has no place of its own is where the first variable sets a part of it, else where the table around
        it is, else in the file.
        """
        steps = tuple(map(str, loc))
        below = (name for path, name in self.variables.items() if path[: len(steps)] == steps)
        for end in range(len(loc), 0, -1):
            if variable := self.variable(loc[:end]):
                return 0, variable
            if line := self.lines.get(loc[:end]):
                return line, f"{self.file}:{line}"
            if end == len(loc) and (variable := next(below, None)):
                return 0, variable
        return 0, self.file

    def error(self, problems: Iterable[Problem]) -> SettingsError:
        """All problems in one error, those of the environment first, then down the file."""
        placed = sorted(((self.where(loc), loc, text) for loc, text in problems), key=lambda row: row[0])
        return SettingsError(
            f"{place}: key `{key_text(loc)}`: {text}" if loc else f"{place}: {text}"
            for (_, place), loc, text in placed
        )


def key_text(loc: Loc) -> str:
    """``("pvs", 0, "host")`` -> ``pvs[0].host``; keys that need quotes get them."""
    text = ""
    for step in loc:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += "." * bool(text) + (step if re.fullmatch("[A-Za-z0-9_-]+", step) else json.dumps(step))
    return text


def explain(model: type[BaseModel], error: ValidationError, origins: Origins) -> list[Problem]:
    """What validation found, one problem per key. Values of secrets are not in it."""
    by_key: dict[Loc, list[ErrorDetails]] = {}
    for details in error.errors(include_url=False):
        by_key.setdefault(descend(model, details["loc"])[0], []).append(details)
    return [Problem(loc, _text(model, loc, details, origins)) for loc, details in by_key.items()]


def _text(model: type[BaseModel], loc: Loc, errors: list[ErrorDetails], origins: Origins) -> str:
    """What to say of one key; several errors are those of the members of a union."""
    annotation = descend(model, loc)[1]
    kind = errors[0]["type"]
    if kind == "missing":
        return _missing(model, loc)
    if kind == "extra_forbidden":
        return _unknown(model, loc, origins)
    if kind == "value_error":
        return str(errors[0]["ctx"]["error"])
    value = errors[0]["input"]
    shape = _shape(annotation, loc, in_variable=origins.variable(loc) is not None)
    hidden = shape or SecretStr in members(annotation) or isinstance(value, (list, dict))
    found = _KINDS.get(type(value), "something else") if hidden else _literal(value)
    allowed = shape or " or ".join(dict.fromkeys(map(_expected, errors)))
    return f"found {found}, expected {allowed}"


def _expected(error: ErrorDetails) -> str:
    template = EXPECTED.get(error["type"])
    if template is None:
        return error["msg"].removeprefix("Input should be ")
    return template.format(**error.get("ctx", {})).replace("'", '"')


def _shape(annotation: Any, loc: Loc, *, in_variable: bool) -> str | None:
    """What a table or a list should look like; None for plain values."""
    key = key_text(tuple(step for step in loc if isinstance(step, str)))
    table = options_class(annotation)
    tables = any(get_origin(member) is dict for member in members(annotation)) or table is not None
    if not tables and not is_list(annotation):
        return None
    if in_variable:
        return "JSON: " + ("[…]" if is_list(annotation) else '{"…": …}')
    if is_list(annotation):
        here = f"[[{key}]]" if table else 'a list ["…"]'
        return f"{here} in the file; {variable_name((*loc, 0))} and so on, without a gap, in the environment"
    return f"a table [{key}]" if isinstance(loc[-1], str) else f"a table [[{key}]]"


def _literal(value: Any) -> str:
    """A value as it would stand in the file, shortened."""
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, (str, bool, int, float)) else str(value)
    return text if len(text) <= 60 else f"{text[:60]}…"


def _missing(model: type[BaseModel], loc: Loc) -> str:
    options, key = _options_around(model, loc)
    info = options.model_fields[key]
    about = " ".join((info.description or "").split())
    if table := options_class(info.annotation):
        required = [name for name, option in table.model_fields.items() if option.is_required()]
        return f"missing; add a table [{key}] with {' and '.join(required)}: {about}"
    example = _literal(info.examples[0]) if info.examples else "…"
    return f"missing; write for example {key} = {example}, or set {variable_name(loc)}: {about}"


def _unknown(model: type[BaseModel], loc: Loc, origins: Origins) -> str:
    options, key = _options_around(model, loc)
    allowed = list(options.model_fields)
    if key in model.model_fields and options is not model:
        place = f"`{key}` is not part of a table, it belongs above the first [table]"
        return f"unknown; {place}. Allowed here: {', '.join(allowed)}"
    guess = ""
    if close := difflib.get_close_matches(key.lower(), allowed, n=1):
        in_variable = origins.where(loc)[1] in origins.variables.values()
        guess = f"; did you mean {variable_name((*loc[:-1], *close)) if in_variable else f'`{close[0]}`'}?"
    return f"unknown{guess or '.'} Allowed here: {', '.join(allowed)}"


def _options_around(model: type[BaseModel], loc: Loc) -> tuple[type[BaseModel], str]:
    """The class of options to which the last key of ``loc`` belongs or should belong, and that key."""
    return options_class(descend(model, loc[:-1])[1]) or model, str(loc[-1])
