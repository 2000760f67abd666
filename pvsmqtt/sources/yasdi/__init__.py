"""What yasdi2mqtt (pkwagner) publishes of old SMA inverters, heard at the broker."""

from __future__ import annotations

from pathlib import Path

from pvsmqtt.sources.base import Finding, Source, SourceKind
from pvsmqtt.sources.yasdi.options import YasdiOptions


def _build(options: YasdiOptions, state_dir: Path) -> Source:
    from pvsmqtt.sources.yasdi.source import YasdiSource

    return YasdiSource(options, state_dir)


async def _check(options: YasdiOptions, state_dir: Path) -> list[Finding]:
    from pvsmqtt.sources.yasdi.check import check

    return await check(options, state_dir)


KIND = SourceKind(YasdiOptions, _build, _check, measures_site=False)
