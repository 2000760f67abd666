"""How long a reply of the PVS takes to become states at a subscriber.

    python benchmarks/latency.py [--panels 37] [--polls 50]

Time runs from the last byte of the DeviceList reply to the arrival of the last state of that cycle at an MQTT
subscriber, through a real broker.
"""

from __future__ import annotations

import argparse
import statistics

import common

GOAL = 50.0
PANELS = 37
"""A goal for so many panels."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--panels", type=int, default=PANELS)
    parser.add_argument("--polls", type=int, default=50)
    parser.add_argument("--interval", type=float, default=0.5, help="seconds between two polls")
    args = parser.parse_args()
    pvs = common.Pvs(common.payloads(args.panels, args.polls + common.WARM_UP + 1))
    with (
        common.folder() as state_dir,
        common.broker() as port,
        pvs.serving(),
        common.Subscriber(port).listening() as seen,
        common.service(pvs, port, state_dir, args.interval) as running,
    ):
        cycles = common.run_cycles(pvs, seen, running, args.polls)
    median = statistics.median(cycles.milliseconds)
    states = ", ".join(f"{count} in {times} cycles" for count, times in sorted(cycles.states.items()))
    print(f"{args.panels} panels, {args.polls} polls, states: {states}")
    print(f"last byte of the reply -> first state: {common.summary(cycles.first)}")
    print(f"last byte of the reply -> last state:  {common.summary(cycles.milliseconds)}")
    print(f"CPU of the service: {cycles.cpu:.1f} ms per poll")
    if args.panels <= PANELS:
        print(common.goal(median < GOAL, f"median under {GOAL:.0f} ms for {PANELS} panels"))


if __name__ == "__main__":
    main()
