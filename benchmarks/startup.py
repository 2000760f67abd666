"""How long the service takes from nothing to the first state of a device.

    python benchmarks/startup.py [--runs 10] [--panels 37]

Time runs from spawning ``python -m pvsmqtt run`` to the first state with a measurement at a subscriber. The
simulated PVS answers at once (a real one takes 6 s and more). Measured twice: for an empty state folder and broker,
and for a restart with devices known and announced. Then the imports of one start, by package.
"""

from __future__ import annotations

import argparse
import re
import statistics
import time
from collections import defaultdict
from pathlib import Path

import common

GOAL = 1.5
SHOWN = 14
IMPORT = re.compile(r"import time:\s*(\d+) \|\s*(\d+) \|( +)(\S+)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--panels", type=int, default=37)
    args = parser.parse_args()
    replies = common.payloads(args.panels, 50)
    first, again = [], []
    with common.folder() as state_dir, common.broker() as port:
        start(replies, port, state_dir)  # compiles what is not compiled yet
    for _ in range(args.runs):
        with common.folder() as state_dir, common.broker() as port:
            first.append(start(replies, port, state_dir))
            again.append(start(replies, port, state_dir))
    show("first start", first)
    show("restart", again)
    with common.folder() as state_dir, common.broker() as port:
        start(replies, port, state_dir, "-X", "importtime")
        show_imports(state_dir / "service.log")
    median = statistics.median(run[-1] for run in first)
    print(common.goal(median < GOAL, f"median of the first start under {GOAL} s"))


def start(replies: list[bytes], port: int, state_dir: Path, *python: str) -> tuple[float, float]:
    """Seconds from the start to the request to the PVS, and to the first state."""
    pvs = common.Pvs(replies)
    with pvs.serving(), common.Subscriber(port).listening() as seen:
        begin = time.monotonic()
        with common.service(pvs, port, state_dir, 1.0, python) as running:
            common.wait_for(lambda: running.poll() is not None or arrival(seen) is not None, "the first state")
            state = arrival(seen)
        if state is None:
            raise RuntimeError("the service ended")
    return pvs.asked[0] - begin, state - begin


def arrival(seen: common.Subscriber) -> float | None:
    """When the first state with a measurement came."""
    live = (
        when
        for when, topic, payload, retained in list(seen.messages)
        if not retained and common.is_live_device(topic, payload)
    )
    return next(live, None)


def show(what: str, runs: list[tuple[float, float]]) -> None:
    asked = [1000 * run[0] for run in runs]
    state = [1000 * run[1] for run in runs]
    print(f"{what}, {len(runs)} runs")
    print(f"  process start -> request to the PVS: {common.summary(asked, digits=0)}")
    print(f"  process start -> first state:        {common.summary(state, digits=0)}")


def show_imports(log: Path) -> None:
    """Where the time of imports goes: the modules of each package, and what they were the first to need."""
    own: defaultdict[str, int] = defaultdict(int)
    whole: defaultdict[str, int] = defaultdict(int)
    above: list[str] = []
    for line in reversed(log.read_text(errors="replace").splitlines()):  # a parent comes after its children
        found = IMPORT.match(line)
        if not found:
            continue
        depth, package = len(found[3]) // 2, found[4].split(".")[0]
        del above[depth:]
        above += [""] * (depth - len(above)) + [package]
        own[package] += int(found[1])
        if package not in above[:-1]:
            whole[package] += int(found[2])
    print(f"imports (measuring makes them slower): {sum(own.values()) / 1000:.0f} ms in all")
    print(f"  {'package':24}{'own modules':>14}{'with what it needs first':>28}")
    for package, micros in sorted(own.items(), key=lambda item: -item[1])[:SHOWN]:
        print(f"  {package:24}{micros / 1000:11.0f} ms{whole[package] / 1000:25.0f} ms")


if __name__ == "__main__":
    main()
