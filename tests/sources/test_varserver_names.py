"""Every variable that the vendor lists as public is read, or left out on purpose."""

from __future__ import annotations

import csv
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pvsmqtt.sources.pvs.newer import variables, varserver

REPOSITORY = Path(__file__).parents[2]
FIXTURES = REPOSITORY / "tests" / "fixtures" / "vars"
RECORDED = Path(os.environ.get("TEST_PAYLOADS") or REPOSITORY.parent / "shared" / "payloads")
LISTS = sorted(RECORDED.glob("varserver-variables-public-*.csv"))
NAMES = (FIXTURES / "names.txt").read_text(encoding="utf-8").split()

NOW = datetime(2026, 6, 21, 19, 7, tzinfo=UTC)

ONE_OF_EACH = {
    "/sys/info/serialnum": "ZT2",
    "/sys/info/model": "PVS6 ",
    "/sys/pvs/flashwear_type_b": "0x05",
    "opMode": "STANDBY",
    "control_mode": "STANDBY",
    "midStEnum": "MID_STATE_CLOSED",
    "pvd1StEnum": "PVD_STATE_CLOSED",
    "msmtEps": "2026-06-21T19:05:00Z",
    "prodMdlNm": "model",
}
"""Values that mean something to those variables that hold no number, by name or last element."""


def told_by(name: str) -> set[str]:
    """The quantities (or properties) in which this variable is found again when it is the only one that is told."""
    field = name.rsplit("/", 1)[-1]
    value = ONE_OF_EACH.get(name) or ONE_OF_EACH.get(field) or "1"
    if name.startswith("/sys/devices/"):
        found: set[str] = set()
        for letter in "pc":
            place = name.rsplit("/", 1)[0]
            reply = varserver.decode({f"{place}/sn": f"SN1{letter}", name: value}, "test", clock=NOW)
            (reading,) = reply.readings
            assert not reply.unmapped
            found |= {key for key, told in reading.values.items() if told is not None}
            parts = {
                "model": reading.device.model,
                "time": reading.measured_at,
                "serial": reading.device.serial == "1",
            }
            found |= {key for key, told in parts.items() if told}
        return found
    if live := varserver.live({name: value}):
        return set(live)
    system = varserver.supervisor({name: value}, "test", serial="ZT1")
    assert system is not None
    found = {key for key, told in (system.values | varserver.storage_settings({name: value})).items() if told}
    device = system.device
    properties = {"model": device.model, "hw_version": device.hw_version, "serial": device.serial == "ZT2"}
    return found | {key for key, told in properties.items() if told}


@pytest.mark.parametrize("name", NAMES)
def test_every_public_variable_is_read_or_left_out_on_purpose(name: str) -> None:
    told = told_by(name.replace("{index}", "3"))
    assert bool(told) is (name not in variables.NOT_READ), told


def test_the_names_are_all_there_and_none_is_left_out_in_vain() -> None:
    assert len(NAMES) == len(set(NAMES)) == 108
    assert variables.NOT_READ.issubset(NAMES)


@pytest.mark.parametrize("path", LISTS, ids=lambda path: path.stem)
def test_the_vendors_list_has_no_name_that_is_not_known(path: Path) -> None:
    with path.open(encoding="utf-8", newline="") as lines:
        assert {row["name"] for row in csv.DictReader(lines)} <= set(NAMES)
