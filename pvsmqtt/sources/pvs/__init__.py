"""The PVS5 / PVS6 supervisor: everything it tells over HTTP."""

from __future__ import annotations

from pvsmqtt.sources.base import Finding, Source, SourceKind
from pvsmqtt.sources.pvs.options import PvsOptions


def _build(options: PvsOptions) -> Source:
    from pvsmqtt.sources.pvs.source import PvsSource

    return PvsSource(options)


async def _check(options: PvsOptions) -> list[Finding]:
    from pvsmqtt.sources.pvs.check import check

    return await check(options)


KIND = SourceKind(PvsOptions, _build, _check)
