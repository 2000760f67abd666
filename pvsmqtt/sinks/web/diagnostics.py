"""The report that an owner pastes into an issue: everything that helps, nothing that is only theirs. Pure.

Markdown of less than `MOST` bytes, for that is what an issue takes. What it says of the house goes through a `Veil`;
what a device measured is not in it.
"""

from __future__ import annotations

import json
import platform
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from importlib import metadata
from typing import Any

from pvsmqtt.model.reading import DeviceState
from pvsmqtt.model.times import iso
from pvsmqtt.sinks.web import verdict
from pvsmqtt.sinks.web.veil import Veil

MOST = 60_000
"""Bytes; an issue takes 65,536 characters."""
_HEALTH, _TABLE, _LINE, _CELL = 20_000, 12_000, 1000, 300
_MEMBERS = (50, 20, 8, 3)
"""Members of each list in the health document, as far as there is room."""
_LIBRARIES = (
    "aiohttp",
    "aiomqtt",
    "paho-mqtt",
    "prometheus-client",
    "pydantic",
    "pymodbus",
    "pyserial",
    "pysunspec2",
)

Document = Mapping[str, Any]

_HEAD = """\
# pvsmqtt diagnostics

Serial numbers, names, hosts and public addresses are replaced, passwords, keys and MAC addresses hidden. Look it
through before you show it to anybody.
"""


def report(
    info: Document,
    health: Document,
    states: Iterable[DeviceState],
    log: Sequence[Document],
    wall: datetime,
    names: Iterable[str] = (),
) -> str:
    """The whole report.

    Args:
        info: version, start, instance and sources, as on the topic ``info``.
        health: the health document of this moment, with ``broker``.
        states: of all devices.
        log: the last lines, oldest first: ``time``, ``level``, ``logger``, ``text``.
        wall: the time by the clock on the wall.
        names: what is the owner's beside what devices tell: hosts of the configuration, user names, the instance.
    """
    known = list(states)
    sources = (*(info.get("sources") or ()), *(health.get("sources") or ()))
    subjects = (str(source["name"]).partition(" ")[2] for source in sources)
    owned = (*names, *subjects, platform.node(), str(info.get("instance") or ""))
    veil = Veil((state.device for state in known), owned)
    parts = [
        _HEAD,
        _machine(info, health, wall),
        _verdict(health, known, veil),
        _sources(health, veil),
        _kinds(known, veil),
        _devices(known, veil),
        _folded("Health", "json", _health(health, veil)),
    ]
    text = "\n".join(parts)
    room = MOST - len(text.encode()) - 200
    return f"{text}\n{_folded('Log', 'text', _log(log, veil, room))}"


def _machine(info: Document, health: Document, wall: datetime) -> str:
    libraries = ", ".join(f"{name} {version}" for name in _LIBRARIES if (version := _version(name)))
    memory = (health.get("memory") or {}).get("resident")
    rows = {
        "pvsmqtt": info.get("version"),
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": f"{platform.system()} {platform.release()} {platform.machine()}",
        "libraries": libraries,
        "time": iso(wall.replace(microsecond=0)),
        "uptime": verdict.span(health.get("uptime") or 0),
        "memory": f"{memory // 1024} MiB" if memory else None,
    }
    return "".join(f"* {name}: {value}\n" for name, value in rows.items() if value)


def _verdict(health: Document, states: list[DeviceState], veil: Veil) -> str:
    found = verdict.reasons(health, states)
    return "".join(f"* {_cell(veil.text(reason))}\n" for reason in found) if found else "* All is well.\n"


def _sources(health: Document, veil: Veil) -> str:
    rows = []
    for source in health.get("sources") or ():
        age = source.get("age")
        rows.append(
            (
                source["name"],
                source["state"],
                "never" if age is None else f"{verdict.span(age)} ago",
                str(source.get("cycles")),
                _counted(source.get("refused") or {}),
                _firmware(source.get("interface") or {}),
                str(source.get("message") or ""),
            )
        )
    head = ("source", "state", "last success", "cycles", "refused", "equipment", "trouble")
    return _table("Sources", head, rows, veil)


def _firmware(interface: Document) -> str:
    return ", ".join(str(interface[key]) for key in ("model", "generation", "firmware") if interface.get(key))


def _kinds(states: list[DeviceState], veil: Veil) -> str:
    rows = []
    for kind in dict.fromkeys(state.device.kind for state in states):
        of_kind = [state for state in states if state.device.kind is kind]
        rows.append(
            (
                kind.value,
                str(len(of_kind)),
                str(sum(state.online for state in of_kind)),
                _counted(Counter(str(at) for state in of_kind if (at := state.values.get("availability")))),
                _counted(Counter(model for state in of_kind if (model := state.device.model))),
                _counted(Counter(version for state in of_kind if (version := state.device.sw_version))),
            )
        )
    return _table("Devices", ("kind", "number", "online", "data", "models", "firmware"), rows, veil)


def _devices(states: list[DeviceState], veil: Veil) -> str:
    names = {state.key: veil.of(state.device) for state in states}
    rows = []
    for state in states:
        unknown = [key for key, value in state.values.items() if value is None]
        rows.append(
            (
                names[state.key],
                "online" if state.online else "offline",
                str(state.values.get("availability") or ""),
                names.get(state.device.via or "", state.device.via or ""),
                ", ".join(state.sources),
                f"{len(state.values) - len(unknown)} of {len(state.values)}",
                ", ".join(unknown),
            )
        )
    return _table("Each device", ("device", "status", "data", "via", "sources", "values", "unknown"), rows, veil)


def _health(health: Document, veil: Veil) -> str:
    text = ""
    for most in _MEMBERS:
        text = json.dumps(veil.document(health, most), ensure_ascii=False, indent=1, default=str)
        if len(text.encode()) <= _HEALTH:
            return text
    return _cut(text, _HEALTH)


def _log(lines: Sequence[Document], veil: Veil, room: int) -> str:
    """The last lines for which there is room."""
    taken: list[str] = []
    for line in reversed(lines):
        text = f"{line['time']} {line['level']:7s} {line['logger']}: {line['text']}"
        text = _cut(veil.text(text), _LINE)
        room -= len(text.encode()) + 1
        if room < 0:
            break
        taken.append(text)
    return "\n".join(reversed(taken))


def _table(title: str, head: tuple[str, ...], rows: Sequence[tuple[str, ...]], veil: Veil) -> str:
    lines = [f"## {title}\n", f"| {' | '.join(head)} |", "|" + " --- |" * len(head)]
    room = _TABLE - sum(len(line.encode()) for line in lines)
    for number, row in enumerate(rows):
        line = f"| {' | '.join(_cell(veil.text(cell)) for cell in row)} |"
        room -= len(line.encode()) + 1
        if room < 0:
            lines.append(f"\n… and {len(rows) - number} more")
            break
        lines.append(line)
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    """A text that stays one cell, is no markup, and calls nobody."""
    text = _cut(" ".join(text.split()), _CELL)
    for sign in "\\`*_[]<>#@|~":
        text = text.replace(sign, f"\\{sign}" if sign != "@" else "(at)")
    return text


def _folded(title: str, language: str, text: str) -> str:
    """A block that opens when it is clicked; nothing in it can end it."""
    text = text.replace("```", "'''")
    return f"<details><summary>{title}</summary>\n\n```{language}\n{text}\n```\n\n</details>\n"


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} × {count}" for name, count in sorted(counts.items()))


def _cut(text: str, most: int) -> str:
    raw = text.encode()
    return text if len(raw) <= most else raw[: most - 3].decode(errors="ignore") + "…"


def _version(name: str) -> str | None:
    found: Callable[[str], str] = metadata.version
    try:
        return found(name)
    except metadata.PackageNotFoundError:
        return None
