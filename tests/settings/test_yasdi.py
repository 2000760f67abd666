"""``[[yasdi]]``: which broker it listens to, and what may be written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from pvsmqtt.broker.options import Broker
from pvsmqtt.settings import SettingsError, load

MQTT = '[mqtt]\nhost = "broker"\nport = 1884\nusername = "u"\npassword = "p"\nprotocol = "3.1.1"\nkeepalive = 60\n'


def read(tmp_path: Path, text: str, environ: dict[str, str] | None = None) -> list[Any]:
    (tmp_path / "pvsmqtt.toml").write_text(text, "utf-8")
    settings = load(tmp_path / "pvsmqtt.toml", environ or {})
    return [options for name, _, options in settings.sources() if name == "yasdi"]


def test_without_a_host_it_is_the_broker_of_mqtt(tmp_path: Path) -> None:
    (options,) = read(tmp_path, MQTT + "[[yasdi]]\n")
    assert options.broker == Broker("broker", 1884, "u", SecretStr("p"), "3.1.1", 60, "[mqtt]")
    assert options.topic == "solar/inverter"


def test_with_a_host_it_is_a_broker_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("other\n")
    table = f'[[yasdi]]\nhost = "second"\nusername = "v"\npassword_file = "{tmp_path}/secret"\n'
    (options,) = read(tmp_path, MQTT + table)
    assert options.broker == Broker("second", 1883, "v", SecretStr("other"), "auto", 30, "[[yasdi]]")


def test_a_broker_of_its_own_without_a_login_gets_none_of_mqtt(tmp_path: Path) -> None:
    (options,) = read(tmp_path, MQTT + '[[yasdi]]\nhost = "second"\n')
    assert (options.broker.username, options.broker.password) == (None, None)


@pytest.mark.parametrize(
    ("listen", "host"), [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("192.0.2.1", "192.0.2.1")]
)
def test_the_embedded_broker_is_reached_where_this_process_reaches_it(tmp_path: Path, listen: str, host: str) -> None:
    mqtt = f'[mqtt]\nhost = "embedded"\nport = 1885\nlisten = "{listen}"\nusername = "u"\npassword = "p"\n'
    (options,) = read(tmp_path, mqtt + "[[yasdi]]\n")
    assert options.broker == Broker(host, 1885, "u", SecretStr("p"), "3.1.1", embedded=True)


def test_a_credential_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "yasdi_password").write_text("credential\n")
    table = '[[yasdi]]\nhost = "second"\nusername = "v"\n'
    (options,) = read(tmp_path, MQTT + table, {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert options.broker.password == SecretStr("credential")


@pytest.mark.parametrize(
    ("mqtt", "same"),
    [
        (MQTT, True),
        (MQTT + 'base_topic = "other"\n', True),
        (MQTT.replace("1884", "1885"), False),
        (MQTT.replace('"p"', '"q"'), False),
        (MQTT.replace('"broker"', '"another"'), False),
    ],
)
def test_another_broker_makes_other_options(tmp_path: Path, mqtt: str, same: bool) -> None:
    """A reload starts a source again whose options differ."""
    (before,) = read(tmp_path, MQTT + "[[yasdi]]\n")
    (after,) = read(tmp_path, mqtt + "[[yasdi]]\n")
    assert (before == after) == same
    shown = repr(after)
    assert "SecretStr('p')" not in shown


@pytest.mark.parametrize("topic", ["solar/inverter", "/solar/inverter", "sma"])
def test_both_spellings_of_the_topic_are_listened_to(tmp_path: Path, topic: str) -> None:
    (options,) = read(tmp_path, f'{MQTT}[[yasdi]]\ntopic = "{topic}"\n')
    plain = topic.lstrip("/")
    assert options.filters == (f"{plain}/+", f"/{plain}/+")
    assert options.subject == plain


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ('topic = ""', "'' is no prefix of topics"),
        ('topic = "/"', "is no prefix of topics"),
        ('topic = "a/#"', "is no prefix of topics"),
        ('topic = "+/a"', "is no prefix of topics"),
        ('topic = "a/"', "MQTT_TOPIC_PREFIX"),
        ('topic = "//a"', "is no prefix of topics"),
        ('topic = "$SYS"', "is no prefix of topics"),
        ('host = "embedded"', "leave host out here"),
        ('host = "a:1883"', "a port goes into `port`"),
        ("port = 1884", "port without host: the broker of [mqtt] is listened to"),
        ('username = "v"\npassword = "q"', "username and password without host"),
        ('host = "a"\npassword = "q"', "a password needs a username"),
        ("stale_after = 10", "10 is less than the minimum of 30 seconds"),
        ('base_topic = "x"', "unknown"),
    ],
)
def test_what_may_not_be_written(tmp_path: Path, table: str, words: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read(tmp_path, f"{MQTT}[[yasdi]]\n{table}\n")
    assert words in str(refused.value)
    assert "yasdi" in str(refused.value)


def test_a_client_id_may_stand_alone(tmp_path: Path) -> None:
    (options,) = read(tmp_path, f'{MQTT}[[yasdi]]\nclient_id = "mine"\n')
    assert options.broker.host == "broker"


def test_a_topic_at_a_broker_is_read_once(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"two \[\[yasdi\]\] tables have the topic 'a'"):
        read(tmp_path, MQTT + '[[yasdi]]\ntopic = "a"\n[[yasdi]]\ntopic = "/a"\n')
    both = '[[yasdi]]\nhost = "x"\n[[yasdi]]\nhost = "y"\n[[yasdi]]\n[[yasdi]]\nhost = "x"\ntopic = "t"\n'
    assert len(read(tmp_path, MQTT + both)) == 4
