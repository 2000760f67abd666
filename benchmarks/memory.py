"""What the service keeps in memory, and whether it grows.

    python benchmarks/memory.py [--polls 1000] [--panels 40]

Resident memory (VmRSS) and open files of a real service process after the 1st, 100th, 200th … poll; then what the
imports cost, each step in the order of a start. MB are 10^6 bytes.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import common

GOAL = 60.0
GROWTH = 1.0
"""MB from the 100th poll on that count as none: the allocator breathes."""

EVERY = 100
STEPS = (
    "pass  # bare Python",
    "import asyncio  # with ssl",
    "import logging, json, tomllib, argparse, importlib.metadata",
    "from pydantic import BaseModel",
    "from pydantic_settings import BaseSettings",
    "import pvsmqtt.settings; pvsmqtt.settings.settings_class()",
    "import aiomqtt",
    "import aiohttp",
    "import pvsmqtt.service, pvsmqtt.sources.pvs.source, pvsmqtt.sinks.mqtt.sink",
)

RESIDENT = """
def resident():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) * 1024 / 1e6
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--polls", type=int, default=1000)
    parser.add_argument("--panels", type=int, default=40)
    parser.add_argument("--interval", type=float, default=0.1, help="seconds between two polls")
    args = parser.parse_args()
    samples = measure(args.polls, args.panels, args.interval)
    print(f"{args.panels} panels\n  poll   resident   open files")
    for poll, (memory, files) in samples.items():
        print(f"{poll:6}{memory:8.1f} MB{files:13}")
    end = samples[max(samples)][0]
    growth = end - samples.get(EVERY, (end, 0))[0]
    print(f"growth from the {EVERY}th poll on: {growth:+.1f} MB")
    print(common.goal(end < GOAL and growth < GROWTH, f"under {GOAL:.0f} MB, no growth from the {EVERY}th poll on"))
    show_imports()


def measure(polls: int, panels: int, interval: float) -> dict[int, tuple[float, int]]:
    """Poll -> MB and number of open files, looked at when the next poll begins."""
    samples: dict[int, tuple[float, int]] = {}
    pid = 0

    def look(number: int) -> None:
        if number == 1 or (number and number % EVERY == 0):
            samples[number] = common.resident(pid), len(list(Path(f"/proc/{pid}/fd").iterdir()))

    pvs = common.Pvs(common.payloads(panels, polls + 1), look)
    with (
        common.folder() as state_dir,
        common.broker() as port,
        pvs.serving(),
        common.service(pvs, port, state_dir, interval) as running,
    ):
        pid = running.pid
        common.wait_for(
            lambda: len(pvs.sent) > polls or running.poll() is not None, "the polls", 60 + polls * (interval + 0.5)
        )
    return samples


def show_imports() -> None:
    print("imports, step by step")
    code = [RESIDENT]
    for step in STEPS:
        code += [step, f"print(f'{{resident():7.1f}} MB  {step}')"]
    subprocess.run([sys.executable, "-c", "\n".join(code)], check=True)


if __name__ == "__main__":
    main()
