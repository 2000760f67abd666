"""An RS-485 line on which others speak Modbus RTU: heard, never written to."""

from __future__ import annotations

from pathlib import Path

from pvsmqtt.sources.base import Finding, Source, SourceKind
from pvsmqtt.sources.rs485.options import Rs485Options


def _build(options: Rs485Options, state_dir: Path) -> Source:
    from pvsmqtt.sources.rs485.source import Rs485Source

    return Rs485Source(options, state_dir)


async def _check(options: Rs485Options, state_dir: Path) -> list[Finding]:
    from pvsmqtt.sources.rs485.check import check

    return await check(options, state_dir)


KIND = SourceKind(Rs485Options, _build, _check, measures_site=False)
