"""Which version of MQTT a broker is asked for."""

from __future__ import annotations

from pvsmqtt.broker.connection import Refused


class Versions:
    """Which version of MQTT to try next. A broker that refuses one in so many words gets the other from then on; one
    that is silent may only be slow, so the other is tried in turn, and kept when it worked several times."""

    ENOUGH = 3

    def __init__(self, protocol: str) -> None:
        self._auto = protocol == "auto"
        self._preferred = "5" if self._auto else protocol
        self._turned = 0
        self._worked: str | None = None
        self.next = self._preferred

    def refused(self, refused: Refused) -> None:
        """A try failed."""
        if self._auto and refused.other_version:
            self._preferred = self.next = self._other(self.next)
        elif self._auto and refused.silent and self.next != self._worked:
            self.next = self._other(self.next)

    def accepted(self, version: str) -> None:
        """A try worked; the next outage begins with the preferred version again."""
        self._worked = version
        self._turned = self._turned + 1 if version != self._preferred else 0
        if self._turned >= self.ENOUGH:
            self._preferred = version
        self.next = self._preferred

    @staticmethod
    def _other(version: str) -> str:
        return "3.1.1" if version == "5" else "5"
