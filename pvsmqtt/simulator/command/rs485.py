"""``pvsmqtt simulate rs485``."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
from typing import TYPE_CHECKING

from pvsmqtt.simulator.command.words import add_house, fail, interrupted, number, reason

if TYPE_CHECKING:
    from pvsmqtt.simulator.rs485.simulator import BusSimulator

DESCRIPTION = """\
Simulate the RS-485 bus of a SunVault, as somebody hears it who only listens: a master that polls HUB+ (unit 220),
MIO (221), PV disconnect (230) and a SunSpec inverter with a battery (10) in bursts, and asks in vain for a second
MIO (222). It serves until it is interrupted. The values are those of 'simulate pvs --ess' with the same --seed,
--panels, --start and --speed.

The register addresses of units 220, 221 and 230 are INVENTED: nobody has published the real ones. The map of the
invented registers (some are left out, to be found) is
  {map}"""

EPILOG = """\
adapters:
{adapters}

A pseudo-terminal tells which baud rate its listener has set: one that is not --baudrate hears what a wrong baud rate
makes of the bits. It knows no parity. On TCP, --heard-at is a serial server that is set wrongly.

examples:
  pvsmqtt simulate rs485 --pty /tmp/bus --baudrate 9600
  pvsmqtt simulate rs485 --listen 127.0.0.1:4196 --noise 0.01 --truncation 0.02
  pvsmqtt simulate rs485 --connect 127.0.0.1:4196 --registration 70767336 --heartbeat 00:30
"""


def add_parser(equipment: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``rs485``; the parsed arguments carry `run` as ``run``."""
    from pvsmqtt.simulator.rs485 import MAP
    from pvsmqtt.simulator.rs485.adapters import ADAPTERS, table

    bus = equipment.add_parser(
        "rs485",
        help="the RS-485 bus of a SunVault (with invented registers)",
        description=DESCRIPTION.format(map=MAP),
        epilog=EPILOG.format(adapters=table()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = bus.add_argument
    ends = bus.add_mutually_exclusive_group()
    ends.add_argument(
        "--pty", metavar="PATH", nargs="?", const="", help="a pseudo-terminal (default), with a link to it at PATH"
    )
    ends.add_argument("--listen", metavar="HOST:PORT", help="a serial server; port 0 takes a free one")
    ends.add_argument("--connect", metavar="HOST:PORT", help="a serial server that connects by itself")
    add("--baudrate", type=number(int, 300, 1_000_000), default=19200, help="of the bus (default: %(default)s)")
    add("--parity", choices=("N", "E", "O"), default="N", help="of the bus (default: %(default)s)")
    share = number(float, 0, 1)
    seconds = number(float, 0.01, 86400)
    add("--interval", type=seconds, default=15.0, metavar="SECONDS", help="between bursts (default: %(default)g)")
    add_house(bus, 0.01, "how fast time runs, on the bus too")
    add("--noise", type=share, default=0.0, metavar="SHARE", help="of bytes replaced, inserted or lost, such as 0.01")
    add("--truncation", type=share, default=0.0, metavar="SHARE", help="of frames that lose their end")
    add("--echo", action="store_true", help="every request is heard twice")
    add("--adapter", choices=ADAPTERS, metavar="NAME", help="how bytes arrive: one of the adapters below")
    add("--heard-at", type=number(int, 300, 1_000_000), metavar="BAUD", help="the receiver is set to this baud rate")
    add("--registration", type=_bytes, default=b"", metavar="HEX", help="what the serial server says first")
    add("--prefix", type=_bytes, default=b"", metavar="HEX", help="what it puts before everything it passes on")
    add("--heartbeat", type=_heartbeat, metavar="HEX:SECONDS", help="what it says by itself every so many seconds")
    add("--unplug", type=_unplug, metavar="EVERY:FOR", help="pull the plug every so many seconds for so many seconds")
    add("--at-once", action="store_true", help="do not wait for a listener")
    bus.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM; 1 with one line on stderr if that cannot be."""
    from pvsmqtt.modbus.setting import Setting
    from pvsmqtt.simulator.pvs.house.house import House
    from pvsmqtt.simulator.rs485.simulator import BusSimulator
    from pvsmqtt.simulator.rs485.wire import Damage

    at = f"listen:{args.listen}" if args.listen else f"connect:{args.connect}" if args.connect else ""
    line = Setting(args.baudrate, args.parity)
    try:
        simulator = BusSimulator(
            at=at or (f"pty:{args.pty}" if args.pty else "pty"),
            house=House(args.panels, args.seed, ess=True),
            line=line,
            interval=args.interval,
            speed=args.speed,
            start_at=args.start,
            seed=args.seed,
            damage=Damage(args.noise, args.truncation, args.echo),
            adapter=args.adapter,
            heard_at=Setting(args.heard_at, args.parity) if args.heard_at else None,
            registration=args.registration,
            prefix=args.prefix,
            heartbeat=args.heartbeat,
            waits=not args.at_once,
            keeps=False,
        )
    except ValueError:
        return fail(f"{args.listen or args.connect} is no address; give one such as 127.0.0.1:4196")
    try:
        asyncio.run(_serve(simulator, args.unplug))
    except OSError as error:
        where = f"{args.listen}: {reason(error)}; choose another --listen"
        if not args.listen:
            where = f"{args.pty or 'a pseudo-terminal'}: {reason(error)}; choose another --pty"
        return fail(f"cannot serve at {where}")
    return 0


async def _serve(simulator: BusSimulator, unplug: tuple[float, float] | None) -> None:
    ended = interrupted()
    await simulator.start()
    try:
        sys.stdout.write(f"RS-485 simulator is at {simulator.url} ({simulator.line}, registers are invented)\n")
        sys.stdout.flush()
        while not ended.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), unplug[0] if unplug else None)
            if unplug and not ended.is_set():
                await simulator.unplug(unplug[1])
    finally:
        await simulator.stop()


def _bytes(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not hexadecimal, such as 70767336") from None


def _heartbeat(text: str) -> tuple[bytes, float]:
    data, _, seconds = text.rpartition(":")
    return _bytes(data), number(float, 0.01, 86400)(seconds)


def _unplug(text: str) -> tuple[float, float]:
    every, _, for_ = text.partition(":")
    seconds = number(float, 0.01, 86400)
    return seconds(every), seconds(for_)
