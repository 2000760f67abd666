"""The parts of the screen, each as lines of a given width. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pvsmqtt.commands.watch.documents import count, mapping, number, text
from pvsmqtt.commands.watch.lines import Cell, bar, heading, line, wrapped
from pvsmqtt.commands.watch.picture import METERS, STORAGE, Picture, Source, Thing, dropped
from pvsmqtt.commands.watch.words import DIRECTIONS, UNKNOWN, age, kilowatt_hours, percent, watts
from pvsmqtt.model.device import Kind
from pvsmqtt.model.quantity import QUANTITIES

if TYPE_CHECKING:
    from rich.text import Text

FLOWS = (
    ("Solar", "pv_power", (("", "pv_energy"),)),
    ("Home", "load_power", (("", "load_energy"),)),
    ("Grid", "grid_power", (("import", "grid_import_energy"), ("export", "grid_export_energy"))),
    ("Battery", "battery_power", (("in", "battery_charge_energy"), ("out", "battery_discharge_energy"))),
)
"""What flows: name, power, energies since installation."""

INTO = {"producing": "▶", "importing": "▶", "discharging": "▶", "using": "◀", "exporting": "◀", "charging": "◀"}
"""Into the house, or out of it."""

COLOURS = {
    "live": "green",
    "ok": "green",
    "stale": "yellow",
    "starting": "yellow",
    "asleep": "blue",
    "lost": "bold red",
    "failing": "bold red",
    "offline": "red",
    "old": "magenta",
}


def house(site: Thing, width: int) -> list[Text]:
    """Where the power comes from and where it goes."""
    lines = [heading(width, site.name, fresh(site))]
    largest = max((abs(site.number(key) or 0.0) for _, key, _ in FLOWS), default=0.0)
    for name, key, energies in FLOWS:
        power = site.number(key)
        if power is None and key not in site.values:
            continue
        word = DIRECTIONS[key](power)
        share = None if power is None or not largest else abs(power) / largest
        told = "  ".join(
            f"{what} {kilowatt_hours(site.number(energy))}".strip()
            for what, energy in energies
            if site.number(energy) is not None
        )
        lines.append(
            line(
                width,
                Cell(name, "bold", 7),
                Cell(watts(power), "bold", 9, "right"),
                Cell(word, "", 11),
                Cell(INTO.get(word, " "), "", 1),
                Cell(bar(share, 10), "yellow" if key == "pv_power" else "cyan", 10),
                Cell(told, "dim"),
            )
        )
    charge = site.number("state_of_charge")
    if charge is not None:
        backup = site.number("backup_time")
        lasts = "" if backup is None else f"would last {age(backup * 60)}"
        lines.append(
            line(
                width,
                Cell("Charge", "bold", 7),
                Cell(percent(charge), "bold", 9, "right"),
                Cell("", "", 11),
                Cell("", "", 1),
                Cell(bar(charge / 100, 10), "green", 10),
                lasts,
            )
        )
    relay = site.text("grid_relay")
    if relay and relay != "closed":
        lines.append(line(width, Cell(f"The house is disconnected from the grid (relay {relay})", "bold yellow")))
    return lines


def problems(seen: Picture, width: int) -> list[Text]:
    """What a person should look at."""
    lines = []
    for thing in seen.things:
        if thing.text("problem") == "on":
            row = QUANTITIES["problem"]
            lines += wrapped(width, f"! {thing.name}: {row.advice or row.description}", "red")
        if thing.text("flash_problem") == "on":
            lines += wrapped(width, f"! {thing.name}: {QUANTITIES['flash_problem'].description}", "red")
    return lines


def meters(seen: Picture, width: int) -> list[Text]:
    """What meters tell."""
    found = seen.of(*METERS)
    if not found:
        return []
    lines = [heading(width, "Meters")]
    for one in found:
        grid = one.kind is Kind.CONSUMPTION_METER and "import_energy" in one.values
        word = DIRECTIONS["grid_power"](one.number("power")) if grid else ""
        energies = [("", "energy"), ("import", "import_energy"), ("export", "export_energy")]
        lines.append(
            line(
                width,
                Cell(f"{one.label}", "bold", 18),
                Cell(watts(one.number("power")), "", 9, "right"),
                Cell(word, "", 9),
                Cell(fresh(one), COLOURS.get(one.word, ""), 14),
                _energies(one, energies),
            )
        )
    return lines


def storage(seen: Picture, width: int) -> list[Text]:
    """Batteries and what belongs to them."""
    found = seen.of(*STORAGE)
    if not found:
        return []
    lines = [heading(width, "Storage")]
    for one in found:
        power = one.number("power")
        moves = one.kind in (Kind.ESS, Kind.STORAGE_INVERTER, Kind.BATTERY)
        word = DIRECTIONS["battery_power"](power) if moves else ""
        facts = [
            ("charge", percent(charge)) if (charge := one.number("state_of_charge")) is not None else None,
            ("health", percent(health)) if (health := one.number("state_of_health")) is not None else None,
            ("", f"{heat:.0f} °C") if (heat := one.number("temperature")) is not None else None,
            ("grid relay", one.text("grid_relay")) if one.text("grid_relay") else None,
            ("", "reports an error") if one.text("state") == "error" else None,
        ]
        lines.append(
            line(
                width,
                Cell(f"{one.label} {one.tail}" if one.label != one.name else one.name, "bold", 23),
                Cell("" if power is None else watts(power), "", 9, "right"),
                Cell(word, "", 11),
                Cell(fresh(one), COLOURS.get(one.word, ""), 14),
                "  ".join(" ".join(fact).strip() for fact in facts if fact),
            )
        )
    return lines


def sources(seen: Picture, width: int, details: bool = False) -> list[Text]:
    """Every way in: whether it works, since when, what to do if not."""
    lines = [heading(width, "Sources", f"told {age(seen.health_age)} ago" if seen.health else "")]
    for one in seen.sources:
        works = {"ok": "works", "failing": "FAILS", "starting": "starts"}.get(one.state, one.state or UNKNOWN)
        lines.append(
            line(
                width,
                Cell(one.name, "bold", 22),
                Cell(f"{works}: {one.trouble}" if one.trouble else works, COLOURS.get(one.state, ""), 18),
                Cell(f"good {age(one.age)} ago" if one.age is not None else "never good yet", "", 15),
                _asked(one),
            )
        )
        if one.state == "failing" and one.message:
            lines += wrapped(width, one.message, "yellow", 2)
        if details:
            lines += _refusals(one, width)
    if not seen.sources:
        lines.append(line(width, "none is known"))
    return lines


def _asked(one: Source) -> str:
    traffic = mapping(one.details.get("traffic"))
    refused = sum(one.refused.values())
    asked = f"{count(traffic.get('requests'))} requests" if traffic else f"{one.cycles} cycles"
    return f"{asked}, {refused} refused" if refused else asked


def _refusals(one: Source, width: int) -> list[Text]:
    lines = []
    if one.refused:
        told = ", ".join(f"{reason} {times}" for reason, times in sorted(one.refused.items()))
        lines += wrapped(width, f"refused since the start: {told}", "dim", 2)
    interface = mapping(one.details.get("interface"))
    if said := text(interface.get("reason")):
        lines += wrapped(width, said, "dim", 2)
    live = mapping(one.details.get("live"))
    if mode := text(live.get("mode")):
        lines.append(line(width, Cell(f"  live data: {mode}, {count(live.get('frames'))} frames", "dim")))
    return lines


def lines_heard(seen: Picture, width: int) -> list[Text]:
    """RS-485 lines and Modbus connections."""
    found = seen.of(Kind.BUS)
    if not found:
        return []
    lines = [heading(width, "Lines")]
    for one in found:
        facts = [
            f"load {load:.0f} %" if (load := one.number("bus_load")) is not None else "",
            f"{rate:.1f} frames/s" if (rate := one.number("frame_rate")) is not None else "",
            f"{count(one.number('units_heard'))} units" if "units_heard" in one.values else "",
            f"{count(one.number('crc_failures'))} CRC failures" if "crc_failures" in one.values else "",
            f"{count(one.number('timeouts'))} time-outs" if "timeouts" in one.values else "",
            f"{count(speed)} bit/s" if (speed := one.number("baud_rate")) is not None else "",
        ]
        state = one.text("line_state") or UNKNOWN
        lines.append(
            line(
                width,
                Cell(one.name, "bold", 20),
                Cell(state, "green" if state in ("listening", "connected") else "yellow", 9),
                Cell(fresh(one), COLOURS.get(one.word, ""), 14),
                ", ".join(fact for fact in facts if fact),
            )
        )
    return lines


def upkeep(seen: Picture, width: int) -> list[Text]:
    """How the service does with its broker, its journal, and this machine's memory."""
    if not seen.health:
        return []
    broker, journal = mapping(seen.health.get("broker")), mapping(seen.health.get("journal"))
    lines = [heading(width, "Service")]
    if broker:
        since = number(broker.get("connected_for"))
        told = (
            f"connected for {age(since + (seen.health_age or 0.0))}"
            if since is not None
            else f"not connected ({text(broker.get('reason')) or UNKNOWN})"
        )
        version = text(broker.get("protocol"))
        extra = f", MQTT {version}" if version else ""
        lines.append(
            line(
                width,
                Cell("Broker", "bold", 9),
                f"{told}{extra}, {count(broker.get('published'))} messages published",
            )
        )
        if denied := text(broker.get("denied")):
            lines.append(line(width, Cell(f"! it throws away what is published: {denied}", "red")))
    if journal:
        state, lost = text(journal.get("state")) or UNKNOWN, dropped(journal)
        parts = [state, f"{count(journal.get('pending'))} readings wait"]
        if (oldest := number(journal.get("oldest_age"))) is not None:
            parts.append(f"the oldest for {age(oldest)}")
        if lost:
            parts.append(f"{lost} dropped")
        lines.append(line(width, Cell("Journal", "bold", 9), Cell(", ".join(parts), "" if state == "ok" else "red")))
        if state != "ok" and (message := text(journal.get("message"))):
            lines += wrapped(width, message, "yellow", 2)
    if (resident := number(mapping(seen.health.get("memory")).get("resident"))) is not None:
        lines.append(line(width, Cell("Memory", "bold", 9), f"{resident / 1024:.0f} MiB"))
    return lines


def fresh(one: Thing) -> str:
    """``live, 4 s``; without an age where nothing tells when it was measured."""
    return one.word if one.age is None else f"{one.word}, {age(one.age)}"


def _energies(one: Thing, wanted: Sequence[tuple[str, str]]) -> str:
    return "  ".join(
        f"{what} {kilowatt_hours(one.number(key))}".strip() for what, key in wanted if one.number(key) is not None
    )
