"""A map file to a `RegisterMap`: everything that is wrong is told at once."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

from pvsmqtt.modbus.block import Table
from pvsmqtt.modbus.mapfile.entry import Entry, RegisterMap, Transport
from pvsmqtt.modbus.mapfile.keys import ENTRY, FILE, SHARED, Key, MapError, found_text
from pvsmqtt.modbus.values import TYPES
from pvsmqtt.model.device import Kind
from pvsmqtt.model.quantity import QUANTITIES

MAPS = Path(__file__).parents[1] / "maps"
"""The maps that come along: only what is really known of some equipment."""

_NEEDED = ("units", "table", "address", "name", "type")
_BITS = (Table.COILS, Table.DISCRETE_INPUTS)
_TEXTS = ("string", "bits", "bool")


def load(path: Path, transport: Transport | None = None) -> RegisterMap:
    """Read a map file, for units that are reached in this way if it is given.

    Raises:
        MapError: it cannot be read, is not a map, or is for other units; says all that is wrong.
    """
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise MapError([f"{path}: cannot be read: {error.strerror or error}"]) from error
    except ValueError as error:
        raise MapError([f"{path}: is no text in UTF-8"]) from error
    found = loads(text, str(path))
    if transport is not None and found.transport != transport:
        raise MapError(
            [
                f"{path}: key `transport`: found {found_text(found.transport)}, expected {found_text(transport)}: "
                "the same unit numbers are other equipment there"
            ]
        )
    return found


def loads(text: str, file: str = "map") -> RegisterMap:
    """The same from a text; ``file`` is how it is named to people. Raises `MapError`."""
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise MapError([f"{file}: is no TOML: {error}"]) from error
    except ValueError as error:
        raise MapError([f"{file}: is no TOML that can be used: {error}"]) from error
    problems: list[str] = []
    top = _read(document, FILE, problems)
    problems += _lacking(FILE, [key for key in ("name", "source", "registers") if key not in document])
    shared = {key: top[key] for key in SHARED if key in top and key != "source"}
    entries: list[Entry] = []
    for index, row in enumerate(top.get("registers", ())):
        wrong: list[str] = []
        entry = _entry(row, shared, wrong)
        name = row.get("name")
        problems += [f"registers[{index}]{f' ({name})' if isinstance(name, str) else ''}: {text}" for text in wrong]
        entries += [entry] if entry is not None else []
    problems += _doubles(entries, "name")
    problems += _doubles(entries, "fact")
    if problems:
        raise MapError(f"{file}: {problem}" for problem in problems)
    ways = {key: top[key] for key in ("transport", "products") if key in top}
    return RegisterMap(top["name"], top["source"], tuple(entries), **ways)


def shipped(transport: Transport = "rtu") -> list[RegisterMap]:
    """The maps that come along for units that are reached in this way, by the name of their file."""
    return [one for path in sorted(MAPS.glob("*.toml")) if (one := load(path)).transport == transport]


def _read(raw: Mapping[str, Any], keys: Mapping[str, Key], problems: list[str]) -> dict[str, Any]:
    """The values of a table; what is wrong goes to ``problems``."""
    values: dict[str, Any] = {}
    for name, value in raw.items():
        key = keys.get(name)
        if key is None:
            problems.append(f"key `{name}`: is not known{_near(name, keys)}")
            continue
        found = key.read(value)
        if found is None:
            near = _near(value, key.allowed.split(", ")) if isinstance(value, str) else ""
            problems.append(f"key `{name}`: found {found_text(value)}, expected {key.allowed}{near}")
        else:
            values[name] = found
    return values


def _lacking(keys: Mapping[str, Key], names: Iterable[str]) -> list[str]:
    return [f"key `{name}`: is missing, expected {keys[name].allowed}" for name in names]


def _near(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), 1)
    return f"; did you mean `{near[0]}`?" if near else ""


def _entry(row: Mapping[str, Any], shared: Mapping[str, Any], problems: list[str]) -> Entry | None:
    values = dict(shared) | _read(row, ENTRY, problems)
    problems += _lacking(ENTRY, [key for key in _NEEDED if key not in values and key not in row])
    if problems:
        return None
    problems += _rules(values, frozenset(row))
    size = values.pop("bytes", None)
    fixed = TYPES[values["type"]].length if values["type"] in TYPES else 0
    length = fixed or (size // 2 if size else values.get("length", 1))
    if values["address"] + length > 0x10000:
        problems.append(f"key `address`: {length} registers from {values['address']} on end beyond 65535")
    if problems:
        return None
    quantity = QUANTITIES.get(values.get("quantity", ""))
    values["unit"] = values.get("unit") or (quantity.unit if quantity else None)
    values |= {"table": Table(values["table"]), "length": length}
    if "kind" in values:
        values["kind"] = Kind(values["kind"])
    return Entry(**values)


def _rules(values: Mapping[str, Any], own: frozenset[str]) -> Iterator[str]:
    """What must fit together within an entry, beyond each key of its own."""
    kind, table = values["type"], values["table"]
    number = kind not in _TEXTS
    if table in _BITS and kind != "bool":
        yield f"key `type`: found {kind}, expected bool, for table {table} holds bits"
    if kind == "bool" and (table in _BITS) == ("bit" in values):
        yield "key `bit`: says which bit of a register a bool is; coils and discrete inputs have none"
    allowed = {
        "bytes": kind == "string",
        "length": kind in ("string", "bits"),
        "bits": kind == "bits",
        "bit": kind == "bool",
        "fact": kind == "string",
        "enum": kind == "bool" or (number and not kind.startswith("float")),
        "missing": number and not kind.startswith("float"),
        **dict.fromkeys(("scale", "offset", "min", "max"), number),
    }
    yield from (
        f"key `{key}`: does not go with type {kind}" for key, fits in allowed.items() if key in own and not fits
    )
    if kind == "string" and ("bytes" in values) == ("length" in values):
        yield "key `length`: a string has either `length` (registers) or `bytes`"
    if kind == "bits" and values.get("length", 1) not in (1, 2, 4):
        yield "key `length`: bits have 1, 2 or 4 registers"
    if kind == "bits" and max(values.get("bits", (0,))) >= 16 * values.get("length", 1):
        yield f"key `bits`: found bit {max(values['bits'])}, but there are {16 * values.get('length', 1)}"
    if "enum" in values and {"scale", "offset", "min", "max"} & own:
        yield "key `enum`: names go with raw numbers, without `scale`, `offset`, `min` and `max`"
    if "min" in values and "max" in values and values["min"] > values["max"]:
        yield f"key `min`: found {values['min']}, expected at most `max`, {values['max']}"
    yield from _quantity_rules(values, number)


def _quantity_rules(values: Mapping[str, Any], number: bool) -> Iterator[str]:
    """What a quantity asks of the values that are published as it."""
    quantity = QUANTITIES.get(values.get("quantity", ""))
    if quantity is None:
        return
    if values.get("unit") not in (None, quantity.unit):
        yield f"key `unit`: found {found_text(values['unit'])}, expected {quantity.unit or 'none'}, which \
`{quantity.key}` is published in (use `scale`)"
    options = ("on", "off") if quantity.switch else quantity.options
    names = values.get("enum", {}).values()
    if options and (not names or not set(names) <= set(options)):
        yield f"key `enum`: `{quantity.key}` needs names for its numbers, out of {', '.join(options)}"
    if (quantity.unit or quantity.state_class) and (not number or names):
        yield f"key `quantity`: `{quantity.key}` is a number, but the value is a text"


def _doubles(entries: Iterable[Entry], attribute: str) -> Iterator[str]:
    """Names, or facts, that stand twice in a unit."""
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        if said := getattr(entry, attribute):
            groups.setdefault(said, []).append(entry)
    for said, same in groups.items():
        for first, second in combinations(same, 2):
            if both := set(first.units) & set(second.units):
                at = f"{first.address} and {second.address}"
                yield f"{attribute} `{said}` stands twice in unit {min(both)}, at {at}"
                break
