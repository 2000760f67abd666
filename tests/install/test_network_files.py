"""The files of script/install --network: as the real programs read them, written, written again, and taken back."""

from __future__ import annotations

import configparser
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from helpers_install import REPOSITORY, SCRIPT, program
from network import apply, plan
from network.record import PLACE, Record

ADDRESS = "172.27.153.2/24"
PROFILE = "etc/NetworkManager/system-connections/pvsmqtt-pvs.nmconnection"
NETWORK = "etc/systemd/network/05-pvsmqtt-pvs.network"
LINK = "etc/systemd/system/timers.target.wants/pvsmqtt-wifi.timer"


def files(manager: str, wifi: str | None = "wlan0") -> dict[str, plan.File]:
    return {file.path: file for file in plan.files(manager, "eth0", wifi, ADDRESS)}


def network(root: Path, *arguments: str, **how: Any) -> subprocess.CompletedProcess[str]:
    command = [SCRIPT, "--network", "--root", root, *arguments]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, **how)


def ok(root: Path, *arguments: str) -> str:
    done = network(root, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def picture(root: Path) -> dict[str, tuple[str, int]]:
    return {
        str(path.relative_to(root)): (
            str(path.readlink()) if path.is_symlink() else path.read_text(),
            path.lstat().st_mode,
        )
        for path in root.rglob("*")
        if path.is_symlink() or path.is_file()
    }


def ini(text: str) -> configparser.ConfigParser:
    found = configparser.ConfigParser(interpolation=None, strict=False)
    found.optionxform = str  # type: ignore[assignment,method-assign]
    found.read_string(text)
    return found


@pytest.mark.parametrize("manager", plan.ROWS)
@pytest.mark.parametrize("wifi", ["wlan0", None])
def test_nothing_is_left_of_the_templates_marks(manager: str, wifi: str | None) -> None:
    made = files(manager, wifi)
    assert made
    for file in made.values():
        assert not re.search(r"\{[a-z]+\}", file.text)
        assert "script/install --network" in file.text  # a person who finds it knows where it is from
    assert (wifi is None) == (not any("wifi" in path for path in made))


# --- as the programs read them ---


def test_networkmanager_understands_every_line_of_the_profile() -> None:
    """nmcli drops what it does not understand, so all of it must come out again."""
    found = subprocess.run([REPOSITORY / "script/nmcli"], capture_output=True, text=True, timeout=120)
    if found.returncode == 3:
        pytest.skip(found.stderr.strip().splitlines()[-1])
    nmcli, written = found.stdout.strip(), files("networkmanager")[PROFILE].text
    done = subprocess.run(
        [nmcli, "--offline", "connection", "modify", "connection.id", "pvsmqtt-pvs"],
        input=written,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    ours, read = ini(written), ini(done.stdout)
    assert {name: dict(ours[name]) for name in ours.sections()} == {
        name: dict(read[name]) for name in ours.sections()
    }
    assert read["ipv4"]["never-default"] == "true"
    assert read["ipv6"]["method"] == "disabled"
    assert not {"gateway", "dns"} & set(read["ipv4"])


def test_the_profile_is_for_root_alone_or_networkmanager_ignores_it() -> None:
    assert files("networkmanager")[PROFILE].mode == 0o600


@pytest.mark.parametrize("manager", plan.ROWS)
def test_systemd_finds_nothing_wrong_with_the_units(manager: str, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    units = []
    for path, file in files(manager).items():
        if path.endswith((".service", ".timer")):
            units.append(tmp_path / Path(path).name)
            # nmcli need not be on this machine.
            units[-1].write_text(re.sub(r"^(ExecStart=-?)/\S+", r"\1/bin/true", file.text, flags=re.M))
    done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert len(units) == 2


WORLD = """\
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/netif/links /run/systemd/netif/leases /run/systemd/netif/lldp
chown -R systemd-network:systemd-network /run/systemd/netif
mount -t tmpfs -o mode=755 tmpfs /etc/systemd/network
mount -t sysfs -o ro sysfs /sys
cp {folder}/*.network /etc/systemd/network/
ip link add eth0 type veth peer name pvs0
ip address add 172.27.153.1/24 dev pvs0
ip link set pvs0 up
/lib/systemd/systemd-networkd 2> {folder}/log &
trap "kill $!" EXIT
for _ in $(seq 150); do
    if grep -qs ADMIN_STATE=configured /run/systemd/netif/links/*; then break; fi
    sleep 0.1
done
ip -json address show eth0
echo ----; ip -json route
echo ----; ip -json -6 route
echo ----; cat /run/systemd/netif/links/*
"""
"""A network of its own, in which systemd-networkd runs, with a PVS at the other end of the cable."""


def networkd(folder: Path, **written: str) -> tuple[dict[str, Any], list[Any], list[Any], str]:
    """What systemd-networkd makes of these files: the port, routes, those of IPv6, and what it says of the port."""
    folder.mkdir()
    for name, text in written.items():
        (folder / f"{name}.network").write_text(text)
    world = WORLD.format(folder=folder)
    done = subprocess.run(["unshare", "-n", "-m", "bash", "-c", world], capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        pytest.skip(f"no network of its own can be made here: {done.stderr[-200:]}")
    *tables, state = done.stdout.split("----\n")
    address, routes, six = (json.loads(table or "[]") for table in tables)
    return address[-1], routes, six, state


@pytest.mark.skipif(
    os.geteuid() != 0 or not Path("/lib/systemd/systemd-networkd").exists() or shutil.which("unshare") is None,
    reason="needs root, systemd-networkd and unshare",
)
def test_systemd_networkd_does_what_the_file_says_and_no_other_file_for_the_port_counts(tmp_path: Path) -> None:
    netplan = (
        f"[Match]\nName=eth0\n[Network]\nAddress={ADDRESS}\nGateway=172.27.153.1\nDNS=172.27.153.1\nIPv6AcceptRA=no\n"
    )
    _, routes, _, state = networkd(tmp_path / "before", **{"10-netplan-eth0": netplan})
    assert [route["dst"] for route in routes if route["dev"] == "eth0"].count("default") == 1, "as a guest of the PVS"
    assert "DNS=172.27.153.1" in state

    ours = {Path(NETWORK).stem: files("networkd")[NETWORK].text}
    port, routes, six, state = networkd(tmp_path / "after", **{"10-netplan-eth0": netplan}, **ours)
    assert [f"{info['local']}/{info['prefixlen']}" for info in port["addr_info"]] == [ADDRESS]  # and no IPv6
    assert [route["dst"] for route in routes if route["dev"] == "eth0"] == ["172.27.153.0/24"]
    assert not [route for route in six if route.get("dev") == "eth0"]
    assert "DNS=172.27.153.1" not in state
    assert NETWORK in state
    log = (tmp_path / "after/log").read_text()
    assert not [
        line for line in log.splitlines() if "pvsmqtt" in line and re.search("unknown|invalid|ignor", line, re.I)
    ]


# --- written, again, and taken back ---


@pytest.mark.parametrize("manager", plan.ROWS)
def test_into_an_image_and_back(tmp_path: Path, manager: str) -> None:
    root = tmp_path / "image"
    (root / "etc").mkdir(parents=True)
    (root / "etc/hostname").write_text("pi\n")
    before = picture(root)
    assert "wired port to the PVS: eth0" in ok(root, "--manager", manager, "--yes")
    made = picture(root)
    for path, file in files(manager).items():
        assert made[path] == (file.text, 0o100000 | file.mode)
    assert made[LINK][0] == "/etc/systemd/system/pvsmqtt-wifi.timer"
    assert "nothing was changed" in ok(root, "--manager", manager, "--yes")
    assert picture(root) == made
    assert "done" in ok(root, "--undo", "--yes")
    assert picture(root) == before
    assert "nothing was changed" in ok(root, "--undo", "--yes")


def test_what_was_there_comes_back(tmp_path: Path) -> None:
    old = tmp_path / PROFILE
    old.parent.mkdir(parents=True)
    old.write_text("of the owner")
    old.chmod(0o640)
    before = picture(tmp_path)
    ok(tmp_path, "--manager", "networkmanager", "--yes")
    # Again with another address: what came first is what is kept.
    ok(tmp_path, "--manager", "networkmanager", "--yes", "--address", "172.27.153.10")
    assert "address1=172.27.153.10/24" in old.read_text()
    ok(tmp_path, "--undo", "--yes")
    assert picture(tmp_path) == before


def test_what_the_owner_changed_since_is_not_lost(tmp_path: Path) -> None:
    ok(tmp_path, "--manager", "networkd", "--yes")
    (tmp_path / NETWORK).write_text("[Match]\nName=eth0\n# mine\n")
    said = ok(tmp_path, "--undo", "--yes")
    assert not (tmp_path / NETWORK).exists()
    assert "was changed since" in said
    kept = list((tmp_path / PLACE).iterdir())
    assert [path.read_text() for path in kept] == ["[Match]\nName=eth0\n# mine\n"]


def test_interrupted_between_two_files_it_can_be_taken_back(tmp_path: Path) -> None:
    (tmp_path / NETWORK).parent.mkdir(parents=True)
    (tmp_path / NETWORK).write_text("before")
    before = picture(tmp_path)
    record = Record(tmp_path, "networkd", "eth0", "wlan0")
    made = tuple(files("networkd").values())
    record.write(made[:1])
    record.written[made[1].path] = {"sum": "", "before": None}  # noted, and then the power went
    record.save()
    ok(tmp_path, "--undo", "--yes")
    assert picture(tmp_path) == before


def test_the_other_manager_is_refused_until_the_first_is_taken_back(tmp_path: Path) -> None:
    ok(tmp_path, "--manager", "networkd", "--yes")
    done = network(tmp_path, "--manager", "networkmanager", "--yes")
    assert done.returncode == 1
    assert "--undo" in done.stderr


def test_it_is_shown_first_and_nobody_is_asked_when_nobody_is_there(tmp_path: Path) -> None:
    shown = ok(tmp_path, "--manager", "networkmanager", "--show")
    for file in files("networkmanager").values():
        assert f"--- /{file.path}\n{file.text}" in shown
    done = network(tmp_path, "--manager", "networkmanager")
    assert done.returncode == 1
    assert "--yes" in done.stderr
    assert "address1" in done.stdout
    assert picture(tmp_path) == {}


@pytest.mark.parametrize("arguments", [["--manager", "dhcpcd"], ["--address"], ["--nothing"]])
def test_wrong_usage(tmp_path: Path, arguments: list[str]) -> None:
    assert network(tmp_path, *arguments).returncode == 2


def test_an_address_of_others_is_refused(tmp_path: Path) -> None:
    done = network(tmp_path, "--manager", "networkd", "--yes", "--address", "172.27.153.60")
    assert (done.returncode, "allowed" in done.stderr) == (1, True)
    assert picture(tmp_path) == {}


# --- made so ---


@pytest.mark.parametrize("manager", plan.ROWS)
def test_commands_touch_the_wired_port_and_never_the_way_home(manager: str) -> None:
    """Connecting again, or restarting the manager, would cut whoever works over Wi-Fi."""
    for steps in (apply.AFTER_WRITING[manager], apply.AFTER_UNDOING[manager], apply.BEFORE_UNDOING):
        for _, words in apply.commands(steps, "eth0", "wlan0"):
            assert "restart" not in words
            assert "wlan0" not in words or words[0] == "iw"
        assert not any("wifi" in " ".join(words) for _, words in apply.commands(steps, "eth0", None))


def test_what_did_not_work_is_told_and_the_rest_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = tmp_path / "told"
    for name in ("networkctl", "systemctl", "iw"):
        program(tmp_path / "bin", name, f'echo {name} "$@" >> {told}; [ {name} != iw ] || exit 1')
    program(tmp_path / "bin", "udevadm", "echo no udev here >&2; exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    failed = apply.carry_out(apply.AFTER_WRITING["networkd"], "eth0", "wlan0")
    assert failed == ["udevadm control --reload: no udev here"]
    assert told.read_text().splitlines() == [
        "networkctl reload",
        "networkctl reconfigure eth0",
        "systemctl daemon-reload",
        "systemctl enable --now pvsmqtt-wifi.timer",
        "iw dev wlan0 set power_save off",
    ]


def test_it_runs_with_the_library_of_python_alone() -> None:
    """On a machine on which nothing is installed yet."""
    code = "import sys; import network.talk; print(*{name.partition('.')[0] for name in sys.modules})"
    env = {"PYTHONPATH": str(REPOSITORY / "script"), "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [sys.executable, "-S", "-B", "-c", code], env=env, capture_output=True, text=True, check=True
    )
    assert {name for name in done.stdout.split() if name not in sys.stdlib_module_names} <= {"network", "__main__"}


def test_help_shows_how_it_is_used_line_by_line() -> None:
    done = subprocess.run([SCRIPT, "--network", "--help"], capture_output=True, text=True, check=True)
    *_, example, undone = done.stdout.splitlines()
    assert (example.split(":")[0], undone.split(":")[0]) == ("example", "undone with")
    assert example.endswith("sudo script/install --network")
    assert undone.endswith("sudo script/install --network --undo")
