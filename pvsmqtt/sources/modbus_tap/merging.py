"""Two ports of one gateway tell of one device: what a unit says of itself in SunSpec goes before any map. Pure.

Each port has registers of its own, and so a decoder of its own; both call a unit ``<name>_<unit>``. Who has told its
serial number on one port is the same device on the other.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from pvsmqtt.model.device import Device
from pvsmqtt.model.reading import Reading


class Merging:
    """``stale_after``: seconds for which a word in SunSpec counts."""

    def __init__(self, stale_after: float) -> None:
        self._stale_after = stale_after
        self._devices: dict[str, Device] = {}
        self._own: dict[str, dict[str, tuple[int, float]]] = {}
        """By device: quantities that it told in SunSpec, on which port and when."""

    def take(self, port: int, reading: Reading, own: Collection[str], now: float) -> Reading | None:
        """What is to be told of a reading; None when nothing is left of it.

        Args:
            port: of the server.
            reading: of one unit.
            own: quantities that it tells of itself there.
            now: the time.
        """
        place = reading.device.id
        words = self._own.setdefault(place, {})
        words.update({key: (port, now) for key in own if reading.values.get(key) is not None})
        values = {
            key: value for key, value in reading.values.items() if key in own or not self._told(words, key, port, now)
        }
        device = self._device(place, reading.device)
        return None if reading.values and not values else replace(reading, device=device, values=values)

    def _told(self, words: dict[str, tuple[int, float]], key: str, port: int, now: float) -> bool:
        """Whether it was told in SunSpec on another port, and that counts still."""
        where, when = words.get(key, (port, 0.0))
        return where != port and now - when <= self._stale_after

    def _device(self, place: str, device: Device) -> Device:
        known = self._devices.get(place)
        if device.serial is None and known is not None and known.serial is not None:
            return known
        self._devices[place] = device
        return device
