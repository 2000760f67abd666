"""From the options of a ``[[modbus_tcp]]`` table to a source, and what ``pvsmqtt check`` tries of it."""

from __future__ import annotations

from pathlib import Path

from pvsmqtt.modbus import mapfile
from pvsmqtt.sources import memory
from pvsmqtt.sources.base import Finding
from pvsmqtt.sources.modbus_master import checking, report
from pvsmqtt.sources.modbus_master.door import Door, Network
from pvsmqtt.sources.modbus_master.source import MasterSource, Setup
from pvsmqtt.sources.modbus_master.survey import Language
from pvsmqtt.sources.modbus_master.wanted import Wanted
from pvsmqtt.sources.modbus_tcp import finding
from pvsmqtt.sources.modbus_tcp.options import AUTO, ModbusTcpOptions
from pvsmqtt.sources.register_units.conext import CONEXT
from pvsmqtt.sources.register_units.decoder import Place

USUAL: dict[str, tuple[int, ...]] = {"conext": (1, 10, 230, 11, 12, 190), "sunspec": (1, 126, 2, 3, 240)}
"""Units that are looked for. Conext: see `CONEXT`; 190 is where a battery monitor begins by default (inferred).
SunSpec: 1 (most), 126 (SMA: its unit 3 plus 123), 2 and 3 (further inverters), 240 (the meter of a Fronius)."""

LONGEST_SEARCH = 300.0
"""Seconds between two searches at most: each troubles fifty addresses."""

LANGUAGES = {"conext": (Language.SUNSPEC, Language.NATIVE), "sunspec": (Language.SUNSPEC,)}


class Memory(memory.Memory):
    """Of one connection, by its name."""

    prefix = "modbus_tcp"
    whose = "the equipment"


def source(options: ModbusTcpOptions, state_dir: Path | None) -> MasterSource:
    """The source of a table."""
    known = Memory(state_dir, options.called)
    return MasterSource(setup(options, known), known)


async def check(options: ModbusTcpOptions, state_dir: Path | None = None) -> list[Finding]:
    """See `SourceKind.check`."""
    known = Memory(state_dir, options.called, writable=False)
    return await checking.check(MasterSource(setup(options, known), known))


def setup(options: ModbusTcpOptions, known: Memory) -> Setup:
    """What a table asks for."""
    wanted = Wanted(
        tuple(options.units),
        USUAL[options.profile],
        LANGUAGES[options.profile],
        (*(mapfile.shipped("conext") if options.profile == "conext" else ()), *options.register_maps),
        everything=options.registers == "all",
        order=options.word_order,
        kinds=CONEXT if options.profile == "conext" else {},
    )

    async def locate() -> list[tuple[Door, Wanted]]:
        host = options.host
        if host == AUTO:
            host = await finding.locate(known.get("host"), options.doors)
            known.set("host", host)
        return [(Door(Network(host, port), options.timeout), wanted) for port in options.doors]

    name = f"modbus_tcp {options.called}"
    place = Place(name, options.called, options.site_id, options.stale_after, interface="tcp")
    label = "Connection" if options.called in ("conext", "sunspec") else "Modbus connection"
    device = report.device_of(options.called, options.site_id, label, f"Modbus TCP {options.host}")
    return Setup(
        name,
        place,
        options.interval,
        options.pause,
        device,
        locate,
        needs_all=bool(options.ports),
        search_rest=LONGEST_SEARCH if options.host == AUTO else None,
    )
