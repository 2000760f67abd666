"""The unit file, as far as systemd itself can judge it, and the notifications."""

import re
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from pvsmqtt import systemd

UNIT = Path(__file__).parents[1] / "systemd" / "pvsmqtt.service"
UDEV = UNIT.with_name("70-pvsmqtt-serial.rules")
needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")


@pytest.fixture
def unit(tmp_path):
    """The unit file with a program that exists on this machine."""
    copy = tmp_path / UNIT.name
    copy.write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", UNIT.read_text(), flags=re.M))
    return copy


@needs_systemd
def test_the_unit_is_clean(unit):
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@needs_systemd
def test_the_unit_is_hardened(unit):
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", unit], capture_output=True, text=True, check=True
    )
    exposure = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
    assert exposure is not None
    assert float(exposure[1]) <= 1.5


def settings(name):
    """Every value of a key of the unit, in order."""
    return re.findall(rf"^{name}=(.*)$", UNIT.read_text(), flags=re.M)


def test_serial_devices_can_be_read_and_nothing_else():
    assert settings("DevicePolicy") == ["closed"]
    allowed = dict(line.rsplit(maxsplit=1) for line in settings("DeviceAllow"))
    assert {"char-ttyUSB", "char-ttyACM", "char-ttyAMA", "char-ttyS"} == set(allowed)
    assert set(allowed.values()) == {"r"}  # the kernel itself keeps the service from writing to an RS-485 line
    assert settings("PrivateDevices") == ["no"]
    assert settings("SupplementaryGroups") == ["dialout"]


def test_drivers_are_loaded_before_the_service_starts():
    """Devices of a driver that is loaded later would not be allowed, see systemd.resource-control(5)."""
    wanted = " ".join(settings("Wants")).split()
    for driver in ("usbserial", "cdc_acm"):
        assert f"modprobe@{driver}.service" in wanted
        assert f"modprobe@{driver}.service" in " ".join(settings("After")).split()


def test_the_udev_rules_are_well_formed():
    rules = [line for line in UDEV.read_text().splitlines() if line and not line.startswith("#")]
    assert len(rules) == 2
    for rule in rules:
        for part in rule.split(", "):
            assert re.fullmatch(r'[A-Z]+(\{\w+\})?(==|!=|=)"[^"]+"', part), part
    assert UDEV.name in (UNIT.parents[1] / "script" / "install").read_text()


def test_notifications_reach_systemd(tmp_path, monkeypatch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        systemd.notify("READY=1")
        assert listener.recv(100) == b"READY=1"


@pytest.mark.parametrize("address", ["", "nonsense", "/nowhere/at/all"])
def test_without_systemd_nothing_happens(monkeypatch, address):
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    systemd.notify("READY=1")
