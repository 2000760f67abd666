"""The example configuration: every option with its explanation and its default, made from the option classes.

``python -m pvsmqtt.settings.example > config/pvsmqtt.example.toml``
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePath
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from pvsmqtt.settings import DEFAULT_PATH, settings_class
from pvsmqtt.settings.errors import key_text
from pvsmqtt.settings.schema import is_list, options_class

HEAD = f"""\
# Every option of pvsmqtt; made from the option classes by: python -m pvsmqtt.settings.example
# Copy it to {DEFAULT_PATH}; what is commented out is the default, or an example where it says so.
# Four lines suffice: [mqtt] with host, and [[pvs]] with host.
"""
USUAL = "pvs"
"""The source that the example configures; tables of other sources are commented out as a whole."""


def example(chosen: Mapping[str, Any] | None = None, head: str = HEAD) -> str:
    """A configuration file that loads as it is and shows every option.

    Args:
        chosen: what it sets, as the file itself would be read; everything else is shown in comments. None: the least
            that suffices.
        head: the lines that it begins with.
    """
    fields = settings_class([USUAL]).model_fields
    plain, tables, sources, names = [], [], [], []
    for name, info in fields.items():
        options = options_class(info.annotation)
        value = None if chosen is None else chosen.get(name)
        if options is None and isinstance(info.default, dict):
            names.append(_section(f"[{name}]", info.description, _entries(info)))
        elif options is None:
            plain.append(_option(name, info, {} if value is None else {name: value}))
        elif not is_list(info.annotation):
            tables.append(_section(f"[{name}]", options.__doc__, _options(options, value or {})))
        elif value or (chosen is None and name == USUAL):
            sources += [_section(f"[[{name}]]", options.__doc__, _options(options, one)) for one in value or [{}]]
        else:
            sources.append([f"#{line}" for line in _section(f"[[{name}]]", options.__doc__, _options(options, {}))])
    parts = [*plain, *tables, *sources, *names]
    return "\n".join([head, *("\n".join([*part, ""]) for part in parts)])


def _section(header: str, about: str | None, content: Iterable[str]) -> list[str]:
    return [*_comment(about), header, *content]


def _options(options: type[BaseModel], chosen: Mapping[str, Any]) -> Iterator[str]:
    for name, info in options.model_fields.items():
        yield from _option(name, info, chosen)


def _option(name: str, info: FieldInfo, chosen: Mapping[str, Any]) -> list[str]:
    """Its explanation, then the option: as it was chosen, with an example where it is required, else its default in a
    comment."""
    example = toml(info.examples[0]) if info.examples else '"…"'
    if name in chosen:
        line = f"{name} = {toml(chosen[name])}"
    elif info.is_required():
        line = f"{name} = {example}"
    elif info.default is None:
        line = f"# {name} = {example}  # an example; not set by default"
    else:
        line = f"# {name} = {toml(info.get_default(call_default_factory=True))}"
    return [*_comment(info.description), line]


def _entries(info: FieldInfo) -> Iterator[str]:
    for key, value in (info.examples or [{}])[0].items():
        yield f"# {key_text((key,))} = {toml(value)}  # an example; not set by default"


def _comment(text: str | None) -> list[str]:
    return [f"# {line}".rstrip() for line in (text or "").strip().splitlines()]


def toml(value: Any) -> str:
    """A value as TOML writes it: text, path, number, bool or a list of them."""
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, (str, PurePath)):
        # What JSON leaves as it is and TOML does not: DEL.
        return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
    return json.dumps(int(value) if isinstance(value, float) and value.is_integer() else value)


if __name__ == "__main__":
    sys.stdout.write(example())
