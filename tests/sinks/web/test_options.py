"""The table [web]: where it listens, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from pvsmqtt.settings import SettingsError, load
from pvsmqtt.sinks.web import passwords
from pvsmqtt.sinks.web.options import Address, WebOptions, address

HERE = {
    "127.0.0.1:8485": Address("127.0.0.1", 8485),
    "[::1]:8485": Address("::1", 8485),
    "localhost:80": Address("localhost", 80),
    "127.8.9.1:1": Address("127.8.9.1", 1),
}
BEYOND = {
    ":8485": Address(None, 8485),
    "0.0.0.0:8485": Address(None, 8485),
    "[::]:8485": Address(None, 8485),
    "*:8485": Address(None, 8485),
    "192.168.1.5:65535": Address("192.168.1.5", 65535),
    "[fd00::5]:8485": Address("fd00::5", 8485),
    "Solar-Pi:8485": Address("solar-pi", 8485),
}
NONE = (
    "",
    "8485",
    "127.0.0.1",
    "127.0.0.1:0",
    ":65536",
    ":http",
    "::1:8485",
    "[::1",
    "999.1.1.1:80",
    "a b:80",
    "1.2:3",
)


@pytest.mark.parametrize("text", [*HERE, *BEYOND])
def test_addresses(text: str) -> None:
    found = address(text)
    assert found == {**HERE, **BEYOND}[text]
    assert found.here_only is (text in HERE)
    assert address(str(found)) == found


@pytest.mark.parametrize("text", NONE)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match="allowed: "):
        address(text)


def test_it_is_off_by_default() -> None:
    assert WebOptions().address is None


def problems(folder: Path, web: str) -> str:
    file = folder / "pvsmqtt.toml"
    file.write_text(f'[mqtt]\nhost = "a"\n[[pvs]]\nhost = "b"\n[web]\n{web}\n')
    with pytest.raises(SettingsError) as caught:
        load(file, {})
    return str(caught.value)


def test_errors_name_the_key_and_what_is_allowed(tmp_path: Path) -> None:
    assert "6: key `web.listen`: '8485' is no address to listen on; allowed: \"127.0.0.1:8485\"" in problems(
        tmp_path, 'listen = "8485"'
    )
    assert "6: key `web.hosts`: 'http://a' is no host name; allowed: names such as" in problems(
        tmp_path, 'hosts = ["http://a"]'
    )
    assert "did you mean `listen`?" in problems(tmp_path, 'listne = ":1"')


@pytest.mark.parametrize("text", ["hunter2hunter2", "scrypt$2$8$1$AAAA$AAAA", "$2b$12$" + "a" * 53])
def test_a_password_in_place_of_its_hash_is_refused_and_not_shown(tmp_path: Path, text: str) -> None:
    said = problems(tmp_path, f'password_hash = "{text}"')
    assert "key `web.password_hash`: this is no hash of a password; allowed: what pvsmqtt web-password prints" in said
    assert text not in said


def test_the_hash_is_not_shown() -> None:
    made = passwords.make("some password")
    options = WebOptions(password_hash=made)
    assert made not in f"{options} {options!r} {options.model_dump()} {options.model_dump_json()}"
