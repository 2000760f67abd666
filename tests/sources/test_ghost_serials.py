"""Serial numbers that name nobody."""

from __future__ import annotations

import pytest

from pvsmqtt.sources.pvs.identity import no_serial
from pvsmqtt.sources.pvs.newer import varserver
from pvsmqtt.sources.pvs.older import dl_cgi
from pvsmqtt.sources.pvs.refusal import Refusal

GHOSTS = ["", "n/a", "0", "000000000000", "00-00", "-", "___", "9" * 500]


@pytest.mark.parametrize("serial", [None, *GHOSTS[:1], *GHOSTS[2:]])
def test_it_names_nobody(serial: str | None) -> None:
    assert no_serial(serial)


@pytest.mark.parametrize("serial", ["E00122125092032", "0001", "SY01", "9" * 128])
def test_it_names_somebody(serial: str) -> None:
    assert not no_serial(serial)


@pytest.mark.parametrize("serial", GHOSTS)
def test_a_ghost_is_left_out_and_counted(serial: str) -> None:
    real = {"SERIAL": "E1", "DEVICE_TYPE": "Inverter", "STATE": "working", "DESCR": "Inverter E0012"}
    reply = dl_cgi.decode({"result": "succeed", "devices": [{**real, "SERIAL": serial}, real]}, "pvs a")
    assert [reading.device.id for reading in reply.readings] == ["e1"], "what DESCR says does not matter"
    assert reply.refused[Refusal.NO_SERIAL] == 1
    found = {"/sys/devices/inverter/0/sn": serial, "/sys/devices/inverter/1/sn": "E1"}
    devices = varserver.decode(found, source="pvs a", site="site", supervisor=None, clock=None)
    assert [reading.device.id for reading in devices.readings] == ["e1"]
    assert devices.refused[Refusal.NO_SERIAL] == 1
