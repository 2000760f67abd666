"""The conversation: what was found and why, what would be written; a question; then it is done, or taken back."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from network import Refused, apply, choice, manager, plan, ports
from network.record import Record

EXAMPLE = """\
example:      sudo script/install --network
undone with:  sudo script/install --network --undo"""


def main(argv: list[str] | None = None) -> int:
    """Exit status: 0 done (or nothing to do), 1 it did not work or was not wanted, 2 wrong usage."""
    args = _parser().parse_args(argv)
    try:
        return _undo(args) if args.undo else _set_up(args)
    except Refused as refused:
        print(f"pvsmqtt network: {refused}", file=sys.stderr)
    except OSError as error:
        print(f"pvsmqtt network: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print(
            "pvsmqtt network: interrupted; run it again, or with --undo to take back what was written",
            file=sys.stderr,
        )
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="script/install --network",
        description="Sets up the network of a machine between a PVS and the home: a fixed address\n"
        "on the wired port to the PVS, never the default route, no DNS, no IPv6 there;\n"
        "Wi-Fi without power saving, connected again when it is lost. Shows everything\n"
        "first, and asks.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--interface", metavar="NAME", help="the wired port to the PVS (default: found)")
    parser.add_argument(
        "--address", default="172.27.153.2", help="of this machine beside the PVS (default: %(default)s)"
    )
    parser.add_argument(
        "--manager", choices=sorted(manager.NAMES), help="who looks after it (default: the one that runs)"
    )
    parser.add_argument("--undo", action="store_true", help="take everything back")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--cut-ssh", action="store_true", help="also where it ends the SSH connection you work over")
    parser.add_argument("--show", action="store_true", help="show what would be written, and end")
    parser.add_argument("--root", type=Path, default=Path("/"), metavar="DIR", help="a folder with a system in it")
    return parser


def _set_up(args: argparse.Namespace) -> int:
    root: Path = args.root
    address = choice.address(args.address)
    if root == Path("/"):
        chosen = choice.choose(ports.look(), args.interface, ports.ssh_address(os.getpid()))
        who = args.manager or manager.running(chosen.wired, _active)
    else:  # an image: its ports are not those of this machine
        chosen = choice.Choice(args.interface or "eth0", "wlan0", "this is another system: as on a Raspberry Pi")
        who = args.manager or manager.installed(root)
    record = Record.load(root) or Record(root)
    if record.manager not in ("", who):
        raise Refused(
            f"the files for {manager.NAMES[record.manager]} are here already", "take them back first, with --undo"
        )
    wifi = chosen.wifi or record.wifi  # an adapter may be out just now
    files = plan.files(who, chosen.wired, wifi, address)
    changes = record.changes(files)

    print(f"wired port to the PVS: {chosen.wired} ({chosen.why})")
    print(f"Wi-Fi: {wifi or 'none'}")
    print(f"written for: {manager.NAMES[who]}")
    for remark in chosen.remarks:
        print(f"note: {remark}")
    if not changes:
        print("everything is there already; nothing was changed.")
        return 0
    for file in changes:
        print(f"\n--- /{file.path}\n{file.text}", end="")
    print()
    if args.show:
        return 0
    if chosen.cuts_ssh and root == Path("/"):
        if args.yes and not args.cut_ssh:
            raise Refused(
                f"you work over {chosen.wired}: this would end your SSH connection",
                "log in over the Wi-Fi, or say --cut-ssh",
            )
        print(f"You work over {chosen.wired}: THIS ENDS YOUR SSH CONNECTION. Log in over the Wi-Fi afterwards.")
    _agree(args, f"Write {len(changes)} file{'s' * (len(changes) != 1)}?")

    _may_write(root)
    record.manager, record.wired, record.wifi = who, chosen.wired, wifi
    record.write(changes)
    for file in changes:
        print(f"written: /{file.path}")
    if root != Path("/"):
        _enable(root, wifi is not None)
        return 0
    return _report(
        apply.carry_out(apply.AFTER_WRITING[who], chosen.wired, wifi),
        f"done: this machine is {address} beside the PVS ({choice.PVS}).",
    )


def _undo(args: argparse.Namespace) -> int:
    root: Path = args.root
    record = Record.load(root)
    if record is None:
        print("nothing was written by script/install --network; nothing was changed.")
        return 0
    print("to be taken back:", *(f"/{name}" for name in record.written), sep="\n  ")
    if root == Path("/"):
        cuts = ports.ssh_address(os.getpid()) in {
            str(a.ip) for port in ports.look() if port.name == record.wired for a in port.addresses
        }
        if cuts and args.yes and not args.cut_ssh:
            raise Refused(f"you work over {record.wired}: this may end your SSH connection", "say --cut-ssh")
        if cuts:
            print(f"You work over {record.wired}: this may end your SSH connection.")
    _agree(args, "Take it back?")
    _may_write(root)
    who, wired, wifi = record.manager, record.wired, record.wifi
    failed = []
    if root == Path("/"):
        failed += apply.carry_out(apply.BEFORE_UNDOING, wired, wifi)
    else:
        (root / TIMER_LINK).unlink(missing_ok=True)
    for line in record.undo():
        print(line)
    if root == Path("/"):
        failed += apply.carry_out(apply.AFTER_UNDOING[who], wired, wifi)
    return _report(failed, "done: the network is as it was. Wi-Fi saves power again after the next start.")


TIMER_LINK = "etc/systemd/system/timers.target.wants/pvsmqtt-wifi.timer"


def _enable(root: Path, wifi: bool) -> None:
    """What ``systemctl enable`` does, for a system that does not run."""
    link = root / TIMER_LINK
    if wifi and not link.is_symlink():
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to("/etc/systemd/system/pvsmqtt-wifi.timer")


def _agree(args: argparse.Namespace, question: str) -> None:
    if args.yes:
        return
    if not sys.stdin.isatty():
        raise Refused("nobody is there to ask", "look at it with --show, and then say --yes")
    if input(f"{question} [y/N] ").strip().lower() not in ("y", "yes"):
        raise Refused("nothing was changed")


def _may_write(root: Path) -> None:
    if root == Path("/") and os.geteuid() != 0:
        raise Refused("this writes to /etc", "sudo script/install --network")


def _active(unit: str) -> bool:
    try:
        return subprocess.run(["systemctl", "is-active", "--quiet", unit], check=False).returncode == 0
    except OSError:
        return False


def _report(failed: list[str], good: str) -> int:
    for line in failed:
        print(f"did not work: {line}", file=sys.stderr)
    if failed:
        print("the files are in force after a restart: sudo reboot", file=sys.stderr)
        return 1
    print(good)
    return 0
