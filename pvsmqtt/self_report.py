"""What the service says of itself: its info, its health, and the bridge as a device."""

from __future__ import annotations

import resource
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from pvsmqtt import __version__
from pvsmqtt.model.device import BRIDGE_ID, LABELS, Device, Kind
from pvsmqtt.model.reading import DeviceState, Value, root
from pvsmqtt.model.report import SCHEMA, HealthReport, Info
from pvsmqtt.model.times import iso
from pvsmqtt.site.sites import DEFAULT_INSTANCE
from pvsmqtt.sources.base import Source

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
    web: Mapping[str, Any] | None = None,
) -> HealthReport:
    """How sources, journal and process do; ``now`` and ``started`` are of the clock that only goes forward.
    ``energy`` is how the totals are made, ``refused_values`` what the house did not take, by source, quantity and
    reason, ``web`` how the status page does (``None``: it is off). The sink adds how its broker does."""
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
            "energy": dict(energy or {}),
            "web": None if web is None else dict(web),
            "memory": {"resident": resident()},
        }
    )


def bridge(instance: str, started_at: datetime, devices: Iterable[DeviceState]) -> DeviceState:
    """The service as a device; ``devices`` are those of the house."""
    online = [state.live for state in devices if not state.device.logical]
    name = LABELS[Kind.BRIDGE] if instance == DEFAULT_INSTANCE else f"{LABELS[Kind.BRIDGE]} {instance}"
    device = Device(BRIDGE_ID, Kind.BRIDGE, name, manufacturer="pvsmqtt", model="Bridge", sw_version=__version__)
    values: dict[str, Value] = {
        "started_at": iso(started_at),
        "devices_known": len(online),
        "devices_online": sum(online),
    }
    return DeviceState(device, True, values, started_at)


def resident() -> int | None:
    """Resident memory in KiB."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * resource.getpagesize() // 1024
