"""Under which names a browser may ask."""

from __future__ import annotations

import pytest

from pvsmqtt.sinks.web import hosts
from pvsmqtt.sinks.web.hosts import Hosts
from pvsmqtt.sinks.web.options import Address

KNOWN = Hosts(Address("solar.lan", 8485), ["Proxy.Example.org"], {"raspberrypi", "raspberrypi.local"})

GOOD = (
    "127.0.0.1",
    "127.0.0.1:8485",
    "192.168.1.20:8485",
    "[::1]:8485",
    "[fd00::1]",
    "localhost:8485",
    "LOCALHOST",
    "page.localhost:8485",
    "raspberrypi:8485",
    "RaspberryPi.local:8485",
    "raspberrypi.local.",
    "proxy.example.org",
    "proxy.example.org:443",
    "solar.lan",
)
BAD = (
    None,
    "",
    "evil.example",
    "evil.example:8485",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "raspberrypi.evil.example",
    "proxy.example.org.evil.example",
    "notlocalhost",
    "[evil.example]",
    "[127.0.0.1]evil.example",
    "127.0.0.1, evil.example",
    "user@127.0.0.1",
    "127.0.0.1:8485:1",
    "127.0.0.1\n",
    "localhost ",
    "0x7f.0.0.1",
)


@pytest.mark.parametrize("header", GOOD)
def test_good(header: str) -> None:
    assert KNOWN.accepts(header)


@pytest.mark.parametrize("header", BAD)
def test_bad(header: str | None) -> None:
    assert not KNOWN.accepts(header)


def test_any() -> None:
    anything = Hosts(Address(None, 1), ["*"], ())
    assert anything.accepts("evil.example")
    assert not anything.accepts("no host")
    assert not anything.accepts(None)


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("RaspberryPi", {"raspberrypi", "raspberrypi.local"}),
        ("pi.home.arpa", {"pi.home.arpa", "pi", "pi.local"}),
        ("", set()),
    ],
)
def test_the_names_of_this_machine(monkeypatch: pytest.MonkeyPatch, name: str, names: set[str]) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: name)
    assert hosts.machine_names() == names
