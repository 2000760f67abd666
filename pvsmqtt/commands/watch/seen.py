"""What the topics of one instance said so far. Pure: messages in, times as parameters.

Memory is bounded: so many devices, so many instances; what is no document of ours is passed over and counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pvsmqtt.commands.watch.documents import document, mapping, moment, text
from pvsmqtt.model.device import Kind
from pvsmqtt.sinks.mqtt.topics import OFFLINE, ONLINE, Topics

MOST_DEVICES = 5000
MOST_INSTANCES = 200


@dataclass(slots=True)
class Said:
    """What is known of one device. ``told_at`` is when its state came, by the clock of this machine, where it was
    news."""

    values: Mapping[str, Any] = field(default_factory=dict)
    online: bool | None = None
    told_at: datetime | None = None
    known: bool = False
    """Whether it ever told a state."""


class Seen:
    """What stands below ``{base}/{instance}``, and which other instances there are below ``{base}``."""

    def __init__(self, base: str, instance: str) -> None:
        self.base, self.instance = base, instance
        self.root = f"{base}/{instance}"
        self._names = Topics(base, instance, "")
        self.forget()

    def forget(self) -> None:
        """Begin anew: a broker that was away may have forgotten, and tells all that it knows again."""
        self.instances: dict[str, bool] = {}
        """Every instance, and whether its service is online."""
        self.inventory: list[Mapping[str, Any]] | None = None
        self.said: dict[str, Said] = {}
        self.info: Mapping[str, Any] = {}
        self.health: Mapping[str, Any] = {}
        self.ahead = 0.0
        """Seconds by which the clock of this machine is ahead of that of the service, as far as known."""
        self.passed_over = 0

    @property
    def filters(self) -> tuple[str, ...]:
        """What is subscribed to."""
        names = self._names
        each = f"{self.root}/+"
        return (f"{self.base}/+/status", names.info, names.devices, names.health, f"{each}/state", f"{each}/status")

    @property
    def online(self) -> bool | None:
        """Whether the service says that it is there; ``None``: nobody ever was."""
        return self.instances.get(self.instance)

    @property
    def complete(self) -> bool:
        """Whether everything has come that an instance keeps on the broker."""
        listed = self.inventory is not None and all(self._has_come(entry) for entry in self.inventory)
        return self.online is not None and listed and bool(self.info) and bool(self.health)

    def _has_come(self, entry: Mapping[str, Any]) -> bool:
        said = self.said.get(str(entry.get("id")))
        its_own = entry.get("kind") != Kind.BRIDGE.value  # this one's is that of the service
        return said is not None and said.known and (said.online is not None or not its_own)

    def take(self, topic: str, payload: bytes, retained: bool, now: datetime) -> None:
        """A message came; ``retained`` ones may be old."""
        head, _, last = topic.rpartition("/")
        above, _, name = head.rpartition("/")
        if last == "status" and above == self.base:  # brokers have been seen to tell more than was asked for
            self._instance(name, payload)
        elif head == self.root:
            self._document(last, payload, retained, now)
        elif above == self.root and last in ("state", "status"):
            self._device(name, last, payload, retained, now)

    def _instance(self, name: str, payload: bytes) -> None:
        if not payload:
            self.instances.pop(name, None)
        elif payload in (ONLINE.encode(), OFFLINE.encode()) and (
            name in self.instances or len(self.instances) < MOST_INSTANCES or name == self.instance
        ):
            self.instances[name] = payload == ONLINE.encode()

    def _document(self, name: str, payload: bytes, retained: bool, now: datetime) -> None:
        found = document(payload)
        if name == "devices":
            entries = found if isinstance(found, list) else []
            if not payload:
                self.inventory = None
            else:
                self.inventory = [one for one in entries if text(mapping(one).get("id"))][:MOST_DEVICES]
        elif name == "info":
            self.info = mapping(found)
        elif name == "health":
            self.health = mapping(found)
            told = moment(self.health.get("time"))
            if told is not None and not retained:
                ahead = (now - told).total_seconds()
                self.ahead = ahead if abs(ahead) > 2.0 else 0.0  # it tells whole seconds, and was on its way

    def _device(self, device: str, what: str, payload: bytes, retained: bool, now: datetime) -> None:
        if not payload:
            self.said.pop(device, None)
            return
        if device not in self.said and len(self.said) >= MOST_DEVICES:
            self.passed_over += 1
            return
        said = self.said.setdefault(device, Said())
        if what == "status":
            said.online = payload == ONLINE.encode()
            return
        found = document(payload)
        if not isinstance(found, dict):
            self.passed_over += 1
            return
        said.values, said.known = found, True
        said.told_at = None if retained else now
