"""For pipes and programs: a line that tells the house in words, and the whole as one JSON document. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pvsmqtt.commands.watch.documents import text
from pvsmqtt.commands.watch.picture import Picture, Thing
from pvsmqtt.commands.watch.screen import Way
from pvsmqtt.commands.watch.seen import Said, Seen
from pvsmqtt.commands.watch.words import DIRECTIONS, percent, watts
from pvsmqtt.model.device import LABELS, Kind
from pvsmqtt.model.times import iso

WORDS = {True: "online", False: "offline", None: "absent"}


def summary(seen: Picture, way: Way) -> str:
    """``home online: PV 3.21 kW, home 1.20 kW, exporting 1.51 kW, battery charging 500 W (73 %); 14 of 15 panels
    live; all sources work``"""
    if way.trouble:
        return f"no broker, it is tried again: {text(way.trouble)}"
    if seen.online is None:
        return f"{seen.instance}: nothing is there"
    parts = [_house(site) for site in seen.of(Kind.SITE)]
    panels = seen.of(Kind.INVERTER)
    if panels:
        live = sum(one.state == "live" for one in panels)
        drowsy = [
            f"{n} {word}" for word in ("asleep", "stale", "lost") if (n := sum(p.state == word for p in panels))
        ]
        parts.append(", ".join([f"{live} of {len(panels)} panels live", *drowsy]))
    failing = [f"{source.name} fails ({source.trouble})" for source in seen.failing]
    if seen.sources:
        parts.append(", ".join(failing) or "no source fails")
    there = WORDS[seen.online] + ("" if seen.online else " (these are the last values)")
    return f"{seen.instance} {there}: {'; '.join(part for part in parts if part)}"


def _house(site: Thing) -> str:
    parts = [
        f"PV {watts(site.number('pv_power'))}" if "pv_power" in site.values else "",
        f"home {watts(site.number('load_power'))}" if "load_power" in site.values else "",
        _flow(site, "grid_power", "grid"),
        _flow(site, "battery_power", "battery"),
        f"charge {percent(charge)}" if (charge := site.number("state_of_charge")) is not None else "",
    ]
    return ", ".join(part for part in parts if part)


def _flow(site: Thing, key: str, name: str) -> str:
    power = site.number(key)
    if key not in site.values:
        return ""
    return f"{name} {DIRECTIONS[key](power)} {watts(power)}".replace("  ", " ")


def document(seen: Picture, raw: Seen) -> dict[str, Any]:
    """All that is known, for programs: values as they stand on the broker, with their names and units."""
    return {
        "version": raw.info.get("version"),
        "instance": seen.instance,
        "service": WORDS[seen.online],
        "started_at": raw.info.get("started_at"),
        "now": iso(seen.at.replace(microsecond=0)),
        "instances": {seen.instance: seen.online, **seen.others} if seen.online is not None else dict(seen.others),
        "devices": [_device(thing, raw.said.get(str(thing.entry["id"]), Said())) for thing in seen.things],
        "health": raw.health or None,
    }


def _device(thing: Thing, said: Said) -> dict[str, Any]:
    entry = thing.entry
    facts = ("name", "model", "serial", "panel", "via", "site", "sw_version")
    return {
        "id": entry["id"],
        "kind": thing.kind.value,
        "label": LABELS[thing.kind],
        **{key: entry.get(key) for key in facts},
        "topic": entry.get("state_topic"),
        "online": said.online,
        "data": thing.state,
        "age": None if thing.age is None else round(thing.age, 1),
        "measured_at": said.values.get("measured_at"),
        "received_at": iso(said.told_at),
        "sources": entry.get("sources"),
        "values": list(_values(thing, said.values)),
    }


def _values(thing: Thing, values: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    quantities = thing.entry.get("quantities")
    for key, value in values.items():
        if key != "measured_at":
            told = quantities.get(key) if isinstance(quantities, dict) else None
            row = told if isinstance(told, dict) else {}
            yield {
                "key": key,
                "name": row.get("name"),
                "unit": row.get("unit"),
                "value": value,
                "source": row.get("source"),
            }
