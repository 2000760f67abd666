"""script/install in a Debian of its own, with nothing but what Debian puts there, and NetworkManager beside a PVS.

Takes minutes and a network, so only where it is wanted:

    PVSMQTT_CLEAN_ROOT=/var/tmp/bookworm script/test tests/install/test_clean_root.py

The folder is made by debootstrap when it is not there, and kept; what pip and apt need to reach their indexes here is
copied into it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers_install import REPOSITORY

WHERE = os.environ.get("PVSMQTT_CLEAN_ROOT", "")
SUITE = os.environ.get("PVSMQTT_CLEAN_SUITE", "bookworm")
NEEDED = "python3,python3-venv,ca-certificates"
FOR_THE_NETWORK = "udev dbus iproute2 network-manager dnsmasq-base"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("clean_root"),
    pytest.mark.skipif(not WHERE or os.geteuid() != 0, reason="PVSMQTT_CLEAN_ROOT is not set, or not root"),
]


def inside(command: str, wrapped: tuple[str, ...] = ()) -> str:
    """A command in it, as root on a console would give it; it must work. ``wrapped``: what runs it."""
    env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8"}
    env |= {name: value for name, value in os.environ.items() if name.startswith("PIP_") and "LINKS" not in name}
    done = subprocess.run(
        [*wrapped, "chroot", WHERE, "bash", "-ec", f"cd /root/clone; {command}"],
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def root() -> Iterator[Path]:
    root = Path(WHERE)
    if not (root / "usr/bin/python3").exists():
        command = ["debootstrap", "--variant=minbase", f"--include={NEEDED}", SUITE, root]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        (root / "usr/sbin/policy-rc.d").write_text("#!/bin/sh\nexit 101\n")
        (root / "usr/sbin/policy-rc.d").chmod(0o755)
    for name in ("etc/pip.conf", "etc/resolv.conf", "etc/ssl/certs/ca-certificates.crt"):
        if Path("/", name).exists():
            shutil.copy(Path("/", name), root / name)
    clone = root / "root/clone"
    shutil.rmtree(clone, ignore_errors=True)
    hidden = shutil.ignore_patterns(".*", "__pycache__", "tests")
    shutil.copytree(REPOSITORY, clone, ignore=hidden)
    subprocess.run(["mount", "--bind", "/proc", root / "proc"], check=True)
    subprocess.run(["mount", "--bind", "/dev", root / "dev"], check=True)
    try:
        inside("script/install --uninstall --keep-published --purge --yes")
        yield root
    finally:
        subprocess.run(["umount", root / "dev", root / "proc"], check=True)


def test_installed_run_upgraded_gone_back_and_removed(root: Path) -> None:
    assert "is now releases/" in inside("script/install")
    assert "installed already" in inside("script/install")
    assert inside("/opt/pvsmqtt/venv/bin/pvsmqtt --version").startswith("pvsmqtt ")
    (root / "etc/pvsmqtt/pvsmqtt.toml").write_text(
        '[mqtt]\nhost = "127.0.0.1"\nport = 9\n[[pvs]]\nhost = "127.0.0.1:9"\n'
    )

    # The user that systemd makes up owns nothing but its state.
    state = root / "var/lib/private/pvsmqtt"
    state.mkdir(parents=True, exist_ok=True)
    state.parent.chmod(0o755)
    os.chown(state, 61184, 61184)
    user = "setpriv --reuid 61184 --regid 61184 --clear-groups --no-new-privs"
    run = "env STATE_DIRECTORY=/var/lib/private/pvsmqtt /opt/pvsmqtt/venv/bin/pvsmqtt run"
    log = inside(f"timeout --preserve-status -s TERM 15 {user} {run} 2>&1")
    assert "1 sources" in log
    assert any(state.iterdir())

    first = (root / "opt/pvsmqtt/venv").readlink()
    inside("script/install --upgrade")
    assert (root / "opt/pvsmqtt/previous").readlink() == first
    inside("script/install --rollback")
    assert (root / "opt/pvsmqtt/venv").readlink() == first
    inside("script/install --uninstall --keep-published")
    assert not (root / "opt/pvsmqtt").exists()
    assert (root / "etc/pvsmqtt/pvsmqtt.toml").exists()
    inside("script/install --uninstall --keep-published --purge --yes")
    assert not (root / "etc/pvsmqtt").exists(), "what an earlier --uninstall left is removed too"
    assert not state.exists()


WORLD = """\
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs {root}/run
mount -t sysfs -o ro sysfs {root}/sys
ip link set lo up
ip link add eth0 type veth peer name pvs0
ip address add 172.27.153.1/24 dev pvs0
ip link set pvs0 up
exec "$@"
"""
"""A network of its own, with a PVS at the other end of the cable."""

TALK = """\
mkdir -p /run/dbus
mkdir -p /etc/NetworkManager/conf.d
cat > /etc/NetworkManager/conf.d/trial.conf <<END
[device-pvs]
match-device=interface-name:pvs0
managed=0
[device-eth]
match-device=interface-name:eth0
managed=1
END
dbus-daemon --system --fork
dnsmasq --no-daemon --port=0 --interface=pvs0 --bind-interfaces --dhcp-range=172.27.153.20,172.27.153.30 \
    --dhcp-option=3,172.27.153.1 --dhcp-option=6,172.27.153.1 --dhcp-authoritative --dhcp-leasefile=/run/leases \
    --user=root >/dev/null 2>&1 & pvs=$!
NetworkManager --no-daemon >/run/nm.log 2>&1 & manager=$!
trap 'kill $pvs $manager $(cat /run/dbus/pid)' EXIT
tell() {
    for _ in $(seq 200); do
        if nmcli -g GENERAL.CONNECTION device show eth0 2>/dev/null | grep -q "$1"; then break; fi
        sleep 0.1
    done
    for _ in $(seq 100); do
        if ip -4 address show eth0 | grep -q inet; then break; fi
        sleep 0.1
    done
    ip -json -4 address show eth0; ip -json route show dev eth0; grep -c 172.27.153.1 /etc/resolv.conf || true
}
do_it() {
    PYTHONPATH=script python3 -B -c "
from pathlib import Path
from network import apply, plan
from network.record import Record
$1" >&2
}
tell Wired
do_it "
record = Record(Path('/'), 'networkmanager', 'eth0', None)
record.write(plan.files('networkmanager', 'eth0', None, '172.27.153.2/24'))
assert not apply.carry_out(apply.AFTER_WRITING['networkmanager'], 'eth0', None)"
tell pvsmqtt-pvs
do_it "
Record.load(Path('/')).undo()
assert not apply.carry_out(apply.AFTER_UNDOING['networkmanager'], 'eth0', None)"
tell Wired
"""


@pytest.fixture(scope="module")
def manager(root: Path) -> None:
    if not (root / "usr/sbin/NetworkManager").exists():
        install = "DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends"
        inside(f"apt-get update -q; {install} {FOR_THE_NETWORK}")


@pytest.mark.usefixtures("manager")
def test_networkmanager_beside_a_pvs_that_makes_itself_the_way_out() -> None:
    world = ("unshare", "-n", "-m", "bash", "-c", WORLD.format(root=WHERE), "world")
    lines = inside(TALK, world).splitlines()
    told = [lines[at : at + 3] for at in range(0, 9, 3)]
    for address, routes, names in (told[0], told[2]):  # before, and when it was taken back
        assert "172.27.153.2" in address
        assert [route for route in json.loads(routes) if route["dst"] == "default"]
        assert int(names) == 1
    address, routes, names = told[1]
    found = json.loads(address)[0]["addr_info"]
    assert [(info["local"], info["prefixlen"]) for info in found] == [("172.27.153.2", 24)]
    assert [route["dst"] for route in json.loads(routes)] == ["172.27.153.0/24"]
    assert int(names) == 0
