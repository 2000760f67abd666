"""What a tap tells becomes a recording: bytes with their time since it began, and what happened to the line."""

from __future__ import annotations

from collections.abc import Callable

from pvsmqtt.capture.items import Event
from pvsmqtt.capture.recorder import Recorder
from pvsmqtt.modbus.setting import Setting
from pvsmqtt.sources.rs485.lost import LineLost, Loss
from pvsmqtt.sources.rs485.tap import Hear, State


class NotWritten(Exception):
    """The recording cannot be written any further; ``error`` says why."""

    def __init__(self, error: OSError) -> None:
        super().__init__(str(error))
        self.error = error


class NotHeard(Exception):
    """The line was never heard: most likely it is not the one that was meant."""


class Writing(Hear):
    """Hands on to a recorder what a tap hears.

    Args:
        recorder: Who writes.
        now: The tap's clock.
        setting: What the speed is just now, as far as it is known.
        own_time: Whether the line has a clock of its own that begins anew when it is opened: a recording.
    """

    def __init__(
        self, recorder: Recorder, now: Callable[[], float], setting: Callable[[], Setting | None], own_time: bool
    ) -> None:
        self.heard = False
        """Whether the line was ever open."""
        self._recorder = recorder
        self._now = now
        self._setting = setting
        self._own_time = own_time
        self._zero = now()
        self._latest = 0.0

    def on_bytes(self, data: bytes, when: float) -> None:
        """See `Hear`."""
        t = self._since(when)
        self._written(lambda: self._recorder.bytes(data, t))

    def on_idle(self, when: float) -> None:
        """See `Hear`."""
        t = self._since(when)
        self._written(lambda: self._recorder.idle(t))

    def on_state(self, state: State, said: str, lost: LineLost | None) -> None:
        """See `Hear`.

        Raises:
            NotHeard: when the line cannot be opened the first time: then a person waits for the reason.
        """
        if state is State.LISTENING:
            self.heard = True
            if self._own_time:
                self._zero = self._now() - self._latest
            setting = self._setting()
            self._event("opened", {"setting": str(setting)} if setting else {})
        elif state is State.LOST and not self.heard:
            raise NotHeard(said)
        elif state is State.LOST and lost is not None:
            self._event("lost", {"reason": str(lost.reason)})
        elif state is State.ENDED and lost is not None and lost.reason is not Loss.ENDED:
            raise NotHeard(said)

    def tick(self) -> None:
        """Time goes by; what was collected is written."""
        if not self._own_time:
            self.on_idle(self._now())

    def close(self) -> None:
        """Write what is still held back."""
        self._written(lambda: self._recorder.close(self._latest))

    def _event(self, name: str, details: dict[str, str]) -> None:
        t = self._latest if self._own_time else self._since(self._now())
        self._written(lambda: self._recorder.event(Event(t, name, details), lost=True))

    def _since(self, when: float) -> float:
        self._latest = max(self._latest, when - self._zero)
        return self._latest

    def _written(self, write: Callable[[], None]) -> None:
        try:
            write()
        except OSError as error:
            raise NotWritten(error) from error
