"""What the service says of itself: its info, its health, and the bridge as a device."""

from __future__ import annotations

import logging
import resource
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from pvsmqtt import __version__
from pvsmqtt.model.device import BRIDGE_ID, LABELS, Device, Kind
from pvsmqtt.model.reading import DeviceGone, DeviceState, Value, root
from pvsmqtt.model.report import SCHEMA, HealthReport, Info
from pvsmqtt.model.times import iso
from pvsmqtt.site.sites import DEFAULT_INSTANCE
from pvsmqtt.sources.base import Source

_log = logging.getLogger("pvsmqtt")

Sources = Iterable[tuple[str, Source]]
"""The running sources, each with its kind."""


def info(instance: str, started_at: datetime, sources: Sources) -> Info:
    """What runs, since when, and where it reads."""
    return Info(
        {
            "version": __version__,
            "started_at": iso(started_at),
            "schema": SCHEMA,
            "instance": instance,
            "sources": [{"name": source.name, "kind": kind} for kind, source in sources],
        }
    )


def health(
    wall: datetime,
    now: float,
    started: float,
    sources: Sources,
    restarts: Mapping[str, int],
    journal: Mapping[str, Any] | None = None,
    energy: Mapping[str, Any] | None = None,
    refused_values: Mapping[str, Mapping[str, Mapping[str, int]]] | None = None,
    unstable: Mapping[str, int] | None = None,
    web: Mapping[str, Any] | None = None,
) -> HealthReport:
    """How sources, journal and process do; ``now`` and ``started`` are of the clock that only goes forward.
    ``energy`` is how the totals are made, ``refused_values`` what the house did not take, by source, quantity and
    reason, ``unstable`` the parts that end again and again, ``web`` how the status page does (``None``: it is off).
    The sink adds how its broker does."""
    refused = refused_values or {}
    return HealthReport(
        {
            "time": iso(wall.replace(microsecond=0)),
            "uptime": round(now - started),
            "sources": [
                {
                    "name": source.name,
                    "kind": kind,
                    **source.health.report(now),
                    "refused_values": {key: dict(why) for key, why in refused.get(root(source.name), {}).items()},
                }
                for kind, source in sources
            ],
            "journal": journal,
            "restarts": dict(restarts),
            "unstable": dict(unstable or {}),
            "energy": dict(energy or {}),
            "web": None if web is None else dict(web),
            "memory": {"resident": resident()},
        }
    )


class Census:
    """How many devices of the house are known, and how many of them are live; the house itself, lines and this
    service are none. It counts as states come, for there may be many."""

    def __init__(self) -> None:
        self._live: dict[str, bool] = {}
        self.online = 0

    @property
    def known(self) -> int:
        """All of them."""
        return len(self._live)

    def take(self, event: DeviceState | DeviceGone) -> None:
        """What is told of a device."""
        self.online -= self._live.pop(event.key, False)
        if isinstance(event, DeviceState) and not event.device.logical:
            self._live[event.key] = event.live
            self.online += event.live


def bridge(instance: str, started_at: datetime, census: Census) -> DeviceState:
    """The service as a device."""
    name = LABELS[Kind.BRIDGE] if instance == DEFAULT_INSTANCE else f"{LABELS[Kind.BRIDGE]} {instance}"
    device = Device(BRIDGE_ID, Kind.BRIDGE, name, manufacturer="pvsmqtt", model="Bridge", sw_version=__version__)
    values: dict[str, Value] = {
        "started_at": iso(started_at),
        "devices_known": census.known,
        "devices_online": census.online,
    }
    return DeviceState(device, True, values, started_at)


def registers(sources: Sources, settled: Callable[[str], str | None] = lambda _: None) -> dict[str, Any]:
    """The registers of every line that is heard or asked, as of now: ``{"lines": [{"name", "units"}]}``.

    Args:
        sources: those that run. One whose registers cannot be told is left out.
        settled: the id under which the house knows what stands at a place (``rs485_221``), if it is another one.
    """
    lines: list[dict[str, Any]] = []
    for _, source in sources:
        if source.health.registers is None:
            continue
        try:
            told = source.health.registers()
        except Exception:
            _log.exception("the registers of %s could not be told. Please report this", source.name)
            continue
        for line in told:
            for unit in line["units"]:
                unit["device"] = settled(unit["device"] or "") or unit["device"]
            lines.append(line)
    return {"lines": lines}


def resident() -> int | None:
    """Resident memory in KiB."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * resource.getpagesize() // 1024
