"""How well a line was heard lately. Pure: time is a parameter.

What was heard an hour ago says nothing of the present, so a `Quality` lasts for `PERIOD`, and the one before it
answers until the present one has heard enough to judge.
"""

from __future__ import annotations

from pvsmqtt.modbus.frame import Frame
from pvsmqtt.modbus.setting import Setting
from pvsmqtt.sources.rs485.quality import ENOUGH, Quality

PERIOD = 300.0
"""Seconds; some twenty polls of a supervisor."""


class RecentQuality:
    """Bytes and frames of the last few minutes."""

    def __init__(self, changeable: bool) -> None:
        self._changeable = changeable
        self._setting: Setting | None = None
        self._now = self._before = Quality(None, changeable)
        self._since: float | None = None
        self._crc_failures = self._crc_base = 0
        self._driver: dict[str, int] = {}
        self._driver_base: dict[str, int] = {}
        self._echo = False

    def restart(self, setting: Setting | None) -> None:
        """The line was opened (again); what was heard before does not count."""
        self._setting = setting
        self._now = self._before = Quality(setting, self._changeable)
        self._since = None
        self._crc_base, self._driver_base, self._driver = self._crc_failures, {}, {}

    def hear(self, data: bytes, when: float) -> None:
        """Bytes came."""
        if self._since is None:
            self._since = when
        elif when - self._since >= PERIOD:
            self._before, self._now = self.present, Quality(self._setting, self._changeable)
            self._since = when
            self._crc_base, self._driver_base = self._crc_failures, self._driver
        self._now.hear(data)

    def frame(self, frame: Frame, request: Frame | None) -> None:
        """A frame was found in them; ``request`` is what it answers, if it does."""
        self._now.frame(frame, request)

    def count(self, crc_failures: int, echo: bool, driver: dict[str, int]) -> None:
        """What the framer counted since its beginning, and the driver since the line was opened."""
        self._crc_failures, self._echo, self._driver = crc_failures, echo, dict(driver)

    @property
    def present(self) -> Quality:
        """The last one that can judge."""
        driver = {name: count - self._driver_base.get(name, 0) for name, count in self._driver.items()}
        self._now.count(self._crc_failures - self._crc_base, self._echo, driver)
        return self._now if self._now.bytes >= ENOUGH or not self._before.bytes else self._before
