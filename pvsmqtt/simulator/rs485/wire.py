"""Frames become bytes on the wire, with the time of each and with the truth about every frame; damaged on request.

    echo         every request is there twice, as behind an adapter that hears itself
    truncation   a frame loses its end
    noise        a byte is replaced, a byte is inserted, a byte is lost, each as often as the others

Damage never makes a whole frame by accident: a byte is never replaced by itself, nor lost before one like it, nor
inserted before one like it, and whatever follows a damaged byte is left alone.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from random import Random

from pvsmqtt.modbus.setting import Setting
from pvsmqtt.simulator.rs485.master import Sent

LEAST_CUT = 3
"""Bytes that a truncated frame loses at least."""


@dataclass(frozen=True, slots=True)
class Damage:
    """What happens to the bytes: shares of all bytes and of all frames, 0 to 1."""

    noise: float = 0.0
    truncation: float = 0.0
    echo: bool = False


@dataclass(frozen=True, slots=True)
class TrueFrame:
    """A frame that was put on the wire."""

    offset: int
    """Of its first byte in the stream."""
    length: int
    """Its bytes in the stream: other than those of ``adu`` where some were lost or came in between."""
    adu: bytes
    """As it was sent."""
    is_response: bool
    intact: bool
    """Every byte there, unaltered and nothing in between."""
    when: float
    """Bus seconds at which its last byte was over."""
    echo: bool = False
    """The second copy of a request."""
    listener: int = 0
    """Which listener heard it (`simulator`): ``offset`` counts what that one was given."""

    @property
    def unit(self) -> int:
        """0 to 255."""
        return self.adu[0]

    @property
    def function(self) -> int:
        """Function code without the bit of an exception."""
        return self.adu[1] & 0x7F

    @property
    def exception(self) -> int | None:
        """The code of an exception."""
        return self.adu[2] if self.adu[1] & 0x80 else None


@dataclass(slots=True)
class Wire:
    """Bytes in order, the time at which each begins, and the frames among them."""

    data: bytearray = field(default_factory=bytearray)
    times: array[float] = field(default_factory=lambda: array("d"))
    frames: list[TrueFrame] = field(default_factory=list)


def lay(sent: Iterable[Sent], speed: Setting, damage: Damage, random: Random) -> Wire:
    """Put frames on the wire."""
    wire, character = Wire(), speed.character_time
    for frame, echo in _copies(sent, damage.echo, character):
        begin = len(wire.data)
        whole = _put(wire, frame, character, damage, random)
        wire.frames.append(
            TrueFrame(
                offset=begin,
                length=len(wire.data) - begin,
                adu=frame.adu,
                is_response=frame.is_response,
                intact=whole,
                when=frame.at + len(frame.adu) * character,
                echo=echo,
            )
        )
    return wire


def _copies(sent: Iterable[Sent], echo: bool, character: float) -> Iterator[tuple[Sent, bool]]:
    """An echo delays what follows it by its own length."""
    late = 0.0
    for frame in sent:
        yield Sent(frame.at + late, frame.adu, frame.is_response), False
        if echo and not frame.is_response:
            late += len(frame.adu) * character
            yield Sent(frame.at + late, frame.adu, False), True


def _put(wire: Wire, frame: Sent, character: float, damage: Damage, random: Random) -> bool:
    """Append one frame; whether it is intact."""
    data, begin = frame.adu, len(wire.data)
    if damage.truncation and random.random() < damage.truncation:
        data = data[: random.randrange(1, len(data) - LEAST_CUT + 1)]
    bytes_ = _noisy(data, damage.noise, random) if damage.noise else data
    wire.data += bytes_
    free = wire.times[-1] + character if wire.times else frame.at
    wire.times.extend(max(free, frame.at) + index * character for index in range(len(wire.data) - begin))
    return bytes_ is frame.adu or bytes_ == frame.adu


def _noisy(data: bytes, noise: float, random: Random) -> bytes:
    out, spared = bytearray(), False
    for index, byte in enumerate(data):
        if spared or random.random() >= noise:
            out.append(byte)
            spared = False
            continue
        spared = True
        other = byte ^ random.randrange(1, 256)
        kind = random.randrange(3)
        if kind == 1 and index:
            out += bytes((other, byte))
        elif kind == 2 and index + 1 < len(data) and data[index + 1] != byte:
            pass
        else:
            out.append(other)
    return bytes(out)
