"""Equipment on a serial line of which pvsmqtt is the only master: anything that speaks SunSpec over Modbus RTU."""

from __future__ import annotations

from pathlib import Path

from pvsmqtt.sources.base import Finding, Source, SourceKind
from pvsmqtt.sources.modbus_rtu.options import ModbusRtuOptions


def _build(options: ModbusRtuOptions, state_dir: Path) -> Source:
    from pvsmqtt.sources.modbus_rtu.setup import source

    return source(options, state_dir)


async def _check(options: ModbusRtuOptions, state_dir: Path) -> list[Finding]:
    from pvsmqtt.sources.modbus_rtu.setup import check

    return await check(options, state_dir)


KIND = SourceKind(ModbusRtuOptions, _build, _check, tells_meters=False)
