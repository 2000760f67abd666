"""Streams of the simulated bus with their truth, without any I/O: for property tests and benchmarks.

The same arguments give the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import count, islice
from random import Random

from pvsmqtt.modbus.setting import Setting
from pvsmqtt.simulator.pvs.house.house import House
from pvsmqtt.simulator.rs485.adapters import ADAPTERS
from pvsmqtt.simulator.rs485.master import INTERVAL, Master
from pvsmqtt.simulator.rs485.wire import Damage, TrueFrame, Wire, lay

USUAL = Setting(19200)
"""How the bus is set where nobody says otherwise."""
START = datetime(2026, 6, 21, 14, tzinfo=UTC)
"""Time in the house at the first burst: eight in the morning."""


@lru_cache(maxsize=4)
def house_of(seed: int) -> House:
    """The house of a seed, with a SunVault and 12 panels."""
    return House(seed=seed, ess=True)


def traffic(
    seed: int = 1,
    *,
    damage: Damage = Damage(),  # noqa: B008 - it is immutable
    speed: Setting = USUAL,
    house: House | None = None,
    start: datetime = START,
    interval: float = INTERVAL,
) -> Iterator[Wire]:
    """Burst after burst, for ever; offsets are counted from the beginning of each burst."""
    at_home = house or house_of(seed)
    master, random = Master(at_home, speed, seed), Random(f"damage {seed}")
    for number in count():
        at = number * interval
        state = at_home.at(start + timedelta(seconds=at))
        yield lay(master.burst(number, at, state), speed, damage, random)


def stream(
    seed: int = 1,
    bursts: int = 10,
    *,
    noise: float = 0.0,
    truncation: float = 0.0,
    echo: bool = False,
    speed: Setting = USUAL,
) -> tuple[bytes, list[TrueFrame]]:
    """The bytes of so many bursts, and the truth about every frame; offsets are those in these bytes."""
    data, frames = bytearray(), list[TrueFrame]()
    for wire in islice(traffic(seed, damage=Damage(noise, truncation, echo), speed=speed), bursts):
        frames += (replace(frame, offset=frame.offset + len(data)) for frame in wire.frames)
        data += wire.data
    return bytes(data), frames


def pieces(
    seed: int = 1,
    bursts: int = 10,
    adapter: str = "ftdi",
    *,
    damage: Damage = Damage(),  # noqa: B008 - it is immutable
    speed: Setting = USUAL,
) -> Iterator[tuple[float, bytes]]:
    """The same bytes as an adapter cuts them: (bus seconds of arrival, bytes)."""
    random = Random(f"adapter {seed}")
    for wire in islice(traffic(seed, damage=damage, speed=speed), bursts):
        for at, begin, end in ADAPTERS[adapter](wire, speed, random):
            yield at, bytes(wire.data[begin:end])
