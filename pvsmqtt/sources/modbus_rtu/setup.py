"""From the options of a ``[[modbus_rtu]]`` table to a source, and what ``pvsmqtt check`` tries of it.

Two masters on one line destroy each other's telegrams. So the line is listened to before anything is sent, for longer
than others wait between two polls; whoever is heard has the line, and it is not tried again before the source is
started anew.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from pvsmqtt.modbus.setting import Setting
from pvsmqtt.sources import memory
from pvsmqtt.sources.base import Finding
from pvsmqtt.sources.modbus_master import checking, report
from pvsmqtt.sources.modbus_master.door import Door, Network, Serial
from pvsmqtt.sources.modbus_master.door import Place as Where
from pvsmqtt.sources.modbus_master.refusal import Refusal, Refused
from pvsmqtt.sources.modbus_master.source import LONGEST_REST, MasterSource, Setup
from pvsmqtt.sources.modbus_master.survey import Language
from pvsmqtt.sources.modbus_master.wanted import Wanted
from pvsmqtt.sources.modbus_rtu.options import ModbusRtuOptions
from pvsmqtt.sources.register_units.decoder import Place
from pvsmqtt.sources.rs485.line import LineKind, LineLost, LineUrl, Loss, open_line, parse

USUAL = (1, 2, 3, 126)
"""Units that are looked for where none is ordered."""

_SHORTEST = 4
"""Bytes of the shortest telegram (unit, function, CRC). Fewer are the click with which an adapter wakes up."""

_LOST = {Loss.MISSING: Refusal.MISSING, Loss.DENIED: Refusal.DENIED, Loss.BUSY: Refusal.TAKEN}


class Memory(memory.Memory):
    """Of one line, by its name."""

    prefix = "modbus_rtu"
    whose = "the equipment"


def source(options: ModbusRtuOptions, state_dir: Path | None) -> MasterSource:
    """The source of a table."""
    known = Memory(state_dir, options.called)
    return MasterSource(setup(options), known)


async def check(options: ModbusRtuOptions, state_dir: Path | None = None) -> list[Finding]:
    """See `SourceKind.check`."""
    return await checking.check(MasterSource(setup(options), Memory(state_dir, options.called, writable=False)))


def setup(options: ModbusRtuOptions) -> Setup:
    """What a table asks for."""
    url = parse(options.line)
    setting = Setting(options.baudrate, options.parity, options.stopbits)
    wanted = Wanted(tuple(options.units), USUAL, (Language.SUNSPEC,), tuple(options.register_maps))
    where: Where = Serial(url.path, setting) if url.kind is LineKind.SERIAL else Network(url.host, url.port, rtu=True)
    taken: list[Refused] = []

    async def locate() -> list[tuple[Door, Wanted]]:
        if taken:
            raise taken[0]
        try:
            await listen(url, setting, options.listen)
        except Refused as refused:
            if refused.reason is Refusal.NOT_ALONE:
                taken.append(refused)
            raise
        return [(Door(where, options.timeout), wanted)]

    name = f"modbus_rtu {options.called}"
    place = Place(name, options.called, options.site_id, options.stale_after, interface="rtu")
    device = report.device_of(options.called, options.site_id, "Modbus connection", str(url))
    return Setup(
        name, place, options.interval, options.pause, device, locate, needs_all=True, search_rest=LONGEST_REST
    )


async def listen(
    url: LineUrl,
    setting: Setting,
    seconds: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Hear whether anybody speaks on the line.

    Raises:
        Refused: somebody does, or the line cannot be opened.
    """
    try:
        line = await open_line(url, setting if url.changeable else None)
    except LineLost as lost:
        raise Refused(_LOST.get(lost.reason, Refusal.UNREACHABLE), lost.detail) from None
    end, heard = clock() + seconds, 0
    try:
        while (left := end - clock()) > 0:
            heard += len(await line.read(left))
            if heard >= _SHORTEST:
                raise Refused(Refusal.NOT_ALONE, f"{url}: {heard} bytes were heard")
            await sleep(0)
    except LineLost as lost:
        raise Refused(_LOST.get(lost.reason, Refusal.UNREACHABLE), lost.detail) from None
    finally:
        await line.close()
