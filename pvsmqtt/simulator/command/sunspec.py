"""``pvsmqtt simulate sunspec``."""

from __future__ import annotations

import argparse

from pvsmqtt.simulator.command import modbus
from pvsmqtt.simulator.command.words import fail, number, reason

DESCRIPTION = """\
Simulate a SunSpec device that tells of the house of 'simulate pvs' with the same --seed, --panels, --start and
--speed: over TCP, or as a slave on a pseudo-terminal for a master that is not on the bus yet. It serves until it is
interrupted; whatever would write is refused."""

EPILOG = """\
kinds:
{kinds}

{faults}

examples:
  pvsmqtt simulate sunspec --kind sma --port 5020
  pvsmqtt simulate sunspec --kind der --base 0 --fault slow:seconds=8,share=0.2
  pvsmqtt simulate sunspec --kind fronius --floats --pty /tmp/inverter --baudrate 19200
"""


def add_parser(equipment: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``sunspec``; the parsed arguments carry `run` as ``run``."""
    from pvsmqtt.simulator.sunspec_devices import ABOUT, BASES

    sunspec = equipment.add_parser(
        "sunspec",
        help="a SunSpec inverter, meter or battery (Modbus TCP or RTU)",
        description=DESCRIPTION,
        epilog=EPILOG.format(
            kinds="\n".join(f"  {name:<12}{about}" for name, about in ABOUT.items()), faults=modbus.faults_help()
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = sunspec.add_argument
    add("--kind", choices=ABOUT, default="sma", metavar="NAME", help="one of the kinds below (default: %(default)s)")
    ends = sunspec.add_mutually_exclusive_group()
    ends.add_argument(
        "--port", type=number(int, 0, 65535), default=5020, help="0 takes a free one (default: %(default)s)"
    )
    ends.add_argument(
        "--pty", metavar="PATH", nargs="?", const="", help="a pseudo-terminal in place of TCP, with a link at PATH"
    )
    add("--baudrate", type=number(int, 300, 1_000_000), default=9600, help="of the line (default: %(default)s)")
    add("--unit", type=number(int, 1, 247), help="number of the (first) unit (default: that of the kind)")
    add("--base", type=int, choices=BASES, default=BASES[0], help="where the chain begins (default: %(default)s)")
    add("--phases", type=int, choices=(1, 3), default=3, help="of an inverter (default: %(default)s)")
    add("--floats", action="store_true", help="models with floats (sma, fronius, meter)")
    add("--serial", metavar="NUMBER", help="of the (first) unit (default: an invented one)")
    modbus.add_options(sunspec)
    sunspec.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM; 1 with one line on stderr if that cannot be."""
    from pvsmqtt.simulator.pvs.house.house import House
    from pvsmqtt.simulator.sunspec_devices.simulator import SunSpecSimulator

    simulator = SunSpecSimulator(
        kind=args.kind,
        house=House(args.panels, args.seed, ess=True),
        host=args.host,
        port=args.port,
        pty=args.pty,
        baudrate=args.baudrate,
        unit=args.unit,
        base=args.base,
        phases=args.phases,
        floats=args.floats,
        serial=args.serial,
        speed=args.speed,
        start_at=args.start,
        keeps=False,
        seed=args.seed,
    )
    units = " and ".join(str(unit) for unit in simulator.units)

    def said() -> str:
        return f"SunSpec simulator ({args.kind}, unit {units}) is at {simulator.url}\n"

    try:
        modbus.run(simulator, args, said)
    except OSError as error:
        if args.pty is not None:
            return fail(f"cannot serve at {args.pty or 'a pseudo-terminal'}: {reason(error)}; choose another --pty")
        where = f"{args.host} port {args.port}"
        if args.control is not None:
            where += f", control on {args.control}"
        return fail(f"cannot listen on {where}: {reason(error)}; choose another --port or --host")
    return 0
