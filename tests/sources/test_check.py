"""What `pvsmqtt check` says of a PVS."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from pvsmqtt.simulator.pvs.faults import FAULTS
from pvsmqtt.simulator.pvs.house import House
from pvsmqtt.simulator.pvs.server import PvsSimulator
from pvsmqtt.sources.pvs import KIND
from pvsmqtt.sources.pvs.check import describe
from pvsmqtt.sources.pvs.options import PvsOptions
from pvsmqtt.sources.pvs.refusal import ADVICE, Refusal

LIST_FAULTS = {
    "http-403": Refusal.FORBIDDEN,
    "http-500": Refusal.SERVER_ERROR,
    "truncated": Refusal.NOT_JSON,
    "mime-error": Refusal.NOT_SUCCEED,
    "empty": Refusal.EMPTY,
    "wrong-shape": Refusal.WRONG_SHAPE,
    "huge": Refusal.TOO_LARGE,
    "deep": Refusal.NOT_JSON,
}
WHOLE_FAULTS = {
    "http-503": Refusal.BUSY,
    "reset": Refusal.BROKEN_OFF,
    "refuse": Refusal.BROKEN_OFF,
    "half-closed": Refusal.BROKEN_OFF,
    "html": Refusal.HTML,
}


@pytest.fixture
async def simulator() -> AsyncIterator[PvsSimulator]:
    simulator = PvsSimulator(house=House(panels=3, ess=True))
    await simulator.start()
    yield simulator
    await simulator.stop()


def options(simulator: PvsSimulator) -> PvsOptions:
    return PvsOptions(host=f"127.0.0.1:{simulator.port}")


async def test_a_good_pvs(simulator: PvsSimulator) -> None:
    identity, devices = await KIND.check(options(simulator))
    assert (identity.ok, devices.ok) == (True, True)
    assert identity.subject == f"pvs 127.0.0.1:{simulator.port}"
    assert identity.text == "PVS6, firmware 2025.06, Build 61839"
    for part in ("1 × PV supervisor", "1 × Production meter", "3 × Inverter", "1 × HUB+", "with live data"):
        assert part in devices.text
    assert [request.path for request in simulator.stats.requests] == [
        "/cgi-bin/dl_cgi/supervisor/info",
        "/cgi-bin/dl_cgi?Command=DeviceList",
    ]


@pytest.mark.parametrize("fault", LIST_FAULTS)
async def test_it_answers_but_gives_no_list(simulator: PvsSimulator, fault: str) -> None:
    assert FAULTS[fault].list_only
    simulator.fault = fault
    identity, devices = await KIND.check(options(simulator))
    assert (identity.ok, devices.ok) == (True, False)
    assert devices.advice == ADVICE[LIST_FAULTS[fault]]
    assert devices.text


@pytest.mark.parametrize("fault", WHOLE_FAULTS)
async def test_nothing_goes(simulator: PvsSimulator, fault: str) -> None:
    simulator.fault = fault
    findings = await KIND.check(options(simulator))
    assert [finding.ok for finding in findings] == [True, False]
    assert findings[-1].advice == ADVICE[WHOLE_FAULTS[fault]]


async def test_a_firmware_that_does_not_say_what_it_is(
    simulator: PvsSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pvsmqtt.sources.pvs.check.SUPERVISOR_INFO", "/cgi-bin/unknown")
    identity, devices = await KIND.check(options(simulator))
    assert (identity.ok, identity.text) == (True, "no supervisor/info (the PVS answered HTTP 404)")
    assert devices.ok


async def test_nobody_is_there() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        (finding,) = await KIND.check(PvsOptions(host=f"127.0.0.1:{nobody.getsockname()[1]}"))
    assert (finding.ok, finding.advice) == (False, ADVICE[Refusal.UNREACHABLE])


async def test_a_pvs_without_devices(simulator: PvsSimulator) -> None:
    simulator.payload = b'{"devices": [], "result": "succeed"}'
    devices = (await KIND.check(options(simulator)))[-1]
    assert not devices.ok
    assert devices.text == "none; 0 with live data"
    assert "just have started" in devices.advice


async def test_panels_in_the_dark_are_counted_but_not_live(simulator: PvsSimulator) -> None:
    simulator.payload = (
        b'{"devices": [{"SERIAL": "ZT1", "DEVICE_TYPE": "PVS"}, '
        b'{"SERIAL": "E1", "DEVICE_TYPE": "Inverter", "STATE": "error"}], "result": "succeed"}'
    )
    devices = (await KIND.check(options(simulator)))[-1]
    assert (devices.ok, devices.text) == (True, "1 × PV supervisor, 1 × Inverter; 1 with live data")


@pytest.mark.parametrize(
    ("info", "text"),
    [
        ({"supervisor": {"MODEL": "PVS5", "SWVER": "0.0.25.5408"}}, "PVS5, firmware 0.0.25.5408"),
        ({"supervisor": {"MODEL": "PVS6 "}}, "PVS6"),
        ({"supervisor": {"SWVER": "2019.5, Build 4150"}}, "a PVS of unknown model, firmware 2019.5, Build 4150"),
        ({"supervisor": None}, "answers, but does not say what it is"),
        ({"result": "unknown command"}, "answers, but does not say what it is"),
        ([], "answers, but does not say what it is"),
    ],
    ids=repr,
)
def test_what_it_is(info: Any, text: str) -> None:
    assert describe(info) == text
