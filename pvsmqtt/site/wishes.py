"""What the owner of a house chose for its devices: names, which are not to be shown, and which are gone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
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
        self.retired: set[str] = set()

    def are(self, names: Mapping[str, str], ignore: Iterable[str], retire: Iterable[str] = ()) -> None:
        """They are these from now on."""
        self.retired = {slug(key) for key in retire}
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

    def retires(self, device: Device) -> bool:
        """Whether it is gone for good."""
        return bool(self.retired) and (device.id in self.retired or slug(device.serial or "-") in self.retired)

    def tables(self) -> Mapping[str, Collection[str]]:
        """The devices that the configuration speaks of, by the option that does."""
        return {"names": self.names, "ignore": self.ignored, "retire": self.retired}
