"""Which speed is ordered, remembered, or to be searched for, and the tap that follows from it."""

from __future__ import annotations

from typing import Any

from pvsmqtt.modbus.setting import Setting
from pvsmqtt.sources.rs485 import autobaud
from pvsmqtt.sources.rs485.memory import Memory
from pvsmqtt.sources.rs485.options import Rs485Options
from pvsmqtt.sources.rs485.tap import Tap
from pvsmqtt.sources.rs485.url import LineUrl, parse


def tap_of(options: Rs485Options, memory: Memory, **parts: Any) -> Tap:
    """The tap of a configured line. ``parts`` are clocks and the like (see `Tap`)."""
    url = parse(options.line)
    return Tap(
        url,
        ordered_setting(options),
        remembered=remembered(memory, options, url),
        candidates=candidates_of(options),
        **parts,
    )


def ordered_setting(options: Rs485Options) -> Setting | None:
    """The setting of a line of which everything that matters is configured; None: it is to be searched for.

    Where the speed is set in a box at the other end, parity only counts for the load.
    """
    if options.baudrate == "auto":
        return None
    if options.parity == "auto":
        return None if parse(options.line).changeable else Setting(options.baudrate, "N", options.stopbits)
    return Setting(options.baudrate, options.parity, options.stopbits)


def candidates_of(options: Rs485Options) -> tuple[Setting, ...]:
    """What the search may try: what is configured of it stands."""
    baudrate = None if options.baudrate == "auto" else options.baudrate
    parity = None if options.parity == "auto" else options.parity
    return autobaud.candidates(baudrate, parity, options.stopbits)


def to_remember(tap: Tap) -> dict[str, Any] | None:
    """The setting with which a line was heard, ready for JSON."""
    if tap.setting is None or not tap.url.changeable:
        return None
    return {"line": str(tap.url), "setting": str(tap.setting)}


def remembered(memory: Memory, options: Rs485Options, url: LineUrl) -> Setting | None:
    """The setting with which this line was heard before, unless something else is configured by now."""
    known = memory.table("setting")
    if known.get("line") != str(url):
        return None
    try:
        setting = Setting.parse(str(known.get("setting")))
    except ValueError:
        return None
    fits = (
        options.baudrate in ("auto", setting.baudrate)
        and options.parity in ("auto", setting.parity)
        and options.stopbits == setting.stopbits
    )
    return setting if fits else None
