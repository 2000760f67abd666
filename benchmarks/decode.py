"""What the processor has to do for each poll.

    python benchmarks/decode.py [--polls 100]

CPU milliseconds from the bytes of a reply to the states of all devices, step by step, without network: a DeviceList,
and the variables of all devices as newer firmware tells them, one for each field.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

import common

from pvsmqtt.model.reading import Reading
from pvsmqtt.simulator.pvs.house.house import House as SimulatedHouse
from pvsmqtt.simulator.pvs.machine import Machine
from pvsmqtt.site.house import House
from pvsmqtt.site.registry import Registry
from pvsmqtt.sources.pvs.access import client
from pvsmqtt.sources.pvs.access.requests import search
from pvsmqtt.sources.pvs.newer import varserver
from pvsmqtt.sources.pvs.older import dl_cgi

PANELS = (40, 400)
FIRMWARE = "61845"

Decode = Callable[[object, datetime], Sequence[Reading]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--polls", type=int, default=100)
    args = parser.parse_args()
    for panels in PANELS:
        count = args.polls + common.WARM_UP
        show(f"DeviceList, {panels} panels", common.payloads(panels, count), of_list)
        show(f"variables, {panels} panels", variables(panels, count), of_variables)


def variables(panels: int, count: int) -> list[bytes]:
    """Replies of consecutive polls to the question for the variables of all devices."""
    house = SimulatedHouse(panels=panels)
    query = search("/sys/devices/").path.partition("?")[2]
    clocks = [partial(at, number) for number in range(count)]
    return [Machine(house, clock=clock, firmware=FIRMWARE).answer_vars(query, owner=True).body for clock in clocks]


def at(number: int) -> datetime:
    return common.BEGIN + common.poll_time(number)


def of_list(document: object, _clock: datetime) -> Sequence[Reading]:
    return dl_cgi.decode(document, "benchmark").readings


def of_variables(document: object, clock: datetime) -> Sequence[Reading]:
    return varserver.decode(varserver.variables(document), "benchmark", clock=clock).readings


def show(what: str, replies: list[bytes], decode: Decode) -> None:
    polls = len(replies) - common.WARM_UP
    print(f"{what}, {len(replies[0]) / 1000:.0f} kB, {polls} polls, CPU time per poll")
    for step, values in measure(replies, decode).items():
        print(f"  {step:14} {common.summary(values, digits=2)}")


def measure(replies: list[bytes], decode: Decode) -> dict[str, list[float]]:
    """Milliseconds of each step in each poll."""
    house = House(Registry())
    steps: dict[str, list[float]] = {"parse JSON": [], "decode": [], "House.accept": [], "together": []}
    for number, body in enumerate(replies):
        begin = time.process_time()
        document = client.parse(body)
        parsed = time.process_time()
        readings = decode(document, at(number))
        decoded = time.process_time()
        states = house.accept(readings, 300.0 * number)
        end = time.process_time()
        if len(states) != len(readings) + 1:
            raise RuntimeError(f"{len(readings)} readings became {len(states)} states")
        if number >= common.WARM_UP:
            for values, took in zip(
                steps.values(), (parsed - begin, decoded - parsed, end - decoded, end - begin), strict=True
            ):
                values.append(1000 * took)
    return steps


if __name__ == "__main__":
    main()
