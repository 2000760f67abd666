"""What the options of all sources that read or hear registers have in common."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from pvsmqtt.model.device import BRIDGE_ID, SITE_ID, slug
from pvsmqtt.options import ALLOW_FAST_POLLING

if TYPE_CHECKING:
    from pvsmqtt.modbus.mapfile import RegisterMap, Transport


def topic_id(value: str, example: str) -> str:
    """A name that may be the id of a device, and begin those of others.

    Raises:
        ValueError: says what is allowed.
    """
    if not re.fullmatch("[a-z0-9_]+", value) or slug(value) != value:
        raise ValueError(
            f"{value!r} cannot be part of a topic; allowed: lower-case letters and digits, with _ inside"
        )
    if value in (BRIDGE_ID, SITE_ID) or value.startswith(f"{SITE_ID}_"):
        raise ValueError(f"{value!r} is the id of something else; allowed: any other name, such as {example}")
    return value


def register_maps(paths: list[Path], transport: Transport | None = None) -> tuple[RegisterMap, ...]:
    """The maps in these files; with a ``transport``, only those that are reached so may be among them.

    Raises:
        ValueError: one of them is bad; says what.
    """
    if not paths:
        return ()
    from pvsmqtt.modbus.mapfile import MapError, load

    try:
        return tuple(load(path, transport) for path in paths)
    except MapError as error:
        raise ValueError(str(error)) from None


def stale_after_interval(stale_after: float, interval: float) -> None:
    """Hold them against each other.

    Raises:
        ValueError: a device would be offline between two publications.
    """
    if stale_after < 2 * interval and not ALLOW_FAST_POLLING.get():
        raise ValueError(
            f"stale_after {stale_after:g} is less than twice the interval of {interval:g} seconds: "
            "devices would be offline between two publications"
        )
