"""What `pvsmqtt check` says of a PVS."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from helpers_pvs import LOGIN, LOGOUT, SUPERVISOR_INFO, NewPvs, inverter, make_certificate, options_of

from pvsmqtt.simulator.pvs.house.house import House
from pvsmqtt.simulator.pvs.server import PvsSimulator
from pvsmqtt.simulator.pvs.web.faults import FAULTS
from pvsmqtt.sources.pvs import KIND
from pvsmqtt.sources.pvs.check import check
from pvsmqtt.sources.pvs.finding import find
from pvsmqtt.sources.pvs.memory import Memory
from pvsmqtt.sources.pvs.options import PvsOptions
from pvsmqtt.sources.pvs.refusal import ADVICE, Refusal, Refused

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


async def test_a_good_pvs(simulator: PvsSimulator, tmp_path: Path) -> None:
    identity, interface, devices = await KIND.check(options(simulator), tmp_path)
    assert (identity.ok, interface.ok, devices.ok) == (True, True, True)
    assert identity.subject == f"pvs 127.0.0.1:{simulator.port}"
    assert identity.text == "PVS6, firmware 2025.06, Build 61839"
    assert interface.text.startswith("DeviceList without login, because PVS6, firmware 2025.06")
    for part in ("1 × PV supervisor", "1 × Production meter", "3 × Inverter", "1 × HUB+", "with live data"):
        assert part in devices.text
    paths = [request.path for request in simulator.stats.requests]
    assert paths[0] == "/cgi-bin/dl_cgi/supervisor/info"
    assert paths[-1] == "/cgi-bin/dl_cgi?Command=DeviceList"
    assert len(paths) <= 3
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("fault", LIST_FAULTS)
async def test_it_answers_but_gives_no_list(simulator: PvsSimulator, fault: str) -> None:
    assert FAULTS[fault].list_only
    simulator.fault = fault
    identity, interface, devices = await check(options(simulator))
    assert (identity.ok, interface.ok, devices.ok) == (True, True, False)
    assert "DeviceList without login" in interface.text
    assert devices.advice == ADVICE[LIST_FAULTS[fault]]
    assert devices.text


@pytest.mark.parametrize("fault", WHOLE_FAULTS)
async def test_nothing_goes(simulator: PvsSimulator, fault: str) -> None:
    simulator.fault = fault
    (finding,) = await check(options(simulator))
    assert (finding.ok, finding.advice) == (False, ADVICE[WHOLE_FAULTS[fault]])


async def test_newer_firmware_is_logged_into_and_out_of(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    state = tmp_path / "state"
    async with NewPvs(certificate).running() as pvs:
        assert isinstance(pvs, NewPvs)
        pvs.wall = lambda: datetime.now(UTC)
        pvs.variables |= inverter(0, "E001", at=datetime.now(UTC))
        identity, interface, devices = await check(options_of(pvs.base), state)
        assert identity.text == "PVS6, firmware 2025.10, Build 61846"
        assert interface.text.startswith("varserver with login, because PVS6, firmware 2025.10")
        assert (devices.ok, devices.text) == (True, "2 × Inverter; 1 with live data")
        assert pvs.paths == [SUPERVISOR_INFO, LOGIN, "/vars?match=/sys/devices/&fmt=obj", LOGOUT]
    assert not state.exists()


async def test_a_clock_that_is_off_is_told() -> None:
    async with NewPvs().running() as pvs:
        assert isinstance(pvs, NewPvs)
        pvs.wall = lambda: datetime.now(UTC) - timedelta(hours=1)
        findings = await check(options_of(pvs.base))
    (clock,) = [finding for finding in findings if finding.subject.endswith("clock")]
    assert "behind this machine's clock" in clock.text
    assert (clock.ok, clock.note) == (True, True), "values are right all the same"
    for words in ("`date`", "timedatectl", "from the internet"):
        assert words in clock.advice


async def test_an_interface_that_lets_nobody_in_is_not_called_good() -> None:
    """Newer firmware that is reached by a plain port alone: its login is not there."""
    async with NewPvs().running() as pvs:
        port = pvs.base.rpartition(":")[2]
        identity, interface, devices = await check(PvsOptions(host=f"127.0.0.1:{port}"))
    assert (identity.ok, identity.note) == (True, False)
    assert "no_tls so far" in interface.text
    assert (interface.ok, interface.note) == (True, True)
    assert f"no TLS with https://127.0.0.1:{port} (" in devices.text
    assert (devices.ok, devices.advice) == (False, ADVICE[Refusal.NO_TLS])
    for words in ("port", "https", "proxy"):
        assert words in devices.advice


async def test_https_asked_of_a_plain_port() -> None:
    async with NewPvs().running() as pvs:
        (finding,) = await check(PvsOptions(host=pvs.base.replace("http:", "https:")))
    assert (finding.ok, finding.advice) == (False, ADVICE[Refusal.NO_TLS])


async def test_one_that_is_known_and_away_is_not_called_good(simulator: PvsSimulator, tmp_path: Path) -> None:
    known = options(simulator)
    await _remember(known, tmp_path)
    await simulator.stop()
    where, interface = await check(known, tmp_path)
    assert (where.ok, where.advice) == (False, ADVICE[Refusal.UNREACHABLE])
    assert "as known before" in interface.text
    assert interface.note


async def _remember(known: PvsOptions, folder: Path) -> None:
    from pvsmqtt.sources.pvs.generation import Decision, Generation, Identity

    decided = Decision(Generation.LEGACY, "it has no login", datetime.now(UTC), Identity("PVS6", 61839))
    Memory(folder, known.host).set("decision", decided.document())


async def test_a_wrong_password_says_what_to_do_and_not_what_was_tried() -> None:
    async with NewPvs().running() as pvs:
        assert isinstance(pvs, NewPvs)
        pvs.sessions.password = "other"
        findings = await check(options_of(pvs.base, password="mistyped"))
        assert pvs.logins == 1
    assert [finding.ok for finding in findings] == [True, True, False]
    assert findings[-1].advice == ADVICE[Refusal.WRONG_PASSWORD]
    assert "mistyped" not in str(findings)


async def test_a_certificate_that_is_not_the_pinned_one_is_told(tmp_path: Path) -> None:
    known, shown = make_certificate(tmp_path), make_certificate(tmp_path)
    async with NewPvs(shown).running() as pvs:
        Memory(tmp_path / "state", pvs.base).set("certificate", known.fingerprint)
        (finding,) = await check(options_of(pvs.base), tmp_path / "state")
        assert pvs.seen == []
    assert not finding.ok
    assert shown.fingerprint in finding.text


@pytest.mark.parametrize("ordered", ["legacy", "varserver"])
async def test_the_configured_interface_is_tried(ordered: str) -> None:
    async with NewPvs().running() as pvs:
        findings = await check(options_of(pvs.base, api=ordered))
        assert f'api = "{ordered}"' in findings[1].text
        assert pvs.count("/auth") == (0 if ordered == "legacy" else 2)


async def test_one_that_is_not_found_on_the_network_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def locate(_host: str) -> str:
        raise Refused(Refusal.UNREACHABLE, "no PVS was found")

    monkeypatch.setattr(find, "locate", locate)
    (finding,) = await check(options_of("auto"))
    assert (finding.ok, finding.text) == (False, "no PVS was found")


async def test_one_that_is_found_is_asked_there(simulator: PvsSimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    async def locate(_host: str) -> str:
        return f"127.0.0.1:{simulator.port}"

    monkeypatch.setattr(find, "locate", locate)
    assert all(finding.ok for finding in await check(options_of("auto")))


async def test_nobody_is_there() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        (finding,) = await check(PvsOptions(host=f"127.0.0.1:{nobody.getsockname()[1]}"))
    assert (finding.ok, finding.advice) == (False, ADVICE[Refusal.UNREACHABLE])


async def test_a_pvs_without_devices(simulator: PvsSimulator) -> None:
    simulator.payload = b'{"devices": [], "result": "succeed"}'
    devices = (await check(options(simulator)))[-1]
    assert not devices.ok
    assert devices.text == "none; 0 with live data"
    assert "just have started" in devices.advice


async def test_panels_in_the_dark_are_counted_but_not_live(simulator: PvsSimulator) -> None:
    simulator.payload = (
        b'{"devices": [{"SERIAL": "ZT1", "DEVICE_TYPE": "PVS"}, '
        b'{"SERIAL": "E1", "DEVICE_TYPE": "Inverter", "STATE": "error"}], "result": "succeed"}'
    )
    devices = (await check(options(simulator)))[-1]
    assert (devices.ok, devices.text) == (True, "1 × PV supervisor, 1 × Inverter; 1 with live data")
