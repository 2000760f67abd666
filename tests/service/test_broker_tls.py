"""The service and its commands at a broker that wants to be sure, and at one that does not want us."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest
from harness import ROOT, Bench, device_ids, free_port, is_online, pvsmqtt
from harness.authority import Authority, Signed
from harness.scripted_broker import ScriptedBroker
from service.test_faults import QUICK

REPORTING = {"pvsmqtt.service.TICK": 0.2, "pvsmqtt.service.HEALTH_EVERY": 0.2}


async def secured(bench: Bench, server: Signed, *more: str) -> tuple[int, int]:
    """A port with TLS, and one without for the recorder."""
    port = free_port()
    lines = [f"listener {port} 127.0.0.1", f"certfile {server.certificate}", f"keyfile {server.key}", *more]
    broker = await bench.broker(extra="\n".join(lines))
    return port, broker.port


@pytest.mark.parametrize("transport", ["tcp", "websockets"])
async def test_the_service_with_certificates_on_both_sides(bench: Bench, transport: str) -> None:
    authority = Authority(bench.folder / "authority")
    server, client = authority.server(), authority.client(password="of the key")
    wants = [f"cafile {authority.ca.certificate}", "require_certificate true"]
    web = ["protocol websockets"] * (transport == "websockets")
    port, plain = await secured(bench, server, *wants, *web)
    (bench.folder / "key_password").write_text("of the key\n")
    pvs = await bench.pvs()
    recorder = await bench.recorder(plain)
    mqtt = {
        "host": "localhost",
        "tls": True,
        "ca_file": str(authority.ca.certificate),
        "certificate_file": str(client.certificate),
        "key_file": str(client.key),
        "key_password_file": str(bench.folder / "key_password"),
        "transport": transport,
    }
    service = await bench.service(port, pvs.port, mqtt=mqtt, patch=REPORTING)
    await recorder.have("site", *device_ids(pvs))
    health = await recorder.wait(f"{ROOT}/health", lambda m: m.json["broker"]["connected"])
    tls = health.json["broker"]["tls"]
    assert tls["version"].startswith("TLSv1.")
    assert tls["expires"] == server.x509.not_valid_after_utc.isoformat().replace("+00:00", "Z")
    mark = recorder.mark()
    await service.stop()
    assert recorder.last(f"{ROOT}/status").text == "offline" or await recorder.wait(
        f"{ROOT}/status", lambda m: m.text == "offline", mark
    )
    assert not service.said("of the key")
    assert not [line for line in service.said("WARNING") if "pvsmqtt.mqtt" in line]


async def test_a_renewed_authority_is_taken_up_without_a_restart(bench: Bench) -> None:
    authority = Authority(bench.folder / "authority")
    port, plain = await secured(bench, authority.server())
    pvs, recorder = await bench.pvs(), await bench.recorder(plain)
    file = bench.folder / "ca.crt"
    file.write_bytes(Authority(bench.folder / "other", "Another").ca.certificate.read_bytes())
    mqtt = {"host": "localhost", "tls": True, "ca_file": str(file)}
    service = await bench.service(port, pvs.port, mqtt=mqtt, patch=QUICK)
    await service.says("nobody whom this machine trusts vouches for the certificate")
    file.write_bytes(authority.ca.certificate.read_bytes())
    await recorder.have(*device_ids(pvs))
    assert len(service.said("nobody whom this machine trusts")) == 1


async def test_a_certificate_that_expires_soon_is_said(bench: Bench) -> None:
    authority = Authority(bench.folder / "authority")
    server = authority.server(days=(-80, 9.5))
    port, _ = await secured(bench, server)
    pvs = await bench.pvs()
    mqtt = {"host": "localhost", "tls": True, "fingerprint": server.fingerprint.upper()}
    service = await bench.service(port, pvs.port, mqtt=mqtt)
    await service.says("the broker's certificate (CN=broker.test, O=Home) expires in 9 days: have it renewed")


async def check(bench: Bench, port: int, pvs: int, **mqtt: Any) -> tuple[int, dict[str, tuple[bool, str, str]]]:
    service = bench.make_service(bench.settings(port, pvs, mqtt={"host": "localhost", "tls": True, **mqtt}))
    status, out, _ = await pvsmqtt("check", "--json", "--config", str(service.file)).run()
    findings = {f["subject"]: (f["ok"], f["text"], f["advice"]) for f in json.loads(out)["findings"]}
    return status, findings


async def test_check_tells_the_fingerprint_and_takes_it(bench: Bench) -> None:
    server = Authority(bench.folder / "authority").server(own=True)
    port, _ = await secured(bench, server)
    pvs = await bench.pvs()
    status, findings = await check(bench, port, pvs.port)
    assert status == 1
    ok, text, advice = findings["broker"]
    assert not ok
    assert "signed by CN=broker.test" in text
    told = advice.partition('fingerprint = "')[2].partition('"')[0]
    assert told == server.fingerprint
    status, findings = await check(bench, port, pvs.port, fingerprint=told)
    assert status == 0
    ok, text, _ = findings["broker TLS"]
    assert ok
    assert "TLSv1." in text
    assert "certificate of CN=broker.test" in text
    assert f"fingerprint {server.fingerprint}" in text
    assert f"valid until {server.x509.not_valid_after_utc:%Y-%m-%d}" in text
    assert "broker TLS, soon" not in findings


async def test_check_warns_of_the_end_of_both_certificates(bench: Bench) -> None:
    authority = Authority(bench.folder / "authority")
    ours = authority.client(days=(-1, 5.5))
    port, _ = await secured(bench, authority.server(days=(-1, 3.5)), f"cafile {authority.ca.certificate}")
    pvs = await bench.pvs()
    shown = {"certificate_file": str(ours.certificate), "key_file": str(ours.key)}
    service = bench.make_service(
        bench.settings(
            port,
            pvs.port,
            mqtt={"host": "localhost", "tls": True, "ca_file": str(authority.ca.certificate), **shown},
        )
    )
    status, out, _ = await pvsmqtt("check", "--config", str(service.file)).run()
    assert status == 0
    assert "the broker's certificate (CN=broker.test, O=Home) expires in 3 days" in out
    assert "our certificate (CN=solar, O=Home) expires in 5 days" in out


async def test_a_login_that_the_broker_takes_later(bench: Bench) -> None:
    """It is corrected at the broker, which reads its list of users again while it runs."""
    broker, pvs = await bench.broker({"solar": "other"}), await bench.pvs()
    login = {"username": "solar", "password": "right secret"}
    service = await bench.service(broker.port, pvs.port, patch=QUICK, mqtt=login)
    await service.says("refused this user")
    broker.set_users({"solar": "right secret"})
    broker.process.signal(signal.SIGHUP)
    recorder = await bench.recorder(broker.port, user="solar", password="right secret")
    await recorder.have(*device_ids(pvs))
    assert len(service.said("refused this user")) == 1


async def test_a_corrected_login_is_tried_at_once(bench: Bench) -> None:
    """At the pace of a house a refused login is tried again after five minutes: longer than a test waits."""
    broker, pvs = await bench.broker({"solar": "right"}), await bench.pvs()
    service = await bench.service(broker.port, pvs.port, mqtt={"username": "solar", "password": "wrong"})
    await service.says("refused this user")
    recorder = await bench.recorder(broker.port, user="solar", password="right")
    await service.reload(mqtt={"password": "right"})
    await recorder.wait(f"{ROOT}/status", is_online)


async def test_who_is_displaced_says_so_once_and_comes_back(bench: Bench) -> None:
    pvs = await bench.pvs()
    broker = ScriptedBroker(end=142)
    tries = 4

    def enough(one: ScriptedBroker) -> None:
        if one.connects >= tries:
            one.end = None

    broker.on_connect = enough
    async with broker.open() as port:
        service = await bench.service(port, pvs.port, patch=QUICK)
        line = await service.says("another client that uses our client id")
        assert "Is pvsmqtt running twice? End the other one, or give this one another client_id in [mqtt]" in line
        await service.log.until(
            lambda: True if len(service.said("connected to the broker")) >= tries else None, f"{tries} connections"
        )
        assert len(service.said("another client that uses our client id")) == 1
        await service.stop()
