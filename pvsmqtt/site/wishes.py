"""What the owner of a house chose for its devices: names, and which are not to be shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from pvsmqtt.model.device import Device, slug
from pvsmqtt.site.registry import Registry


class Wishes:
    """Names and what is ignored, both by serial number or id, however they are spelt. A name that was given to a
    place on a line belongs to the device that turns out to be there."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self.names: dict[str, str] = {}
        self.ignored: set[str] = set()

    def are(self, names: Mapping[str, str], ignore: Iterable[str]) -> None:
        """They are these from now on."""
        self.names = {slug(key): name for key, name in names.items()}
        self.ignored = {slug(key) for key in ignore}

    def named(self, device: Device) -> Device:
        """The device under the name that its owner gave it."""
        if not self.names:
            return device
        keys = [device.id, slug(device.serial or "-")]
        if device.id in self._registry:
            keys += self._registry.places(device.id)
        name = next((self.names[key] for key in keys if self.names.get(key)), None)
        return replace(device, name=name) if name else device

    def ignores(self, device: Device) -> bool:
        """Whether it is not to be shown."""
        return bool(self.ignored) and (device.id in self.ignored or slug(device.serial or "-") in self.ignored)
