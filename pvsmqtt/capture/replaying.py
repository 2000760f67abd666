"""A recording as it was heard: frames with the requests they answer, and in the end what is known of each register.

Everything streams: memory is that of the framer, the dialogue and the images, whatever the length of the recording.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pvsmqtt.capture.items import IDLE, Chunk, Event
from pvsmqtt.modbus.block import RegisterBlock
from pvsmqtt.modbus.dialogue import Dialogue
from pvsmqtt.modbus.frame import Frame
from pvsmqtt.modbus.framer import PassiveFramer
from pvsmqtt.modbus.image import Images


class Heard(NamedTuple):
    """A frame in its context."""

    frame: Frame
    """``offset`` counts the bytes of the whole recording."""
    request: Frame | None
    """What it answers."""
    block: RegisterBlock | None
    """What it tells or confirms."""


class Replay:
    """Iterate it, once; meanwhile and afterwards the attributes tell what was heard."""

    def __init__(self, items: Iterable[Chunk | Event]) -> None:
        self.framer = PassiveFramer()
        self.dialogue = Dialogue()
        self.images = Images()
        self.bytes = 0
        self.framed = 0
        """Bytes that are part of a frame; the others are junk."""
        self.breaks = 0
        """How often the line was lost or opened again."""
        self.span: tuple[float, float] | None = None
        """Times of the first and the last chunk."""
        self.settings: list[str] = []
        """What events told of the setting of the line, without repetitions."""
        self._items = items
        self._base = 0

    def __iter__(self) -> Iterator[Heard]:
        for item in self._items:
            if isinstance(item, Event):
                yield from self._event(item)
                continue
            if self.span and item.t - self.span[1] > IDLE:
                yield from self._take(self.framer.flush(item.t))
            self.span = (self.span[0] if self.span else item.t, item.t)
            self.bytes += len(item.data)
            yield from self._take(self.framer.feed(item.data, item.t))
        if self.span:
            yield from self._take(self.framer.flush(self.span[1]))

    def _event(self, event: Event) -> Iterator[Heard]:
        yield from self._take(self.framer.flush(event.t))
        setting = event.details.get("setting")
        if isinstance(setting, str) and setting not in self.settings[-1:]:
            self.settings = [*self.settings[-9:], setting]
        if event.name in ("lost", "opened"):
            self.framer.reset()
            self.dialogue.reset()
            self._base = self.bytes
            self.breaks += 1

    def _take(self, frames: list[Frame]) -> Iterator[Heard]:
        for heard in frames:
            frame = heard._replace(offset=self._base + heard.offset)
            self.framed += len(frame.adu)
            block = self.dialogue.observe(frame)
            if block is not None:
                self.images.take(block)
            yield Heard(frame, self.dialogue.request, block)
