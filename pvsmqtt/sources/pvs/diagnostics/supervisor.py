"""What the supervisor tells of itself in small replies of the legacy interface: one function and one table each.

Layouts::

    ?Command=GridProfileGet         {"result": "succeed", "active_name": "IEEE-1547a-2014 + 2020 CA Rule21",
                                     "pending_name": "…", "percent": 100, "status": "success", …}
    ?Command=CheckFW                {"url": "none"}
    ?Command=GetDiscoveryProgress   {"progress": [{"TYPE": "MicroInverters", "PROGR": "100", "NFOUND": "0"}],
                                     "complete": true, "result": "succeed"}

Sources: the owners' guide to the PVS, the on-device interface description (swagger 2.3.1), fixtures of
cmalek/sungazer. Serial numbers, profile ids and the address of new firmware are not read.

Every function returns values for the supervisor, keyed by quantity: a key that was not told is absent, one that was
told without meaning is ``None``. Every function raises `Refused` when the reply is not what was asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pvsmqtt.model.reading import Value
from pvsmqtt.sources.pvs.replies import flag, succeeded, wrong_shape
from pvsmqtt.sources.pvs.values import Convert, number, text

Table = Mapping[str, tuple[str, Convert]]


def _progress(raw: object) -> float | None:
    """The mean in % of what the searches tell; one that tells nothing does not count."""
    searches = raw if isinstance(raw, list) else []
    told = [number(search.get("PROGR")) for search in searches if isinstance(search, dict)]
    shares = [share for share in told if share is not None]
    return number(round(sum(share / len(shares) for share in shares), 1)) if shares else None


def _update(raw: object) -> str | None:
    """Whether there is newer firmware: an address, or ``none``. Any other text is no news of an update."""
    word = text(raw)
    if word is None:
        return "off" if raw is None or isinstance(raw, str) else None
    return "on" if "://" in word else None


GRID_PROFILE: Table = {
    "active_name": ("grid_profile", text),
    "pending_name": ("grid_profile_pending", text),
    "percent": ("grid_profile_progress", number),
    "status": ("grid_profile_status", text),
}
DISCOVERY: Table = {"progress": ("discovery_progress", _progress), "complete": ("discovery_complete", flag)}


def grid_profile(payload: object) -> dict[str, Value]:
    """``grid_profile``, ``grid_profile_pending``, ``grid_profile_progress`` in % and ``grid_profile_status``."""
    return _some(_told(succeeded(payload, "active_name", "pending_name"), GRID_PROFILE), "grid profile")


def firmware_check(payload: object) -> dict[str, Value]:
    """``firmware_update``: ``on`` when there is an address to get newer firmware from, ``off`` when there is none."""
    return {"firmware_update": _update(succeeded(payload, "url").get("url"))}


def discovery(payload: object) -> dict[str, Value]:
    """``discovery_progress`` in %, over all kinds of devices, and ``discovery_complete``."""
    return _some(_told(succeeded(payload, *DISCOVERY), DISCOVERY), "progress")


def _told(reply: Mapping[str, Any], table: Table) -> dict[str, Value]:
    return {quantity: convert(reply[key]) for key, (quantity, convert) in table.items() if key in reply}


def _some(values: dict[str, Value], what: str) -> dict[str, Value]:
    if not values:
        raise wrong_shape(what)
    return values
