"""What the totals write to the disk in a day: a simulated house of 40 panels that is polled every 5 minutes, with
live data every 5 s, through the ledger as the service uses it.

    .venv/bin/python benchmarks/energy_writes.py
"""

from __future__ import annotations

import json
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from pvsmqtt.model.device import Device, Kind
from pvsmqtt.model.files import write_json
from pvsmqtt.model.reading import Reading
from pvsmqtt.simulator.pvs.house.house import COMMISSIONED
from pvsmqtt.simulator.pvs.house.house import House as Simulated
from pvsmqtt.site.house import House
from pvsmqtt.site.registry import Registry
from pvsmqtt.site.totals.files import DAYS, TOTALS
from pvsmqtt.site.totals.ledger import Ledger

BEGIN = COMMISSIONED + timedelta(days=900, hours=6)
PVS = Device("zt1", Kind.SUPERVISOR, "PVS", "ZT1")
METERS = (
    Device("m1p", Kind.PRODUCTION_METER, "P", "M1p", via="zt1"),
    Device("m1c", Kind.CONSUMPTION_METER, "C", "M1c", via="zt1"),
)
SITE = Device("site", Kind.SITE, "Solar site")


def main() -> None:
    simulated = Simulated(40, 1)
    ledger = Ledger(lambda now: BEGIN + timedelta(seconds=now), bounded=True)
    house = House(Registry(), ledger=ledger)
    house.expect({"pvs a": "site"}, [])
    house.configure({}, [], 0)
    writes, written, largest, days, spent = 0, 0, 0, 0, 0.0
    with tempfile.TemporaryDirectory() as folder:
        for now in range(0, 86400, 5):
            when = BEGIN + timedelta(seconds=now)
            seconds = (when - COMMISSIONED).total_seconds()
            powers = {
                "pv_power": 1000 * simulated.production.value(seconds),
                "grid_power": 1000 * simulated.net.value(seconds),
            }
            batch = [Reading(SITE, powers, "pvs a live", when, 0.0, 90.0)]
            if now % 300 == 0:
                batch = polled(simulated, now)
            began = time.perf_counter()
            house.accept(batch, now)
            spent += time.perf_counter() - began
            if ledger.due(now):
                changes = ledger.days.changes
                document = ledger.document(now)
                write_json(Path(folder) / TOTALS, document)
                ledger.saved()
                size = len(json.dumps(document, separators=(",", ":")))
                writes, written, largest = writes + 1, written + size, max(largest, size)
                if changes != days:
                    days = changes
                    write_json(Path(folder) / DAYS, ledger.days.document())
    print(f"{writes} writes, {written / 1024:.0f} KiB in a day, the largest {largest} bytes")
    print(f"{spent:.2f} s of CPU in {86400 // 5} batches")


def polled(simulated: Simulated, now: int) -> list[Reading]:
    state = simulated.at(BEGIN + timedelta(seconds=now))
    grid = state.consumption
    rows: list[tuple[Device, dict[str, float | str]]] = [
        (PVS, {"uptime": float(now)}),
        (METERS[0], {"power": 1000 * state.production.power, "energy": round(state.production.energy, 2)}),
        (METERS[1], {"power": 1000 * grid.power, "net_energy": round(grid.net_energy, 2)}),
    ]
    for panel in state.inverters:
        device = Device(panel.serial.lower(), Kind.INVERTER, panel.serial, panel.serial, via="zt1")
        rows.append((device, {"power": 1000 * panel.power, "energy": round(panel.energy, 4)}))
    return [Reading(device, values, "pvs a", state.when, 0.0, 900.0) for device, values in rows]


if __name__ == "__main__":
    main()
