"""The service beside others that do a part of its work, in the same run on the same replies.

    python benchmarks/peer.py [--panels 37] [--polls 25] [--rounds 2]

* Latency: `handwritten.py`, a minimal publisher on plain paho-mqtt, timed as in `latency.py`, in turns with the
  service. The difference is the price of decoding, identity, freshness, house totals and everything else.
* Decoding: the library sungazer (PyPI) reads a DeviceList into pydantic models; it is compared when it can be
  imported, say with ``pip install --target /tmp/peer sungazer`` and ``PYTHONPATH=/tmp/peer``. It converts text to
  numbers, but not units or times, and refuses the whole reply for one unknown device. pypvs (PyPI) reads the
  varserver interface only. No library was found that does the whole job.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import common

from pvsmqtt.sources.pvs.access import client
from pvsmqtt.sources.pvs.older import dl_cgi

SCRIPT = Path(__file__).with_name("handwritten.py")
DECODED = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--panels", type=int, default=37)
    parser.add_argument("--polls", type=int, default=25)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--interval", type=float, default=0.5, help="seconds between two polls")
    args = parser.parse_args()
    replies = common.payloads(args.panels, args.polls + common.WARM_UP + 1)
    ours, theirs = [], []
    for _ in range(args.rounds):
        ours.append(measure(replies, args.polls, args.interval, by_hand=False))
        theirs.append(measure(replies, args.polls, args.interval, by_hand=True))
    print(f"{args.panels} panels, {args.rounds} rounds of {args.polls} polls: last byte of the reply -> last state")
    medians = [show("pvsmqtt", ours), show("handwritten", theirs)]
    print(f"  pvsmqtt takes {medians[0] - medians[1]:+.1f} ms more (median)")
    print(f"bytes of a DeviceList -> objects, {DECODED} times, CPU time")
    for name, decode in decoders().items():
        print(f"  {name:26} {common.summary(clock(decode, replies), digits=2)}")


def measure(replies: list[bytes], polls: int, interval: float, by_hand: bool) -> tuple[common.Cycles, float]:
    """Cycles of the service or of the script, and resident memory at their end."""
    pvs = common.Pvs(replies)
    with common.folder() as state_dir, common.broker() as port, pvs.serving():
        command = [sys.executable, str(SCRIPT), pvs.url, str(port), str(interval)]
        publisher = (
            common.process(command, state_dir / "script.log")
            if by_hand
            else common.service(pvs, port, state_dir, interval)
        )
        with common.Subscriber(port).listening() as seen, publisher as running:
            return common.run_cycles(pvs, seen, running, polls), common.resident(running.pid)


def show(name: str, rounds: list[tuple[common.Cycles, float]]) -> float:
    values = [value for cycles, _ in rounds for value in cycles.milliseconds]
    states = sorted({count for cycles, _ in rounds for count in cycles.states})
    cpu = statistics.fmean(cycles.cpu for cycles, _ in rounds)
    memory = max(memory for _, memory in rounds)
    print(f"  {name:12} {common.summary(values)}; {states} states, CPU {cpu:.1f} ms per poll, {memory:.0f} MB")
    return statistics.median(values)


def decoders() -> dict[str, Callable[[bytes], object]]:
    """What can be compared here."""
    found: dict[str, Callable[[bytes], object]] = {
        "json.loads alone": json.loads,
        "pvsmqtt": lambda body: dl_cgi.decode(client.parse(body), "benchmark"),
    }
    try:
        from sungazer.models.devices import DeviceDetailResponse
    except ImportError:
        print("(sungazer is not installed and left out)")
    else:
        found["sungazer"] = lambda body: DeviceDetailResponse.new(json.loads(body))
    return found


def clock(decode: Callable[[bytes], object], replies: list[bytes]) -> list[float]:
    """CPU milliseconds of every call."""
    values = []
    for number in range(DECODED):
        begin = time.process_time()
        decode(replies[number % len(replies)])
        values.append(1000 * (time.process_time() - begin))
    return values


if __name__ == "__main__":
    main()
