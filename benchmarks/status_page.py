"""What the parts of the status page cost, for a simulated house that is polled every 5 minutes for a day.

    python benchmarks/status_page.py

A scrape of /metrics, the curves of 24 hours in memory and on the disk, and the report for a bug report.
"""

from __future__ import annotations

import json
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pvsmqtt.bus import Bus
from pvsmqtt.simulator.pvs.house.house import House as SimulatedHouse
from pvsmqtt.simulator.pvs.older import dl_cgi as simulated
from pvsmqtt.sinks.prometheus.page import page
from pvsmqtt.sinks.web.curves import Curves
from pvsmqtt.sinks.web.curves_file import EVERY, FILE, CurvesFile
from pvsmqtt.sinks.web.diagnostics import report
from pvsmqtt.site.house import House
from pvsmqtt.site.registry import Registry
from pvsmqtt.sources.pvs.older import dl_cgi

PANELS = (40, 400)
BEGIN = datetime(2026, 6, 21, 6, tzinfo=UTC)
POLL, DAY = 300, 86400
RUNS = 10
WRITES = int(DAY / EVERY)
LOG = [
    {
        "time": "2026-06-21T18:05:00Z",
        "level": "info",
        "logger": "pvsmqtt.site.house",
        "text": "a line " + 10 * "of text ",
    }
] * 200


def main() -> None:
    for panels in PANELS:
        show(panels)


def show(panels: int) -> None:
    bus, curves, took, events = day(panels)
    size = on_disk(curves)
    states = bus.latest()
    scrape, body = timed(lambda: page(states, {})[0])
    reported, text = timed(lambda: report({}, {}, states, LOG, BEGIN))
    asked, answer = timed(lambda: json.dumps(curves.document(*at(DAY))))
    print(f"{panels} panels, {len(states)} devices, CPU time, mean of {RUNS}")
    print(f"  scrape of /metrics     {scrape:7.1f} ms, {len(body) / 1000:.0f} kB, {len(body.splitlines())} lines")
    print(f"  curves: a state        {took / events * 1e6:7.1f} µs, {events} states in a day")
    print(f"  curves: api/curves     {asked:7.1f} ms, {len(answer) / 1000:.1f} kB")
    print(f"  curves: memory         {memory(panels) / 1000:7.0f} kB")
    print(f"  curves: written        {size * WRITES / 1e6:7.2f} MB a day, {WRITES} writes of {size / 1000:.0f} kB")
    print(f"  report                 {reported:7.1f} ms, {len(text.encode()) / 1000:.0f} kB")


def at(seconds: float) -> tuple[datetime, float]:
    return BEGIN + timedelta(seconds=seconds), seconds


def day(panels: int) -> tuple[Bus, Curves, float, int]:
    """The bus and the curves after a day, CPU seconds spent with curves, and states that were told."""
    source, house, bus, curves = SimulatedHouse(panels=panels), House(Registry()), Bus(), Curves()
    spent, events = 0.0, 0
    for now in range(0, DAY, POLL):
        wall, _ = at(now)
        readings = dl_cgi.decode(json.loads(simulated.device_list(source, wall)), "benchmark").readings
        states = house.accept(readings, now)
        for state in states:
            bus.publish(state)
        began = time.process_time()
        for state in states:
            curves.take(state, wall, now)
        spent += time.process_time() - began
        events += len(states)
    return bus, curves, spent, events


def memory(panels: int) -> int:
    """Bytes that curves take after a day in which everything told itself at each poll."""
    readings = dl_cgi.decode(json.loads(simulated.device_list(SimulatedHouse(panels=panels), BEGIN)), "x").readings
    states = House(Registry()).accept(readings, 0.0)
    curves = Curves()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for now in range(0, DAY, POLL):
        for state in states:
            curves.take(state, *at(now))
    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return taken


def on_disk(curves: Curves) -> int:
    """Bytes of the file of a whole day."""
    with tempfile.TemporaryDirectory() as folder:
        CurvesFile(Path(folder)).save(curves, *at(DAY))
        return (Path(folder) / FILE).stat().st_size


def timed(work: Callable[[], object]) -> tuple[float, object]:
    """Milliseconds of CPU time, and the result."""
    result = work()
    began = time.process_time()
    for _ in range(RUNS):
        work()
    return (time.process_time() - began) / RUNS * 1000, result


if __name__ == "__main__":
    main()
