"""One message of yasdi2mqtt. Pure: bytes in, frozen values or a typed refusal out; never an exception.

``<prefix>/<serial number>`` carries, every 15 s or more slowly (yasdi2mqtt @83a5154, ``yasdi_handler.c``)::

    {"sn": 2000123456,               serial number, 32 bits
     "time": 1586608779,             seconds by the clock of its machine when the reading began
     "values": {"Pac": 3006,         a number in a unit that is not told, or, where the channel has texts for its
                "Status": "Mpp"}}    numbers, the text, cut after nine characters

A channel that the inverter gave no valid value for is absent. A number that is none is ``null``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from pvsmqtt.model.reading import Value
from pvsmqtt.sources.yasdi import new_channels, old_channels
from pvsmqtt.sources.yasdi.channel import Unit, convert, number
from pvsmqtt.sources.yasdi.currents import amperes
from pvsmqtt.sources.yasdi.refusal import Refusal

CHANNELS = {**old_channels.CHANNELS, **new_channels.CHANNELS}
"""Both families: no name means another thing in the other."""

MOST_BYTES = 65536
"""300 channels, of which yasdi2mqtt passes on no more, take less than a third of it."""

LONGEST_NAME = 40
MOST_SERIAL = 2**32 - 1
CLOCK_OFF = 300.0
"""Seconds from which on the clock of yasdi2mqtt's machine counts as wrong, and the time of arrival is better."""

WRONG_DAY = 86400.0
"""Seconds by which a clock that is wrong may be off; a message that is further off is no news, or nobody can tell."""

_EARLIEST = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Message:
    """What a message says. ``time`` as it was stamped, ``ahead`` in seconds of the time of its arrival.

    ``unmapped`` are channels that no table has, ``left_out`` those of which the value could not be used.
    """

    serial: str
    time: float
    ahead: float
    measured_at: datetime
    values: Mapping[str, Value]
    unmapped: tuple[str, ...]
    left_out: tuple[str, ...]


def decode(payload: bytes, topic: str, arrived: datetime) -> Message | Refusal:
    """What a message that ``arrived`` on a topic says, or why it cannot be used."""
    told = topic.rpartition("/")[2]
    if not (told.isascii() and told.isdecimal()):
        return Refusal.FOREIGN
    if len(payload) > MOST_BYTES:
        return Refusal.TOO_LARGE
    try:
        document = json.loads(payload.decode("utf-8", "replace"))
    except RecursionError:
        return Refusal.NESTED
    except ValueError:
        return Refusal.NOT_JSON
    if not isinstance(document, dict):
        return Refusal.WRONG_SHAPE
    serial = _whole(document.get("sn"))
    if serial is None or not 0 < serial <= MOST_SERIAL:
        return Refusal.NO_SERIAL
    if str(serial) != told.lstrip("0"):
        return Refusal.OTHER_SERIAL
    values = document.get("values")
    if not isinstance(values, dict) or not values:
        return Refusal.NO_VALUES
    time = number(document.get("time"))
    if time is None:
        return Refusal.NO_TIME
    ahead = time - arrived.timestamp()
    if time < _EARLIEST or abs(ahead) > WRONG_DAY:
        return Refusal.WRONG_TIME
    measured_at = datetime.fromtimestamp(time, UTC) if abs(ahead) <= CLOCK_OFF else arrived
    known, unmapped, left_out = _known({name.strip(): value for name, value in values.items()})
    return Message(str(serial), time, ahead, measured_at, known, unmapped, left_out)


def _known(channels: Mapping[str, object]) -> tuple[dict[str, Value], tuple[str, ...], tuple[str, ...]]:
    """The quantities that these channels tell, the names of others, and the names of those without a usable value."""
    values: dict[str, Value] = {}
    unmapped, left_out = [], []
    for name, raw in channels.items():
        channel = CHANNELS.get(name)
        if channel is None:
            unmapped.append(name.encode("utf-8", "replace").decode()[:LONGEST_NAME])
            continue
        if channel.key is None:
            continue
        value = convert(channel, raw)
        if channel.unit is Unit.A_OR_MA and isinstance(value, float):
            watts = next((found for w in channel.watts if (found := number(channels.get(w))) is not None), None)
            value = amperes(value, number(channels.get(channel.volts)), watts)
        if value is None and raw is not None:
            left_out.append(name)
        if values.get(channel.key) is None:
            values[channel.key] = value
    inputs = [values[key] for key in ("dc_power_a", "dc_power_b") if key in values]
    powers = [power for power in inputs if isinstance(power, int | float)]
    if inputs and "dc_power" not in values:
        values["dc_power"] = round(sum(powers), 3) if len(powers) == len(inputs) else None
    return values, tuple(unmapped), tuple(left_out)


def _whole(raw: object) -> int | None:
    value = number(raw)
    return int(value) if value is not None and value.is_integer() else None
