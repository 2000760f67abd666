"""Modbus TCP that others speak, out of a capture of their network: heard, never sent to.

============  ==================================================================================
`options`     the table ``[[modbus_tap]]``
`inputs`      the capture: a FIFO, standard input, or a file that may grow; and why it is lost
`tap`         hears one capture for ever
`units`       which device a unit number stands for, and the maps of each port
`choosing`    whose devices are told of, where there are several servers
`merging`     two ports of one gateway tell of one device
`trouble`     what is wrong, as far as a person can do something about it
`report`      what is told of the tap itself
`source`      all of this together
`check`       what ``pvsmqtt check`` finds out
============  ==================================================================================
"""

from __future__ import annotations

from pathlib import Path

from pvsmqtt.sources.base import Finding, Source, SourceKind
from pvsmqtt.sources.modbus_tap.options import ModbusTapOptions


def _build(options: ModbusTapOptions, state_dir: Path) -> Source:
    from pvsmqtt.sources.modbus_tap.source import ModbusTapSource

    return ModbusTapSource(options, state_dir)


async def _check(options: ModbusTapOptions, state_dir: Path) -> list[Finding]:
    from pvsmqtt.sources.modbus_tap.check import check

    return await check(options, state_dir)


KIND = SourceKind(ModbusTapOptions, _build, _check, measures_site=False)
