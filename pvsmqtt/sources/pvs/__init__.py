"""The PVS5 / PVS6 supervisor: everything it tells over HTTP."""

from __future__ import annotations

from pathlib import Path

from pvsmqtt.sources.base import Finding, Source, SourceKind
from pvsmqtt.sources.pvs.options import PvsOptions


def _build(options: PvsOptions, state_dir: Path) -> Source:
    from pvsmqtt.sources.pvs.source import PvsSource

    return PvsSource(options, state_dir)


async def _check(options: PvsOptions, state_dir: Path) -> list[Finding]:
    from pvsmqtt.sources.pvs.check import check

    return await check(options, state_dir)


KIND = SourceKind(PvsOptions, _build, _check)
