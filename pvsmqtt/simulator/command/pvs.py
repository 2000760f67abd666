"""``pvsmqtt simulate pvs``."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pvsmqtt.simulator.command.words import add_house, fail, interrupted, number
from pvsmqtt.simulator.pvs import firmware, traps
from pvsmqtt.simulator.pvs.firmware import FIRMWARES
from pvsmqtt.simulator.pvs.traps import TRAPS
from pvsmqtt.simulator.pvs.web import faults
from pvsmqtt.simulator.pvs.web.faults import ALL_FAULTS

if TYPE_CHECKING:
    from pvsmqtt.simulator.pvs.server import PvsSimulator

DESCRIPTION = """\
Simulate a PVS6 or PVS5 with old open firmware (no login) or new firmware (login, /vars): a supervisor, two
meters, panels in the sun of the time of day, and a SunVault if wanted. It serves until it is interrupted."""
EPILOG = """\
firmware:
{firmwares}

faults:
{faults}

traps:
{traps}

A running simulator is switched over http, and is never faulty there:
  /simulator/fault/NAME[?seconds=N]   a fault, for a while; NAME none: off
  /simulator/trap/NAME[?off]          one more trap, or one less; NAME none: all off
  /simulator/firmware/NAME            an update overnight
  /simulator/restart[?seconds=N]      connections are refused for a while
  /simulator/certificate              another certificate
  /simulator/expire                   all sessions are over
  /simulator/clock/SECONDS            the supervisor's clock is ahead
  /simulator/stats                    what it was asked

example:
  pvsmqtt simulate pvs --panels 24 --ess --delay 6
  curl 'http://127.0.0.1:8080/cgi-bin/dl_cgi?Command=DeviceList'
  curl 'http://127.0.0.1:8080/simulator/fault/http-503?seconds=60'
  pvsmqtt simulate pvs --firmware 61846 --https-port 8443 --live-port 9002
  curl 'http://127.0.0.1:8080/vars?name=/sys/info/sw_rev'
"""


def add_parser(equipment: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``pvs``; the parsed arguments carry `run` as ``run``."""
    pvs = equipment.add_parser(
        "pvs",
        help="a PVS6 or PVS5 with old or new firmware",
        description=DESCRIPTION,
        epilog=EPILOG.format(firmwares=firmware.table(), faults=faults.table(), traps=traps.table()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = pvs.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    add("--port", type=number(int, 0, 65535), default=8080, help="0 takes a free one (default: %(default)s)")
    add(
        "--firmware",
        choices=FIRMWARES,
        default=firmware.DEFAULT,
        metavar="NAME",
        help="one of the firmwares below (default: %(default)s)",
    )
    port = number(int, 0, 65535)
    add("--https-port", type=port, metavar="PORT", help="serve https too; 0 takes a free port")
    add("--live-port", type=port, metavar="PORT", help="serve live data; 0 takes a free port, a PVS6 has 9002")
    add_house(pvs)
    add("--ess", action="store_true", help="with a SunVault")
    add("--payload", type=Path, metavar="FILE", help="a recorded DeviceList to serve byte for byte instead")
    add(
        "--delay",
        type=number(float, 0, 3600),
        default=0.0,
        metavar="SECONDS",
        help="time that a DeviceList takes; a real PVS needs about 6 s (default: 0)",
    )
    add(
        "--vars-delay",
        type=number(float, 0, 3600),
        default=0.0,
        metavar="SECONDS",
        help="time that a request to /vars takes (default: 0)",
    )
    add("--fault", choices=ALL_FAULTS, metavar="NAME", help="start with one of the faults below")
    add(
        "--trap",
        choices=TRAPS,
        action="append",
        default=[],
        metavar="NAME",
        help="start with one of the traps below; may be given more than once",
    )
    pvs.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM; 1 with one line on stderr if that cannot be."""
    from pvsmqtt.simulator.pvs.house.house import House
    from pvsmqtt.simulator.pvs.server import PvsSimulator

    try:
        payload = None if args.payload is None else args.payload.read_bytes()
    except OSError as error:
        return fail(f"cannot read the payload {args.payload}: {error.strerror}; give a file with --payload")
    simulator = PvsSimulator(
        house=House(args.panels, args.seed, args.ess),
        payload=payload,
        delay=args.delay,
        vars_delay=args.vars_delay,
        speed=args.speed,
        start_at=args.start,
        host=args.host,
        port=args.port,
        https_port=args.https_port,
        live_port=args.live_port,
        firmware=args.firmware,
        fault=args.fault,
        traps=set(args.trap),
    )
    what = f"{args.panels} panels" if payload is None else str(args.payload)
    try:
        asyncio.run(_serve(simulator, what))
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or str(error)
        ports = [f"{args.host} port {args.port}"]
        ports += [f"{name} port {port}" for name, port in _other_ports(args).items()]
        where = ", or ".join(ports)
        others = "".join(f", --{name}-port" for name in _other_ports(args))
        return fail(f"cannot listen on {where}: {reason}; choose another --port{others} or --host")
    except ModuleNotFoundError as error:
        return fail(f"https needs the package {error.name}; install it, or leave out --https-port")
    return 0


async def _serve(simulator: PvsSimulator, what: str) -> None:
    ended = interrupted()
    await simulator.start()
    try:
        sys.stdout.write(f"PVS simulator listens on {simulator.url} ({what})\n")
        if simulator.https_port is not None:
            sys.stdout.write(f"PVS simulator listens on {simulator.https_url}\n")
        if simulator.live is not None:
            sys.stdout.write(f"PVS simulator sends live data on {simulator.live.url}\n")
        sys.stdout.flush()
        await ended.wait()
    finally:
        await simulator.stop()


def _other_ports(args: argparse.Namespace) -> dict[str, int]:
    """The ports besides the one for http that were asked for."""
    ports = {"https": args.https_port, "live": args.live_port}
    return {name: port for name, port in ports.items() if port is not None}
