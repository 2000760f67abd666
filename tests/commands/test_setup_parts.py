"""The parts of setup that ask nobody: what is read, what is made of it, how it is written."""

from __future__ import annotations

import os
import tomllib
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvsmqtt.commands.setup import present, writing
from pvsmqtt.commands.setup.choices import Choices, Login, settings_of
from pvsmqtt.commands.setup.given import Given, split_broker
from pvsmqtt.commands.setup.published import is_ours
from pvsmqtt.settings import SettingsError, load
from pvsmqtt.settings.example import example, toml

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
FILES = Path("/tmp/x/pvsmqtt.toml")


@given(TEXT)
def test_any_text_is_valid_toml(text: str) -> None:
    assert tomllib.loads(f"a = {toml(text)}") == {"a": text}


@given(user=TEXT, line=TEXT, hosts=st.lists(TEXT, max_size=3), port=st.integers(1, 65535))
def test_the_file_says_what_was_chosen(user: str, line: str, hosts: list[str], port: int) -> None:
    """Whatever was typed; whether it makes sense is the business of validation."""
    choices = Choices("10.0.0.1", port, Login(user), hosts, "barn", [line, "x"], ["auto"])
    document = {key: value for key, value in tomllib.loads(choices.text()).items() if value != {}}
    assert document == choices.document()


def test_every_option_is_there_in_comments() -> None:
    """As in the example: each line of it stands in the file, set or commented out."""
    text = Choices("10.0.0.1", pvs=["10.0.0.2"]).text().splitlines()
    ours = {'host = "192.168.1.10"', 'host = "172.27.153.1"'}
    assert [line for line in example().splitlines()[3:] if line not in text] == sorted(ours, reverse=True)


def test_secrets_are_not_shown() -> None:
    shown = f"{Choices(login=Login('solar', 'geheim'))} {Given(password='geheim')} {Login('a', 'geheim')}"
    assert "geheim" not in shown
    assert "geheim" not in Choices("x", login=Login("solar", "geheim"), pvs=["auto"]).text()


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("broker", ("broker", 1883)),
        ("broker:8883", ("broker", 8883)),
        (" homeassistant.local ", ("homeassistant.local", 1883)),
        ("mqtt://10.0.0.1:1884/", ("10.0.0.1", 1884)),
        ("embedded", ("embedded", 1883)),
        ("fe80::1", ("fe80::1", 1883)),
        ("[::1]:1884", ("::1", 1884)),
        ("[::1]", ("::1", 1883)),
        ("", None),
        ("a b", None),
        ("broker:0", None),
        ("broker:70000", None),
        ("broker:x", None),
        ("http://broker", None),
        ("user@broker", None),
        ("[::1", None),
    ],
)
def test_the_address_of_a_broker(text: str, place: tuple[str, int] | None) -> None:
    if place is None:
        with pytest.raises(ValueError, match="is no address of a broker; allowed"):
            split_broker(text)
    else:
        assert split_broker(text) == place
        assert split_broker(Choices(*place).broker) == place


def read(folder: Path, text: str) -> present.Present:
    (folder / "pvsmqtt.toml").write_text(text)
    return present.read(folder / "pvsmqtt.toml")


@pytest.mark.parametrize(
    ("text", "more"),
    [
        ("", ()),
        (
            Choices(
                "10.0.0.1", 1884, Login("solar"), ["10.0.0.2"], "barn", ["tcp://h:1", "tcp://h:2"], ["auto"]
            ).text(),
            (),
        ),
        ('[mqtt]\nhost = "x"\nusername = "y"\npassword = "z"\n[journal]\n[names]\n', ()),
        ('log_level = "debug"\n[mqtt]\nhost = "x"\ntls = true', ("log_level", "mqtt.tls")),
        ('[[pvs]]\nhost = "auto"\n[[pvs]]\nhost = "h"\ninterval = 60\n', ("pvs[1].interval",)),
        ('[[rs485]]\nline = "tcp://h:1"\nname = "bus"\n', ("rs485[0].name",)),
        ('[[rs485]]\nline = "tcp://h:1"\nname = "rs485"\n', ()),
        ('[[yasdi]]\n[names]\nA1 = "b"\n', ("yasdi", "names")),
        ('retire = ["A"]\nignore = []\n', ("retire",)),
        ("pvs = 7\nmqtt = 7\n", ("pvs", "mqtt")),
    ],
)
def test_what_setup_does_not_manage(tmp_path: Path, text: str, more: tuple[str, ...]) -> None:
    assert read(tmp_path, text).more == more


def test_what_a_file_says(tmp_path: Path) -> None:
    choices = Choices("10.0.0.1", 1884, Login("solar", "s"), ["10.0.0.2"], "barn", ["tcp://h:1"], ["10.0.0.3"])
    (tmp_path / "mqtt_password").write_text("s\n")
    there = read(tmp_path, choices.text())
    assert (there.choices, there.sound) == (choices, True)


def test_a_password_in_the_file_is_moved_out(tmp_path: Path) -> None:
    there = read(tmp_path, '[mqtt]\nhost = "x"\nusername = "y"\npassword = "z"\n[[pvs]]\nhost = "auto"\n')
    assert there.choices is not None
    assert there.choices.login == Login("y", "z")
    writing.write(there.path, there.choices.text(), there.password_path, "z", tmp_path / "old")
    assert load(there.path, {}).mqtt.password is not None
    assert '"z"' not in there.path.read_text()
    assert '"z"' in (tmp_path / "old").read_text()


def test_the_rest_is_used_to_try(tmp_path: Path) -> None:
    there = read(tmp_path, '[mqtt]\nhost = "x"\ntls = true\nport = 7\n[[pvs]]\nhost = "h"\napi = "legacy"\n')
    document: dict[str, Any] = {"mqtt": {"host": "y"}, "pvs": [{"host": "h"}, {"host": "i"}]}
    assert there.with_the_rest(document) == {
        "mqtt": {"host": "y", "tls": True},
        "pvs": [{"host": "h", "api": "legacy"}, {"host": "i"}],
    }


def test_answers_over_answers() -> None:
    given = Given(broker="a", pvs=("1",)).put_over(Given(broker="b", user="u", pvs=("2", "3"), yes=True))
    assert given == Given(broker="a", user="u", pvs=("1",), yes=True)


def test_the_environment_gives_only_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("of the file\n")
    environ = {"PVSMQTT_MQTT__PASSWORD": "of the environment"}
    assert Given().with_password(environ).password == "of the environment"
    assert Given(password="given").with_password(environ).password == "given"
    assert Given(password_file=tmp_path / "secret").with_password(environ).password == "of the file"
    with pytest.raises(SettingsError, match="cannot be read"):
        Given(password_file=tmp_path / "none").with_password(environ)


@pytest.mark.parametrize(
    ("notes", "ours"),
    [
        ('{"root": "pvsmqtt/home"}', True),
        ('{"root": "pvsmqtt/barn"}', False),
        ("[]", False),
        ("{", False),
        (None, False),
    ],
)
def test_whether_this_machine_published_it(tmp_path: Path, notes: str | None, ours: bool) -> None:
    if notes is not None:
        (tmp_path / "announced.json").write_text(notes)
    assert is_ours(settings_of({"mqtt": {"host": "x"}, "state_dir": str(tmp_path)})) is ours


class TestWriting:
    def test_a_full_disk(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """What was there stays, and no half of anything is left over."""
        file, password = tmp_path / "pvsmqtt.toml", tmp_path / "mqtt_password"
        file.write_text("old")
        password.write_text("old\n")

        def full(_: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            writing.write(file, "new", password, "new", tmp_path / "backup")
        assert {one.name: one.read_text() for one in tmp_path.iterdir()} == {
            "pvsmqtt.toml": "old",
            "mqtt_password": "old\n",
        }

    def test_whatever_the_umask(self, tmp_path: Path) -> None:
        """The service, which is another user, must read the configuration; nobody else the password."""
        before = os.umask(0o077)
        try:
            writing.write(tmp_path / "etc" / "a.toml", "new", tmp_path / "etc" / "secret", "s", None)
        finally:
            os.umask(before)
        assert (tmp_path / "etc").stat().st_mode & 0o777 == 0o755
        assert (tmp_path / "etc" / "a.toml").stat().st_mode & 0o777 == 0o644
        assert (tmp_path / "etc" / "secret").stat().st_mode & 0o777 == 0o600

    def test_a_password_that_others_could_read(self, tmp_path: Path) -> None:
        (tmp_path / "secret").write_text("old")
        (tmp_path / "secret").chmod(0o644)
        writing.write(tmp_path / "a.toml", "new", tmp_path / "secret", "s", None)
        assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600

    def test_the_name_of_the_old_file(self) -> None:
        name = writing.backup_name(Path("/etc/pvsmqtt/pvsmqtt.toml"), datetime(2026, 6, 21, 18, 5, 1))  # noqa: DTZ001
        assert str(name) == "/etc/pvsmqtt/pvsmqtt.toml.20260621-180501"
