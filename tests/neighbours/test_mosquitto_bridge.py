"""config/mosquitto-bridge.conf between two real brokers."""

from __future__ import annotations

import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from harness import ROOT, Bench, Mosquitto, Recorder, device_ids, is_offline, is_online, retained
from helpers_neighbours import reading, replaced, text

LINK = "bridges/pvsmqtt-home/state"
READINGS = f"{ROOT}/readings"
LONG = 60.0
"""Seconds: the bridge itself takes up to 30 to try again."""


def ours(topic: str) -> bool:
    return topic.startswith((f"{ROOT}/", "homeassistant/device/")) and not topic.endswith("/health")


async def bridging(bench: Bench, tmp_path: Path, *changes: tuple[str, str]) -> Mosquitto:
    """The broker on the Pi with the bridge as it stands in the file, not started yet. ``changes`` are replacements,
    and the address is one of them."""
    kept = tmp_path / "kept"
    kept.mkdir()
    kept.chmod(0o777)
    bridge = replaced(text("mosquitto-bridge.conf"), *changes)
    return await bench.broker(start=False, extra=f"{bridge}\npersistence true\npersistence_location {kept}/")


def address(port: int) -> tuple[str, str]:
    return "address central.example.org:1883", f"address 127.0.0.1:{port}"


async def link_is(recorder: Recorder, state: str, since: int = 0) -> None:
    await recorder.wait(LINK, lambda message: message.text == state, since, LONG)


async def test_everything_of_the_service_is_on_the_central_broker(bench: Bench, tmp_path: Path) -> None:
    central = await bench.broker()
    local = await bridging(bench, tmp_path, address(central.port))
    await local.start()
    far = await bench.recorder(central.port)
    pvs = await bench.pvs()
    service = await bench.service(local.port, pvs.port)
    devices = device_ids(pvs)
    await link_is(far, "1")
    states = await far.have("site", *devices)
    assert states["site"]["pv_power"] > 0
    near = await bench.recorder(local.port)
    await near.have("site", *devices)

    # What is retained here arrives there, the discovery with it, and is retained again.
    here = {topic: payload for topic, payload in (await retained(local.port)).items() if ours(topic)}
    assert sum(topic.startswith("homeassistant/device/") for topic in here) == len(devices) + 2
    for topic, payload in here.items():
        assert (await far.wait(topic, lambda message, payload=payload: message.text == payload)).retain  # type: ignore[misc]
    assert here.keys() <= (await retained(central.port)).keys()
    state = far.last(f"{ROOT}/site/state")
    assert state.retain
    assert state.properties["ContentType"] == "application/json"
    assert 0 < state.properties["MessageExpiryInterval"] <= 1800

    # Readings come with QoS 1 and are not retained.
    await near.publish(READINGS, reading(1))
    arrived = await far.wait(READINGS, lambda message: message.text == reading(1))
    assert (arrived.qos, arrived.retain) == (1, False)

    # Home Assistant's birth comes in, and nothing of it goes out again.
    since, births = far.mark(), len(far.on("homeassistant/status"))
    await far.publish("homeassistant/status", "online")
    await near.wait("homeassistant/status", is_online)
    await service.says("announcing everything again")
    await far.wait(f"{ROOT}/status", is_online, since)
    await far.fence()
    assert len(far.on("homeassistant/status")) == births + 1

    # The last will of a service that is killed.
    since = far.mark()
    await service.kill()
    await far.wait(f"{ROOT}/status", is_offline, since)
    assert (await retained(central.port))[f"{ROOT}/status"] == "offline"


@pytest.mark.slow
async def test_a_link_that_was_cut_loses_nothing_that_counts(bench: Bench, tmp_path: Path) -> None:
    central = await bench.broker()
    line = await bench.proxy(central.port)
    local = await bridging(bench, tmp_path, address(line.port))
    await local.start()
    far = await bench.recorder(central.port)
    await link_is(far, "1")
    near = await bench.recorder(local.port)
    await near.publish(f"{ROOT}/site/state", '{"pv_power": 1}', retain=True)
    await far.wait(f"{ROOT}/site/state")

    since, mark = far.mark(), near.mark()
    line.set("reset")
    await link_is(far, "0", since)
    await link_is(near, "0", mark)
    for number in range(1, 51):
        await near.publish(READINGS, reading(number))
    await near.publish(f"{ROOT}/site/state", '{"pv_power": 2}', retain=True)
    await near.publish(f"{ROOT}/site/state", '{"pv_power": 3}', retain=True)

    # The broker on the Pi is restarted in the middle of it: what waits was saved.
    local.process.signal(signal.SIGTERM)
    assert await local.process.exit() == 0
    await local.start()
    near = await bench.recorder(local.port)
    for number in range(51, 61):
        await near.publish(READINGS, reading(number))
    assert not far.on(READINGS)

    line.set("pass")
    await link_is(far, "1", since)
    await far.wait(READINGS, lambda message: message.json["sequence"] == 60, since, LONG)
    first = list(dict.fromkeys(message.json["sequence"] for message in far.on(READINGS, since)))
    assert first == list(range(1, 61))
    await far.wait(f"{ROOT}/site/state", lambda message: message.json["pv_power"] == 3, since)
    assert (await retained(central.port))[f"{ROOT}/site/state"] == '{"pv_power": 3}'


@pytest.mark.slow
async def test_tls_lines(bench: Bench, tmp_path: Path) -> None:
    """The commented lines do what they say: a central broker that wants a certificate of ours lets this bridge in."""
    folder = certificates(tmp_path)
    central = await bench.broker(
        start=False,
        extra=(
            f"cafile {folder}/ca.crt\ncertfile {folder}/server.crt\n"
            f"keyfile {folder}/server.key\nrequire_certificate true"
        ),
    )
    await central.start()
    local = await bridging(
        bench,
        tmp_path,
        address(central.port),
        ("#bridge_cafile /etc/mosquitto/certs/central-ca.crt", f"bridge_cafile {folder}/ca.crt"),
        ("#bridge_certfile /etc/mosquitto/certs/pvsmqtt.crt", f"bridge_certfile {folder}/client.crt"),
        ("#bridge_keyfile /etc/mosquitto/certs/pvsmqtt.key", f"bridge_keyfile {folder}/client.key"),
    )
    await local.start()
    near = await bench.recorder(local.port)
    await link_is(near, "1")


def certificates(folder: Path) -> Path:
    """``ca.crt``, and certificates with keys of a server at 127.0.0.1 and of a client."""
    import ipaddress

    folder = folder / "certificates"
    folder.mkdir()
    now = datetime.now(UTC)
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority of the test")])
    for name, key, is_authority in (
        ("ca", authority_key, True),
        ("server", ec.generate_private_key(ec.SECP256R1()), False),
        ("client", ec.generate_private_key(ec.SECP256R1()), False),
    ):
        subject = authority if is_authority else x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(authority)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
            )
            .sign(authority_key, hashes.SHA256())
        )
        (folder / f"{name}.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        (folder / f"{name}.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        (folder / f"{name}.key").chmod(0o644)
    return folder
