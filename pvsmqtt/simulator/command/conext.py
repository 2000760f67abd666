"""``pvsmqtt simulate conext``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from pvsmqtt.simulator.command import modbus
from pvsmqtt.simulator.command.words import fail, number, reason

if TYPE_CHECKING:
    from pvsmqtt.simulator.conext.simulator import ConextSimulator, Serials

DESCRIPTION = """\
Simulate a Conext Gateway with the XW Pro and the battery of a SunVault: SunSpec on one port (units 1, 10 and 230),
Schneider's native map on the other (units 1 and 10). It serves until it is interrupted; whatever would write is
refused. The values are those of 'simulate pvs --ess' with the same --seed, --panels, --start and --speed.

Signs, the FGA number of the gateway and what some entries mean are INVENTED: nobody has published them."""

EPILOG = """\
{faults}

examples:
  pvsmqtt simulate conext
  pvsmqtt simulate conext --sunspec-port 0 --native-port 0 --speed 600 --fault busy:share=0.1
  pvsmqtt simulate conext --control 8088
  curl 'http://127.0.0.1:8088/simulator/fault/silent?unit=10&times=3'
"""

GAPS = ("refuse", "tolerant")
SERIALS = ("devicelist", "empty")


def add_parser(equipment: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``conext``; the parsed arguments carry `run` as ``run``."""
    conext = equipment.add_parser(
        "conext",
        help="a Conext Gateway with a SunVault (Modbus TCP)",
        description=DESCRIPTION,
        epilog=EPILOG.format(faults=modbus.faults_help()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add, port = conext.add_argument, number(int, 0, 65535)
    add(
        "--sunspec-port", type=port, default=5020, help="502 on a real one; 0 takes a free one (default: %(default)s)"
    )
    add("--native-port", type=port, default=5030, help="503 on a real one; 0 takes a free one (default: %(default)s)")
    modbus.add_options(conext)
    add(
        "--word-order",
        choices=("big", "little"),
        default="big",
        help="which word of 32 bits comes first on the native port (default: %(default)s)",
    )
    add(
        "--gaps",
        choices=GAPS,
        default="refuse",
        help="reads that touch a register without an entry: exception 2, or 0 (default: %(default)s)",
    )
    add(
        "--serials",
        default="devicelist",
        metavar="SERIALS",
        help="those of the PVS (devicelist, the default), none (empty), or GATEWAY,INVERTER,BATTERY",
    )
    add("--xw-serial", action="store_true", help="unit 10 tells its native serial number, in place of exception 4")
    add(
        "--battery-monitor",
        type=number(int, 2, 247),
        nargs="?",
        const=190,
        metavar="UNIT",
        help="with a Conext Battery Monitor, which a SunVault does not have (unit 190)",
    )
    conext.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM; 1 with one line on stderr if that cannot be."""
    from pvsmqtt.simulator.conext.simulator import ConextSimulator
    from pvsmqtt.simulator.pvs.house.house import House

    try:
        serials = _serials(args.serials)
    except ValueError:
        return fail(f"{args.serials} are no serial numbers; give devicelist, empty or GATEWAY,INVERTER,BATTERY")
    simulator = ConextSimulator(
        house=House(args.panels, args.seed, ess=True),
        host=args.host,
        sunspec_port=args.sunspec_port,
        native_port=args.native_port,
        speed=args.speed,
        start_at=args.start,
        serials=serials,
        word_order=args.word_order,
        gaps=args.gaps == "tolerant",
        serial_refused=not args.xw_serial,
        battery_monitor=args.battery_monitor,
        keeps=False,
        seed=args.seed,
    )
    try:
        modbus.run(simulator, args, lambda: _said(simulator))
    except OSError as error:
        where = f"{args.host} ports {args.sunspec_port} and {args.native_port}"
        if args.control is not None:
            where += f", control on {args.control}"
        return fail(f"cannot listen on {where}: {reason(error)}; choose others with --sunspec-port and --native-port")
    return 0


def _said(simulator: ConextSimulator) -> str:
    return (
        f"Conext simulator tells SunSpec on tcp://{simulator.host}:{simulator.sunspec_port} (units 1, 10, 230)\n"
        f"Conext simulator tells the native map on tcp://{simulator.host}:{simulator.native_port}\n"
    )


def _serials(text: str) -> Serials | None:
    """None is those of the DeviceList; raises ValueError."""
    from pvsmqtt.simulator.conext.simulator import Serials

    if text in SERIALS:
        return None if text == "devicelist" else Serials("", "", "")
    gateway, inverter, battery = text.split(",")
    return Serials(gateway, inverter, battery)
