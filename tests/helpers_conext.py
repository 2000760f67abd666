"""A simulated Conext Gateway, and a map of its native registers made of the simulator's own table."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pvsmqtt.simulator.conext.gateway_map import GATEWAY, Entry
from pvsmqtt.simulator.conext.xw_map import XW_PRO

TYPES = {"u16": "uint16", "s16": "int16", "u32": "uint32", "s32": "int32"}
QUANTITIES = {
    "gridVoltage": "voltage",
    "gridFrequency": "frequency",
    "batteryVoltage": "battery_voltage",
    "batteryBank1Temperature": "temperature",
}
BOUNDS = {"gridVoltage": "min = 100, max = 300", "gridFrequency": "min = 40, max = 70"}
LIVE = [entry for entry in GATEWAY if entry.live]


def map_text(unit: int, kind: str, entries: Iterable[Entry]) -> str:
    rows = []
    for entry in entries:
        text = entry.kind.startswith("text")
        row = [
            f"address = {entry.address}",
            f'name = "{entry.name.lower()}"',
            f'type = "string", length = {entry.length}' if text else f'type = "{TYPES[entry.kind]}"',
            f"live = {str(entry.live).lower()}",
        ]
        if not text:
            row += [f"scale = {entry.scale}", f"offset = {entry.offset}"]
        if entry.name in QUANTITIES:
            row.append(f'quantity = "{QUANTITIES[entry.name]}"')
        if entry.name in BOUNDS:
            row.append(BOUNDS[entry.name])
        if entry.name == "firmwareVersion":
            row.append('fact = "sw_version"')
        rows.append("{ " + ", ".join(row) + " },")
    head = [
        f'name = "unit {unit}"',
        'source = "the simulator"',
        'transport = "conext"',
        f"units = [{unit}]",
        'table = "holding"',
        f'kind = "{kind}"',
    ]
    return "\n".join([*head, "registers = [", *rows, "]"])


def write_maps(folder: Path) -> list[Path]:
    """Map files of gateway and XW Pro."""
    files = []
    for unit, kind, entries in ((1, "gateway", GATEWAY), (10, "storage_inverter", XW_PRO)):
        file = folder / f"unit-{unit}.toml"
        file.write_text(map_text(unit, kind, entries), "utf-8")
        files.append(file)
    return files
