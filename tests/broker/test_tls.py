"""TLS and WebSocket at a real broker: who is let in, who is not, and what a person is told then."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from harness import Bench, Mosquitto, free_port
from harness.authority import Authority, Signed
from pydantic import SecretStr

from pvsmqtt.broker import connection, tls
from pvsmqtt.broker.connection import Refused, Session, connect, connect_any
from pvsmqtt.broker.message import Message
from pvsmqtt.broker.options import Broker, Tls


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with Bench(tmp_path).open() as one:
        yield one


@pytest.fixture(params=["TLSv1.2", "TLSv1.3"])
def agreed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The version of TLS: brokers refuse in other ways in each."""
    inner = tls.context

    def context(*how: Any) -> tls.Context:
        made = inner(*how)
        made.maximum_version = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}[request.param]
        return made

    monkeypatch.setattr(tls, "context", context)
    return str(request.param)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority")


async def secured(bench: Bench, server: Signed, *more: str, websockets: bool = False) -> int:
    """The port of a broker that shows this certificate."""
    port = free_port()
    lines = [f"listener {port} 127.0.0.1", f"certfile {server.certificate}", f"keyfile {server.key}", *more]
    if websockets:
        lines.append("protocol websockets")
    await bench.broker(extra="\n".join(lines))
    return port


async def mutual(bench: Bench, server: Signed, ca: Path) -> int:
    return await secured(bench, server, f"cafile {ca}", "require_certificate true")


def broker(port: int, host: str = "localhost", path: str | None = None, **how: Any) -> Broker:
    return Broker(host, port, tls=Tls(**how), path=path)


async def works(one: Broker, version: str = "5") -> Session:
    """A message with QoS 1 comes back."""
    async with connect(one, "test", version) as session:
        await session.subscribe("test/echo")
        await session.publish(Message("test/echo", "x" * 50_000, qos=1, retain=False))
        async for message in session.client.messages:
            assert message.payload == b"x" * 50_000
            break
    return session


async def refused(one: Broker) -> Refused:
    with pytest.raises(Refused) as error:
        async with connect_any(one, "test"):
            pass
    return error.value


@pytest.mark.parametrize("version", ["5", "3.1.1"])
async def test_an_authority_of_ones_own(bench: Bench, authority: Authority, version: str) -> None:
    server = authority.server()
    port = await secured(bench, server)
    session = await works(broker(port, ca_file=authority.ca.certificate), version)
    assert session.tls is not None
    assert session.tls.version.startswith("TLSv1.")
    assert session.tls.der == server.der
    await works(broker(port, "127.0.0.1", ca_file=authority.ca.certificate), version)


async def test_the_authorities_of_this_machine(
    bench: Bench, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = await secured(bench, authority.server())
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca.certificate))
    await works(broker(port))
    monkeypatch.setenv("SSL_CERT_FILE", str(Authority(bench.folder / "other", "Another").ca.certificate))
    await refused(broker(port))


@pytest.mark.parametrize("version", ["5", "3.1.1"])
async def test_a_pinned_certificate_counts_whatever_else_it_says(
    bench: Bench, authority: Authority, version: str
) -> None:
    server = authority.server("elsewhere.test", days=(-20, -10), own=True)
    port = await secured(bench, server)
    await works(broker(port, fingerprint=server.fingerprint), version)


async def test_another_certificate_than_the_pinned_one(bench: Bench, authority: Authority) -> None:
    server = authority.server()
    port = await secured(bench, server)
    error = await refused(broker(port, fingerprint="0" * 64))
    assert server.fingerprint in error.text
    assert "not the pinned one" in error.text
    assert error.reason == "certificate"


async def test_a_certificate_of_a_strange_authority(bench: Bench, authority: Authority) -> None:
    server = authority.server()
    port = await secured(bench, server)
    strange = Authority(bench.folder / "other", "Another")
    error = await refused(broker(port, ca_file=strange.ca.certificate))
    assert "CN=Test authority" in error.text
    assert "ca_file" in error.advice
    assert f'fingerprint = "{server.fingerprint}"' in error.advice


async def test_a_certificate_that_signed_itself(bench: Bench, authority: Authority) -> None:
    server = authority.server(own=True)
    port = await secured(bench, server)
    error = await refused(broker(port))
    assert f'fingerprint = "{server.fingerprint}"' in error.advice
    await works(broker(port, ca_file=server.certificate))


async def test_a_certificate_with_another_name(bench: Bench, authority: Authority) -> None:
    port = await secured(bench, authority.server("broker.lan", "192.0.2.7"))
    error = await refused(broker(port, ca_file=authority.ca.certificate))
    assert "made out to broker.lan, 192.0.2.7, not to localhost" in error.text
    error = await refused(broker(port, "127.0.0.1", ca_file=authority.ca.certificate))
    assert "not to 127.0.0.1" in error.text


@pytest.mark.parametrize(("days", "says"), [((-20, -10), "expired on"), ((10, 20), "is not valid before")])
async def test_a_certificate_out_of_its_time(
    bench: Bench, authority: Authority, days: tuple[float, float], says: str
) -> None:
    port = await secured(bench, authority.server(days=days))
    error = await refused(broker(port, ca_file=authority.ca.certificate))
    assert says in error.text
    assert "the clock of this machine says" in error.text
    assert "timedatectl" in error.advice


@pytest.mark.parametrize("version", ["5", "3.1.1"])
async def test_both_show_certificates(bench: Bench, authority: Authority, version: str, agreed: str) -> None:
    port = await mutual(bench, authority.server(), authority.ca.certificate)
    client = authority.client(password="of the key")
    shown = {"ca_file": authority.ca.certificate, "certificate_file": client.certificate, "key_file": client.key}
    session = await works(broker(port, **shown, key_password=SecretStr("of the key")), version)
    assert session.tls is not None
    assert session.tls.version == agreed
    together = bench.folder / "together.pem"
    plain = authority.client("plain")
    together.write_bytes(plain.certificate.read_bytes() + plain.key.read_bytes())
    await works(broker(port, ca_file=authority.ca.certificate, certificate_file=together), version)


async def test_a_broker_that_wants_a_certificate_of_ours(bench: Bench, authority: Authority, agreed: str) -> None:
    port = await mutual(bench, authority.server(), authority.ca.certificate)
    error = await refused(broker(port, ca_file=authority.ca.certificate))
    assert "wants a certificate of ours" in error.text
    assert "certificate_file and key_file" in error.advice
    assert not error.silent


@pytest.mark.parametrize(
    ("days", "strange", "says"), [((-20, -10), False, "expired on"), ((-1, 30), True, "refuses")]
)
async def test_a_certificate_of_ours_that_is_refused(
    bench: Bench, authority: Authority, days: tuple[float, float], strange: bool, says: str, agreed: str
) -> None:
    port = await mutual(bench, authority.server(), authority.ca.certificate)
    ours = (Authority(bench.folder / "other", "Another") if strange else authority).client(days=days)
    error = await refused(
        broker(port, ca_file=authority.ca.certificate, certificate_file=ours.certificate, key_file=ours.key)
    )
    assert "refuses our certificate (CN=solar, O=Home)" in error.text
    assert says in error.text


async def test_files_that_cannot_be_used(bench: Bench, authority: Authority) -> None:
    port = await secured(bench, authority.server())
    locked, other = authority.client(password="right"), authority.client("other")
    empty = bench.folder / "empty"
    empty.touch()
    own = {"certificate_file": locked.certificate, "key_file": locked.key}
    cases: list[tuple[dict[str, Any], str, str]] = [
        ({"ca_file": bench.folder / "none"}, "none cannot be read (No such file", "correct the path in [mqtt]"),
        ({"ca_file": empty}, "holds no certificate", "BEGIN CERTIFICATE"),
        (own, "is encrypted", "key_password"),
        ({**own, "key_password": SecretStr("wrong")}, "password of the key", "check key_password"),
        ({**own, "key_file": other.key}, "does not belong to the certificate", "certificate_file and key_file"),
        ({"certificate_file": empty}, "do not hold a certificate", "certificate_file"),
    ]
    for how, text, advice in cases:
        error = await refused(broker(port, **how))
        assert text in error.text
        assert advice in error.advice
        assert "wrong" not in str(error).replace("is wrong", "")


async def test_files_are_read_for_every_connection(bench: Bench, authority: Authority) -> None:
    file = bench.folder / "ca.crt"
    file.write_bytes(Authority(bench.folder / "other", "Another").ca.certificate.read_bytes())
    one = broker(await secured(bench, authority.server()), ca_file=file)
    await refused(one)
    file.write_bytes(authority.ca.certificate.read_bytes())
    await works(one)


async def test_plain_text_to_a_port_with_tls(bench: Bench, authority: Authority) -> None:
    port = await secured(bench, authority.server())
    error = await refused(Broker("localhost", port))
    assert "speaks TLS at this port, and we do not" in error.text
    assert "tls = true in [mqtt]" in error.advice
    assert error.reason == "plain"


async def test_tls_to_a_port_without(bench: Bench, authority: Authority) -> None:
    plain = await bench.broker()
    error = await refused(broker(plain.port, "127.0.0.1", ca_file=authority.ca.certificate))
    assert "no TLS is spoken at" in error.text
    assert "for plain MQTT leave out tls" in error.advice


@pytest.mark.parametrize(("path", "scheme"), [(None, "mqtt"), ("/mqtt", "ws")])
async def test_on_the_command_line_the_scheme_says_it(
    bench: Bench, authority: Authority, path: str | None, scheme: str
) -> None:
    """Not an option of the configuration."""
    plain = await bench.broker()
    named = replace(broker(plain.port, "127.0.0.1", ca_file=authority.ca.certificate), table="--broker", path=path)
    error = await refused(named)
    assert f"for plain MQTT write {scheme}:// there" in error.advice
    assert "tls" not in error.advice.replace("TLS", "")
    error = await refused(Broker("localhost", await secured(bench, authority.server()), table="--broker", path=path))
    assert f"write {scheme}s:// in --broker" in error.advice


async def test_a_broker_that_is_silent_is_not_taken_for_one_without_tls(
    bench: Bench, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = await secured(bench, authority.server())
    line = await bench.proxy(port)
    line.set("hole")
    one = broker(line.port, "127.0.0.1", ca_file=authority.ca.certificate)
    monkeypatch.setattr(connection, "_client", patient(0.3, connection._client))
    error = await refused(one)
    assert "no broker answers" in error.text


def patient(seconds: float, inner: Any) -> Any:
    def client(*how: Any) -> Any:
        made = inner(*how)
        made._client.connect_timeout = seconds
        return made

    return client


@pytest.mark.parametrize("host", [".lan", "a..b"])
async def test_a_name_that_cannot_be_one(host: str) -> None:
    error = await refused(broker(1, host))
    assert repr(host) in error.text or "no broker answers" in error.text
    assert "host" in error.advice


async def test_nobody_is_there(authority: Authority) -> None:
    error = await refused(broker(free_port(), ca_file=authority.ca.certificate))
    assert "no broker answers" in error.text


async def web_port(bench: Bench) -> tuple[Mosquitto, int]:
    port = free_port()
    return await bench.broker(extra=f"listener {port} 127.0.0.1\nprotocol websockets"), port


@pytest.mark.parametrize("version", ["5", "3.1.1"])
async def test_websocket(bench: Bench, version: str) -> None:
    _, port = await web_port(bench)
    session = await works(Broker("127.0.0.1", port, path="/mqtt"), version)
    assert session.tls is None


@pytest.mark.parametrize("version", ["5", "3.1.1"])
async def test_websocket_with_tls(bench: Bench, authority: Authority, version: str) -> None:
    server = authority.server()
    port = await secured(bench, server, websockets=True)
    await works(broker(port, path="/mqtt", ca_file=authority.ca.certificate), version)
    await works(broker(port, path="/mqtt", fingerprint=server.fingerprint), version)
    error = await refused(broker(port, path="/mqtt"))
    assert f'fingerprint = "{server.fingerprint}"' in error.advice
    error = await refused(Broker("localhost", port, path="/mqtt"))
    assert "speaks TLS at this port" in error.text


async def test_websocket_to_a_port_without(bench: Bench) -> None:
    plain, port = await web_port(bench)
    error = await refused(Broker("127.0.0.1", plain.port, path="/mqtt"))
    assert "no MQTT over WebSocket is spoken at ws://127.0.0.1" in error.text
    assert "check port and path in [mqtt]" in error.advice
    error = await refused(Broker("127.0.0.1", port))
    assert "ends the connection before it answers" in error.text
