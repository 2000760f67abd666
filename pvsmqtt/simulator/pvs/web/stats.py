"""What a simulated supervisor has been asked: for tests that wait and for benchmarks that count."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

KINDS = {
    "/cgi-bin/dl_cgi": "command",
    "/cgi-bin/dl_cgi/devices/list": "device list",
    "/cgi-bin/dl_cgi/supervisor/info": "supervisor info",
    "/vars": "vars",
    "/auth": "auth",
}
OTHER = "other"


def kind_of(path: str, command: str | None) -> str:
    """The kind of a request: ``?Command=DeviceList`` is a device list too."""
    return "device list" if command == "DeviceList" else KINDS.get(path, OTHER)


@dataclass(frozen=True, slots=True)
class Request:
    """A request of the equipment's own paths, and when it came (real time, UTC)."""

    path: str
    received_at: datetime
    method: str = "GET"
    body: str = ""
    """What was sent along; the text of a query for ``/vars``."""
    secure: bool = False
    """Whether it came over TLS."""


@dataclass(frozen=True, slots=True)
class Write:
    """One ``set=``: accepted, or refused."""

    name: str
    value: str
    accepted: bool


@dataclass(slots=True)
class Traffic:
    """Of one kind of path: how often, how many bytes of bodies, how many of them at once."""

    requests: int = 0
    bytes_sent: int = 0
    in_flight: int = 0
    max_in_flight: int = 0


@dataclass
class Stats:
    """What has been asked. Only the last requests are kept, everything is counted."""

    device_lists: int = 0
    in_flight: int = 0
    """Requests under way now, of every kind."""
    max_in_flight: int = 0
    logins: int = 0
    failed_logins: int = 0
    logouts: int = 0
    boots: int = 0
    """Restarts and updates since the start."""
    bytes_sent: int = 0
    writes: list[Write] = field(default_factory=list)
    kinds: dict[str, Traffic] = field(default_factory=dict)
    requests: deque[Request] = field(default_factory=lambda: deque(maxlen=10_000))

    def begin(self, kind: str) -> None:
        """A request has come."""
        traffic = self.kinds.setdefault(kind, Traffic())
        traffic.requests += 1
        traffic.in_flight += 1
        traffic.max_in_flight = max(traffic.max_in_flight, traffic.in_flight)
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)

    def end(self, kind: str) -> None:
        """It has been answered, or its client has gone."""
        self.kinds[kind].in_flight -= 1
        self.in_flight -= 1

    def sent(self, kind: str, size: int) -> None:
        """Bytes of a body have been sent."""
        self.kinds[kind].bytes_sent += size
        self.bytes_sent += size

    def as_json(self) -> dict[str, Any]:
        """Everything, for ``/simulator/stats``."""
        return {
            "device_lists": self.device_lists,
            "in_flight": self.in_flight,
            "max_in_flight": self.max_in_flight,
            "logins": self.logins,
            "failed_logins": self.failed_logins,
            "logouts": self.logouts,
            "boots": self.boots,
            "bytes_sent": self.bytes_sent,
            "writes": [
                {"name": write.name, "value": write.value, "accepted": write.accepted} for write in self.writes
            ],
            "kinds": {
                kind: {
                    "requests": traffic.requests,
                    "bytes_sent": traffic.bytes_sent,
                    "max_in_flight": traffic.max_in_flight,
                }
                for kind, traffic in self.kinds.items()
            },
            "requests": [
                {
                    "path": request.path,
                    "received_at": request.received_at.isoformat(),
                    "method": request.method,
                    "body": request.body,
                    "secure": request.secure,
                }
                for request in self.requests
            ],
        }
