"""``pvsmqtt check``: exit status, words, and the form for machines."""

import itertools
import json
import socket
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from harness import Bench, Mosquitto, free_port, pvsmqtt, retained
from helpers_web import HASH

from pvsmqtt.simulator.pvs.server import PvsSimulator


async def check(
    bench: Bench, broker: int, pvs: int | str | Mapping[str, Any], *, bad: str | None, advice: str = "", **mqtt: Any
) -> str:
    """Run it in both forms; ``bad`` is the subject that is not good, with this advice."""
    service = bench.make_service(bench.settings(broker, pvs, mqtt=mqtt))
    status, out, log = await pvsmqtt("check", "--config", str(service.file)).run()
    assert status == (0 if bad is None else 1)
    status, document, _ = await pvsmqtt("check", "--json", "--config", str(service.file)).run()
    answer = json.loads(document)
    assert status == (0 if bad is None else 1)
    assert answer["ok"] is (bad is None)
    assert [finding["subject"] for finding in answer["findings"] if not finding["ok"]] == (
        [] if bad is None else [bad]
    )
    if bad is None:
        assert log == ""
        assert "BAD" not in out
        lines = out.splitlines()
        after = [before[:4] for before, line in itertools.pairwise(lines) if line.startswith("      -> ")]
        assert set(after) <= {"note"}, "what is good needs no advice"
    else:
        assert log == f"pvsmqtt: not ready: {bad}"
        assert f"BAD   {bad}: " in out
        assert advice in next(line for line in out.splitlines() if line.startswith("      -> "))
        assert advice in next(finding["advice"] for finding in answer["findings"] if not finding["ok"])
    return out


@pytest.fixture
async def broker(bench: Bench) -> Mosquitto:
    return await bench.broker()


@pytest.fixture
async def pvs(bench: Bench) -> PvsSimulator:
    return await bench.pvs()


async def test_all_is_good(bench: Bench, broker: Mosquitto, pvs: PvsSimulator) -> None:
    recorder = await bench.recorder(broker.port)
    out = await check(bench, broker.port, pvs.port, bad=None)
    await recorder.fence()
    told = {message.topic for message in recorder.messages if message.topic.startswith("homeassistant/")}
    assert told == {"homeassistant/device/pvsmqtt_check/check"}, "Home Assistant does not look at it"
    assert "good  configuration: 1 source and a broker" in out
    assert f"broker: 127.0.0.1:{broker.port} lets us in with MQTT 5" in out
    assert f"pvs 127.0.0.1:{pvs.port}: PVS6, firmware 2025.06, Build 61839" in out
    assert f"pvs 127.0.0.1:{pvs.port} interface: DeviceList without login, because PVS6" in out
    assert "4 × Inverter" in out
    assert not await retained(broker.port), "a check leaves nothing behind"


async def test_broker_absent(bench: Bench, pvs: PvsSimulator) -> None:
    await check(bench, free_port(), pvs.port, bad="broker", advice="check host and port in [mqtt]")


async def test_wrong_password(bench: Bench, pvs: PvsSimulator) -> None:
    broker = await bench.broker({"solar": "right"})
    login = {"username": "solar", "password": "wrong secret"}
    out = await check(
        bench, broker.port, pvs.port, bad="broker", advice="check username and password in [mqtt]", **login
    )
    assert "wrong secret" not in out
    await check(bench, broker.port, pvs.port, bad=None, username="solar", password="right")


async def test_pvs_absent(bench: Bench, broker: Mosquitto) -> None:
    port = free_port()
    advice = "check its power, the cable or Wi-Fi and the address"
    await check(bench, broker.port, port, bad=f"pvs 127.0.0.1:{port}", advice=advice)


@pytest.mark.parametrize(
    ("fault", "of", "advice"),
    [
        ("http-403", " devices", "power-cycle the PVS"),
        ("html", "", "a web page came instead of data"),
        ("mime-error", " devices", "data logger"),
    ],
)
async def test_pvs_that_refuses(
    bench: Bench, broker: Mosquitto, pvs: PvsSimulator, fault: str, of: str, advice: str
) -> None:
    pvs.fault = fault
    await check(bench, broker.port, pvs.port, bad=f"pvs 127.0.0.1:{pvs.port}{of}", advice=advice)


async def test_configuration_error(bench: Bench) -> None:
    service = bench.make_service(bench.settings(1, 1, mqtt={"prot": 1883}))
    status, out, log = await pvsmqtt("check", "--config", str(service.file)).run()
    assert (status, out) == (2, "")
    assert f"{service.file}:" in log
    assert "mqtt.prot" in log
    status, out, _ = await pvsmqtt("check", "--json", "--config", str(service.file)).run()
    assert status == 2
    answer = json.loads(out)
    assert answer["ok"] is False
    assert answer["findings"][0]["subject"] == "configuration"
    assert "mqtt.prot" in answer["findings"][0]["text"]


async def test_no_configuration_at_all(bench: Bench) -> None:
    status, _, log = await pvsmqtt("check", "--config", str(bench.folder / "none.toml")).run()
    assert status == 2
    assert "there is no such file" in log


ACL = "user solar\ntopic readwrite pvsmqtt/#\ntopic read homeassistant/#\n"


async def test_a_broker_that_forbids_announcements(bench: Bench, pvs: PvsSimulator) -> None:
    (bench.folder / "acl").write_text(ACL)
    broker = await bench.broker({"solar": "right"}, extra=f"acl_file {bench.folder / 'acl'}")
    login = {"username": "solar", "password": "right"}
    await check(bench, broker.port, pvs.port, bad="broker access", advice="allow this user to write", **login)


async def test_a_firmware_that_wants_a_login(bench: Bench, broker: Mosquitto) -> None:
    pvs = await bench.pvs(firmware="61845", https=True)
    out = await check(bench, broker.port, pvs.https_url, bad=None)
    assert f"pvs {pvs.https_url} interface: varserver with login, because PVS6" in out
    assert "4 × Inverter" in out
    assert pvs.stats.logouts == pvs.stats.logins, "a check leaves no session behind"


async def test_a_clock_that_is_wrong_hinders_nothing(bench: Bench, broker: Mosquitto) -> None:
    pvs = await bench.pvs(clock=lambda: datetime.now(UTC) - timedelta(hours=13))
    settings = bench.make_service(bench.settings(broker.port, pvs.port))
    status, out, log = await pvsmqtt("check", "--config", str(settings.file)).run()
    assert (status, log) == (0, "")
    lines = out.splitlines()
    (place,) = [place for place, line in enumerate(lines) if line.startswith("note  pvs")]
    assert " clock: 13:00:0" in lines[place] or " clock: 12:59:5" in lines[place]
    assert lines[place + 1].startswith("      -> if `date` is wrong here")


async def test_a_firmware_that_wants_another_password(bench: Bench, broker: Mosquitto) -> None:
    pvs = await bench.pvs(firmware="61845", https=True)
    table = {"host": pvs.https_url, "password": "WRONG"}
    bad = f"pvs {pvs.https_url} devices"
    out = await check(bench, broker.port, table, bad=bad, advice="the last five characters of the serial number")
    assert "WRONG" not in out


async def test_the_status_page(bench: Bench, broker: Mosquitto, pvs: PvsSimulator) -> None:
    port = free_port()

    async def looked(listen: str, **more: str) -> str:
        settings = bench.settings(broker.port, pvs.port, web={"listen": listen, **more})
        service = bench.make_service(settings)
        _, out, _ = await pvsmqtt("check", "--config", str(service.file)).run()
        return next(line for line in out.splitlines() if "status page:" in line)

    assert await looked(f"127.0.0.1:{port}") == f"good  status page: it can listen on 127.0.0.1:{port}"
    assert (await looked(f":{port}")).startswith(f"note  status page: it can listen on :{port}, and everybody who")
    assert await looked(f":{port}", password_hash=HASH) == f"good  status page: it can listen on :{port}"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        where = f"127.0.0.1:{taken.getsockname()[1]}"
        assert await looked(where) == (
            f"good  status page: {where} is taken, by the service if that runs; if it does not, another program has "
            "the port"
        )
    settings = bench.settings(broker.port, pvs.port, web={"listen": f"192.0.2.1:{port}"})
    status, out, _ = await pvsmqtt("check", "--config", str(bench.make_service(settings).file)).run()
    assert status == 1
    assert f"BAD   status page: it cannot listen on 192.0.2.1:{port}" in out
    assert "-> this machine has no such address" in out
