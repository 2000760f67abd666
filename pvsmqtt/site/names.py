"""Serial numbers that devices tell themselves, where they are not those of the list of devices.

A SunVault's gateway may call its inverter ``ABC1234`` and the supervisor ``00001ABC1234``: nobody knows beforehand
how the two are spelt. So what a device tells is remembered as another name of it: who told it, and at which place. A
name that contradicts what the same source told before, or what is told at another place, is that of another device.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pvsmqtt.model.device import Device, slug
from pvsmqtt.model.reading import root
from pvsmqtt.site.registry import Known, Registry, agree

TOLD_AS = "told as"
"""Fact: the names that a device told, each as ``name@place@source``."""


@dataclass(frozen=True, slots=True)
class Name:
    """A serial number as it was told (its slug), the place where, and the slug of the source that read it."""

    name: str
    place: str
    source: str

    def __str__(self) -> str:
        return f"{self.name}@{self.place}@{self.source}"


def of(device: Device, source: str) -> Name | None:
    """The name in what a source tells of a device at its place."""
    name = slug(device.serial or "")
    return Name(name, device.place, slug(root(source))) if name and device.place is not None else None


def of_known(entry: Known) -> Iterator[Name]:
    """All names that a device told so far."""
    for text in entry.facts.get(TOLD_AS, "").split():
        name, _, rest = text.partition("@")
        place, _, source = rest.partition("@")
        if name and place:
            yield Name(name, place, source)


def remember(registry: Registry, device_id: str, names: list[Name]) -> None:
    """A device told these."""
    known = list(of_known(registry[device_id]))
    new = [name for name in names if name not in known]
    if new:
        registry.learn(device_id, TOLD_AS, " ".join(map(str, [*known, *new])))


def bearer(registry: Registry, device: Device) -> str | None:
    """The id of the device of this house that told the serial number of this one before."""
    name = slug(device.serial or "")
    for entry in registry.of_site(device.site):
        if agree(entry.device.kind, device.kind) and any(known.name == name for known in of_known(entry)):
            return entry.device.id
    return None


def contradict(entry: Known, told: Name) -> bool:
    """Whether a device that told what is known of it does not tell this. Its serial number in the list of devices is
    no name that it told in other words."""
    own = slug(entry.device.serial or "")
    for known in of_known(entry):
        if known.name == told.name:
            return False
    return any(
        known.source == told.source or (known.name != own and known.place != told.place) for known in of_known(entry)
    )
