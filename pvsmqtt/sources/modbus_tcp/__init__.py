"""Equipment that answers Modbus TCP: the Conext Gateway of a SunVault, and anything that speaks SunSpec."""

from __future__ import annotations

from pathlib import Path

from pvsmqtt.sources.base import Finding, Source, SourceKind
from pvsmqtt.sources.modbus_tcp.options import ModbusTcpOptions


def _build(options: ModbusTcpOptions, state_dir: Path) -> Source:
    from pvsmqtt.sources.modbus_tcp.setup import source

    return source(options, state_dir)


async def _check(options: ModbusTcpOptions, state_dir: Path) -> list[Finding]:
    from pvsmqtt.sources.modbus_tcp.setup import check

    return await check(options, state_dir)


KIND = SourceKind(ModbusTcpOptions, _build, _check, tells_meters=False)
