"""A register map to the text of a map file: one row for each entry, and what all have in common once, above them."""

from __future__ import annotations

import json
from collections.abc import Iterator

from pvsmqtt.modbus.mapfile.entry import Entry, RegisterMap

_SHARED = ("units", "table", "kind", "word_order")
_PLAIN = ("type", "scale", "offset", "unit", "enum", "bits", "bit", "missing", "min", "max")
_MEANING = ("quantity", "fact", "live")
_DEFAULTS = {"word_order": "big", "scale": 1, "offset": 0, "live": True}


def dump(register_map: RegisterMap) -> str:
    """TOML text; `load` makes the same map of it."""
    entries = register_map.entries
    shared = [key for key in _SHARED if len({getattr(entry, key) for entry in entries}) == 1]
    lines = [f"name = {_text(register_map.name)}", f"source = {_text(register_map.source)}"]
    if register_map.transport != "rtu":
        lines.append(f"transport = {_text(register_map.transport)}")
    if register_map.products:
        lines.append(f"products = [{', '.join(map(_text, register_map.products))}]")
    lines += [f"{key} = {_say(key, entries[0])}" for key in shared if _is_said(key, entries[0])]
    lines.append("")
    rows = [f"    {{ {', '.join(_row(entry, shared))} }}," for entry in entries]
    return "\n".join([*lines, "registers = [", *rows, "]", ""])


def _row(entry: Entry, shared: list[str]) -> Iterator[str]:
    yield f"address = 0x{entry.address:04X}"
    yield f"name = {_text(entry.name)}"
    for key in (*(key for key in _SHARED if key not in shared), *_PLAIN, *_MEANING):
        if _is_said(key, entry):
            yield f"{key} = {_say(key, entry)}"
    if entry.type in ("string", "bits"):
        yield f"length = {entry.length}"
    if entry.source:
        yield f"source = {_text(entry.source)}"


def _is_said(key: str, entry: Entry) -> bool:
    value = getattr(entry, key)
    return value is not None and value not in ({}, ()) and _DEFAULTS.get(key) != value


def _say(key: str, entry: Entry) -> str:
    value = getattr(entry, key)
    if key == "units":
        return _units(value)
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{number} = {_text(name)}" for number, name in value.items()) + " }"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[" + ", ".join(map(str, value)) + "]"
    return _text(value) if isinstance(value, str) else repr(value)


def _units(units: tuple[int, ...]) -> str:
    """``(220, 221, 222, 230)`` -> ``["220-222", 230]``."""
    runs: list[list[int]] = []
    for unit in units:
        if runs and unit == runs[-1][-1] + 1:
            runs[-1].append(unit)
        else:
            runs.append([unit])
    said = [str(run[0]) if len(run) == 1 else f'"{run[0]}-{run[-1]}"' for run in runs]
    return said[0] if len(said) == 1 else f"[{', '.join(said)}]"


def _text(text: str) -> str:
    """A basic string of TOML: that of JSON, but for one control character that JSON lets pass."""
    return json.dumps(str(text), ensure_ascii=False).replace("\x7f", "\\u007f")
