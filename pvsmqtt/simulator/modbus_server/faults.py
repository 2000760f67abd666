"""What goes wrong, switched while it runs: ``faults.add("busy", times=3, unit=10)``, ``faults.clear()``.

A fault meets the requests that fit all that it names (port, unit, address), so many times or for a share of them. The
first one that meets a request is the one that it suffers; ``slow`` lets the next one have its turn.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Literal

from pvsmqtt.simulator.modbus_server.codes import BUSY, FAILURE, ILLEGAL_ADDRESS, NO_ANSWER, NO_PATH

if TYPE_CHECKING:
    from pvsmqtt.simulator.modbus_server.answers import Asked

CODES = {
    "busy": BUSY,
    "failure": FAILURE,
    "no-address": ILLEGAL_ADDRESS,
    "away": NO_ANSWER,
    "no-path": NO_PATH,
}
"""Faults that are exceptions."""

KINDS = {
    "busy": "exception 6",
    "failure": "exception 4",
    "no-address": "exception 2",
    "away": "exception 11, as for a unit behind the gateway that does not answer",
    "no-path": "exception 10",
    "slow": "the answer comes seconds later (seconds=5)",
    "silent": "no answer",
    "half": "half of the answer, then the connection is closed",
    "drop": "the connection is closed instead of an answer",
    "transaction": "the answer has another transaction id",
    "wrong-unit": "the answer comes from another unit",
    "garbage": "bytes that mean nothing instead of an answer",
    "one-client": "a connection is closed at once while there is another one",
}


@dataclass
class Fault:
    """One fault; what is None fits everything."""

    kind: str
    times: int | None = None
    """How often it still happens; None is for ever."""
    share: float = 1.0
    """Of the requests that fit."""
    seconds: float = 5.0
    port: str | None = None
    unit: int | None = None
    address: int | None = None
    """A register that the request touches."""
    happened: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"{self.kind!r} is no fault: {', '.join(KINDS)}")

    def fits(self, port: str, asked: Asked | None) -> bool:
        """Whether it can happen to this request, or to a connection (None)."""
        if self.times is not None and self.happened >= self.times:
            return False
        if (asked is None) != (self.kind == "one-client") or self.port not in (None, port):
            return False
        if asked is None:
            return True
        touched = range(asked.address, asked.address + max(1, asked.count))
        return self.unit in (None, asked.unit) and (self.address is None or self.address in touched)


class Faults:
    """The faults that are switched on, in the order in which they are tried."""

    def __init__(self, seed: int = 1) -> None:
        self.active: list[Fault] = []
        self.word_order: Literal["big", "little"] | None = None
        """``big`` or ``little``: the native map in another order than its own; None is its own."""
        self.random = Random(f"faults {seed}")

    def add(self, kind: str, **how: object) -> Fault:
        """Switch one on; ``how`` are fields of `Fault`. Raises ValueError for a kind that there is not."""
        fault = Fault(kind, **how)  # type: ignore[arg-type]
        self.active.append(fault)
        return fault

    def remove(self, fault: Fault) -> None:
        """Switch one off."""
        self.active.remove(fault)

    def clear(self) -> None:
        """Switch all off."""
        self.active.clear()
        self.word_order = None

    def meeting(self, port: str, asked: Asked | None) -> Iterator[Fault]:
        """Those that a request suffers, in turn: all that are slow, and one that is not."""
        for fault in list(self.active):
            if fault.fits(port, asked) and (fault.share >= 1 or self.random.random() < fault.share):
                fault.happened += 1
                yield fault
                if fault.kind != "slow":
                    return
