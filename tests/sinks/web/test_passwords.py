"""The hash of the password."""

from __future__ import annotations

import unicodedata

import pytest

from pvsmqtt.sinks.web import passwords

PASSWORD = "Grüße vom Dach"
MADE = passwords.make(PASSWORD)


def test_a_hash_knows_its_password_and_no_other() -> None:
    wanted = passwords.parse(MADE)
    assert passwords.matches(PASSWORD, wanted)
    assert passwords.matches(unicodedata.normalize("NFD", PASSWORD), wanted), "as another keyboard writes it"
    for wrong in ("", PASSWORD[:-1], PASSWORD + " ", PASSWORD.lower(), "\udcff", "x" * 2000):
        assert not passwords.matches(wrong, wanted)


def test_each_has_a_salt_of_its_own() -> None:
    assert passwords.make(PASSWORD) != MADE


@pytest.mark.parametrize(
    "text",
    [
        "",
        "password",
        MADE[:-10],
        MADE.replace("16384", "1024"),
        MADE.replace("16384", "16385"),
        MADE.replace("16384", "9999999"),
        MADE.replace("$8$1$", "$99$1$"),
        MADE.replace("$8$1$", "$8$9$"),
        MADE.replace("scrypt", "md5"),
        MADE + "\n",
    ],
    ids=range(10),  # each has a salt of its own
)
def test_what_is_no_hash(text: str) -> None:
    with pytest.raises(ValueError, match="this is no hash"):
        passwords.parse(text)
