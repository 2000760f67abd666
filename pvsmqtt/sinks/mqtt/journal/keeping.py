"""The journal of a run of the service, which the configuration may switch on, off and over while it runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pvsmqtt.bus import Flow
from pvsmqtt.model.accepted import Accepted
from pvsmqtt.sinks.mqtt.journal.options import JournalOptions

if TYPE_CHECKING:
    from pvsmqtt.sinks.mqtt.journal.journal import Journal
    from pvsmqtt.sinks.mqtt.journal.sender import Sender


class Keeping:
    """At most one journal at a time, fed by ``readings``."""

    def __init__(self, folder: Path, readings: Flow[Accepted]) -> None:
        self._folder = folder
        self._readings = readings
        self._journal: Journal | None = None
        self._leave: Callable[[], None] = lambda: None
        self.sender: Sender | None = None
        """What publishes the readings; ``None`` where they are not wanted."""

    async def begin(self, options: JournalOptions) -> Callable[[], Awaitable[None]] | None:
        """End what was, and open a journal with these options: what keeps it running."""
        if not options.enabled:
            await self.end()
            return None
        from pvsmqtt.sinks.mqtt.journal.journal import MOST_WAITING, Journal
        from pvsmqtt.sinks.mqtt.journal.sender import Sender

        stream = self._readings.subscribe(MOST_WAITING)  # first: what comes while the old one ends is of the new one
        await self.end()
        self._leave = lambda: self._readings.unsubscribe(stream)
        self._journal = Journal(self._folder, options, stream)
        self.sender = Sender(self._journal, options.replay_rate)
        await self._journal.open()
        return self._journal.run

    async def flush(self) -> None:
        """Write what has come."""
        if self._journal is not None:
            await self._journal.flush()

    async def end(self) -> None:
        """Write what is left and let go of the file. Nothing may run or send any more."""
        journal, self._journal, self.sender = self._journal, None, None
        if journal is not None:
            self._leave()
            await journal.close()

    def report(self) -> dict[str, Any] | None:
        """The journal's part of the health topic; ``None`` where there is none."""
        return None if self._journal is None else self._journal.report()
