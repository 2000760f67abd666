"""What the processor has to do for each poll.

    python benchmarks/decode.py [--polls 100]

CPU milliseconds from the bytes of a DeviceList reply to the states of all devices, step by step, without network.
"""

from __future__ import annotations

import argparse
import time

import common

from pvsmqtt.site.house import House
from pvsmqtt.site.registry import Registry
from pvsmqtt.sources.pvs import client, dl_cgi

PANELS = (37, 400)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--polls", type=int, default=100)
    args = parser.parse_args()
    for panels in PANELS:
        replies = common.payloads(panels, args.polls + common.WARM_UP)
        print(f"{panels} panels, {len(replies[0]) / 1000:.0f} kB, {args.polls} polls, CPU time per poll")
        for step, values in measure(replies).items():
            print(f"  {step:14} {common.summary(values, digits=2)}")


def measure(replies: list[bytes]) -> dict[str, list[float]]:
    """Milliseconds of each step in each poll."""
    house = House(Registry())
    steps: dict[str, list[float]] = {"parse JSON": [], "decode": [], "House.accept": [], "together": []}
    for number, body in enumerate(replies):
        begin = time.process_time()
        document = client.parse(body)
        parsed = time.process_time()
        reply = dl_cgi.decode(document, "benchmark")
        decoded = time.process_time()
        states = house.accept(reply.readings, 300.0 * number)
        end = time.process_time()
        if len(states) != len(reply.readings) + 1:
            raise RuntimeError(f"{len(reply.readings)} readings became {len(states)} states")
        if number >= common.WARM_UP:
            for values, took in zip(
                steps.values(), (parsed - begin, decoded - parsed, end - decoded, end - begin), strict=True
            ):
                values.append(1000 * took)
    return steps


if __name__ == "__main__":
    main()
