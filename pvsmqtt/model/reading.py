"""What a source found out about one device at one moment, and what the house knows of it by now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pvsmqtt.model.device import Device

Value = float | int | str | None
"""A number in the canonical unit of its quantity, a text, or ``None``: known to be unknown."""

DERIVED = "derived"
"""What stands for a source where a value follows from others."""


def root(source: str) -> str:
    """The source without what it was at: ``pvs 172.27.153.1 live`` -> ``pvs 172.27.153.1``."""
    return " ".join(source.split(" ")[:2])


@dataclass(frozen=True, slots=True)
class Reading:
    """Values of one device in canonical units, keyed by quantity.

    A key that is absent means "no news"; ``None`` means "known to be unknown".

    ``measured_at`` is the time of measurement in UTC by the equipment's clock; unknown stays unknown.
    ``age`` is how old the measurement was when it arrived, in seconds by the equipment's own clock, so that a
    wrong clock in the equipment or here does not matter; ``None`` when it cannot be told.
    ``valid_for`` is for how many seconds after its arrival it may stand for the present (0: it is history), and so
    for how long it proves that the device is alive. ``lasts`` is for how many seconds its values stand where that is
    longer: what is asked for rarely changes rarely, and proves nothing of the present.
    """

    device: Device
    values: Mapping[str, Value]
    source: str
    measured_at: datetime | None = None
    age: float | None = None
    valid_for: float = 900.0
    lasts: float = 0.0


@dataclass(frozen=True, slots=True)
class DeviceState:
    """What the house knows of a device: the latest value of each of its quantities, ``None`` when unknown.

    ``sources`` are those that have told of it since the start, ``feeds`` says by quantity which of them told it last,
    or `DERIVED`. ``marks`` says more of some quantities: by what a total is counted, and how certain that is.
    """

    device: Device
    online: bool
    values: Mapping[str, Value]
    measured_at: datetime | None = None
    sources: tuple[str, ...] = ()
    feeds: Mapping[str, str] = field(default_factory=dict)
    marks: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Where it stands on the bus."""
        return self.device.id

    @property
    def live(self) -> bool:
        """Whether its data is: a panel that sleeps is online, but tells nothing."""
        return self.online and self.values.get("availability") != "asleep"


@dataclass(frozen=True, slots=True)
class DeviceGone:
    """A device that is not to be shown any more."""

    device: Device

    @property
    def key(self) -> str:
        """Where it stands on the bus: in the place of the state it had."""
        return self.device.id
