"""How a broker may be described: TLS and WebSocket, for [mqtt] and [[yasdi]] alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from pvsmqtt.broker.options import Broker, Tls
from pvsmqtt.settings import SettingsError, load

PIN = "ab" * 32


def read(tmp_path: Path, lines: str, table: str = "[mqtt]", environ: dict[str, str] | None = None) -> Any:
    other = '[mqtt]\nhost = "m"\n' if table != "[mqtt]" else '[[pvs]]\nhost = "p"\n'
    (tmp_path / "pvsmqtt.toml").write_text(f'{other}{table}\nhost = "b"\n{lines}\n', "utf-8")
    settings = load(tmp_path / "pvsmqtt.toml", environ or {})
    return settings.mqtt.broker if table == "[mqtt]" else settings.sources()[0][2].broker  # type: ignore[attr-defined]


@pytest.mark.parametrize("table", ["[mqtt]", "[[yasdi]]"])
def test_tls(tmp_path: Path, table: str) -> None:
    assert read(tmp_path, "tls = true", table) == Broker("b", 8883, table=table, tls=Tls())
    assert read(tmp_path, "tls = true\nport = 1883", table).port == 1883
    assert read(tmp_path, "tls = false", table) == Broker("b", 1883, table=table)
    (tmp_path / "secret").write_text("of the key\n")
    lines = 'tls = true\nca_file = "/c"\ncertificate_file = "/d"\nkey_file = "/e"\nkey_password_file = '
    broker = read(tmp_path, f'{lines}"{tmp_path}/secret"', table)
    assert broker.tls == Tls(Path("/c"), None, Path("/d"), Path("/e"), SecretStr("of the key"))
    assert "of the key" not in repr(broker)


@pytest.mark.parametrize("table", ["[mqtt]", "[[yasdi]]"])
def test_the_password_of_the_key_as_a_credential(tmp_path: Path, table: str) -> None:
    (tmp_path / f"{table.strip('[]')}_key_password").write_text("credential\n")
    lines = 'tls = true\ncertificate_file = "/d"'
    broker = read(tmp_path, lines, table, {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert broker.tls.key_password == SecretStr("credential")


@pytest.mark.parametrize("table", ["[mqtt]", "[[yasdi]]"])
def test_websockets(tmp_path: Path, table: str) -> None:
    broker = read(tmp_path, 'transport = "websockets"\nport = 9001', table)
    assert (broker.path, broker.url) == ("/mqtt", "ws://b:9001/mqtt")
    broker = read(tmp_path, 'tls = true\ntransport = "websockets"\nport = 443\npath = "/x?y=1"', table)
    assert broker.url == "wss://b:443/x?y=1"
    assert read(tmp_path, "tls = true", table).url == "mqtts://b:8883"


@pytest.mark.parametrize(
    "written", [PIN, PIN.upper(), ":".join(["AB"] * 32), f"sha256 Fingerprint={':'.join(['AB'] * 32)}"]
)
def test_a_fingerprint_in_any_spelling(tmp_path: Path, written: str) -> None:
    assert read(tmp_path, f'tls = true\nfingerprint = "{written}"').tls.fingerprint == PIN


@pytest.mark.parametrize("table", ["[mqtt]", "[[yasdi]]"])
@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ('ca_file = "/c"', "ca_file without tls: write tls = true"),
        (f'fingerprint = "{PIN}"', "fingerprint without tls"),
        ('tls = true\nfingerprint = "abc"', "'abc' is no SHA-256 fingerprint"),
        (f'tls = true\nfingerprint = "{PIN}"\nca_file = "/c"', "only one of them"),
        ('tls = true\nkey_file = "/c"', "key_file without the certificate that belongs to it"),
        ('path = "/x"', "path without WebSocket"),
        ('transport = "websockets"', "no port is usual for WebSocket"),
        ('transport = "websockets"\nport = 1\npath = "x"', "is no path of a WebSocket"),
        ('transport = "websockets"\nport = 1\npath = "/x\\r\\nEvil: 1"', "is no path of a WebSocket"),
        ('transport = "unix"', "transport"),
    ],
)
def test_what_may_not_be_written(tmp_path: Path, lines: str, words: str, table: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read(tmp_path, lines, table)
    assert words in str(refused.value)


def test_yasdi_at_the_broker_of_mqtt_has_its_tls(tmp_path: Path) -> None:
    (tmp_path / "pvsmqtt.toml").write_text('[mqtt]\nhost = "m"\ntls = true\n[[yasdi]]\n', "utf-8")
    (source,) = load(tmp_path / "pvsmqtt.toml", {}).sources()
    assert source[2].broker == Broker("m", 8883, tls=Tls())  # type: ignore[attr-defined]


def test_yasdi_without_a_host_has_no_tls_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "pvsmqtt.toml").write_text('[mqtt]\nhost = "m"\n[[yasdi]]\ntls = true\n', "utf-8")
    with pytest.raises(SettingsError, match="tls without host"):
        load(tmp_path / "pvsmqtt.toml", {})


@pytest.mark.parametrize("lines", ["tls = true", 'transport = "websockets"'])
def test_the_embedded_broker_is_plain(tmp_path: Path, lines: str) -> None:
    text = f'[mqtt]\nhost = "embedded"\nport = 1884\n{lines}\n[[pvs]]\nhost = "p"\n'
    (tmp_path / "pvsmqtt.toml").write_text(text, "utf-8")
    with pytest.raises(SettingsError, match="speaks plain MQTT only"):
        load(tmp_path / "pvsmqtt.toml", {})


def test_a_rate(tmp_path: Path) -> None:
    (tmp_path / "pvsmqtt.toml").write_text('[mqtt]\nhost = "m"\nmax_rate = 0\n[[pvs]]\nhost = "p"\n', "utf-8")
    assert load(tmp_path / "pvsmqtt.toml", {}).mqtt.max_rate == 0


def test_the_nodes_of_a_cluster(tmp_path: Path) -> None:
    lines = 'tls = true\nhosts = ["c", "d:1884", "[fe80::1]:1885", "b"]\n[[pvs]]\nhost = "p"'
    (tmp_path / "pvsmqtt.toml").write_text(f'[mqtt]\nhost = "b"\n{lines}\n', "utf-8")
    brokers = load(tmp_path / "pvsmqtt.toml", {}).mqtt.brokers
    assert [(one.host, one.port) for one in brokers] == [("b", 8883), ("c", 8883), ("d", 1884), ("fe80::1", 1885)]
    assert {one.tls for one in brokers} == {Tls()}


@pytest.mark.parametrize("node", ["", "c:", "c:x", "c:70000", "c:0", "mqtt://c", "user@c", "c/d"])
def test_what_is_no_node(tmp_path: Path, node: str) -> None:
    lines = f'host = "b"\nhosts = ["{node}"]\n[[pvs]]\nhost = "p"'
    (tmp_path / "pvsmqtt.toml").write_text(f"[mqtt]\n{lines}\n", "utf-8")
    with pytest.raises(SettingsError, match="no address of a broker"):
        load(tmp_path / "pvsmqtt.toml", {})


def test_an_embedded_broker_is_no_part_of_a_cluster(tmp_path: Path) -> None:
    (tmp_path / "pvsmqtt.toml").write_text('[mqtt]\nhost = "embedded"\nhosts = ["c"]\n[[pvs]]\nhost = "p"', "utf-8")
    with pytest.raises(SettingsError, match="no part of a cluster"):
        load(tmp_path / "pvsmqtt.toml", {})
