"""Where a PVS answers: every form in which an owner may write it."""

from __future__ import annotations

import pytest

from pvsmqtt.sources.pvs.access.address import Address, address, base_url, is_serial, to_be_found

SERIAL = "ZT190585000549A6185"


@pytest.mark.parametrize(
    ("host", "plain", "secure", "live"),
    [
        ("172.27.153.1", "http://172.27.153.1", "https://172.27.153.1", "ws://172.27.153.1:9002/"),
        ("pvs6.local", "http://pvs6.local", "https://pvs6.local", "ws://pvs6.local:9002/"),
        ("pi:8080", "http://pi:8080", "https://pi:8080", "ws://pi:9002/"),
        ("http://pi:8080/pvs/", "http://pi:8080/pvs", "http://pi:8080/pvs", "ws://pi:9002/"),
        ("https://pi:8443", "https://pi:8443", "https://pi:8443", "ws://pi:9002/"),
        ("https://pi/", "https://pi", "https://pi", "ws://pi:9002/"),
        ("HTTPS://Pi", "https://Pi", "https://Pi", "ws://pi:9002/"),
        ("[fd00::1]", "http://[fd00::1]", "https://[fd00::1]", "ws://[fd00::1]:9002/"),
        ("[fd00::1]:81", "http://[fd00::1]:81", "https://[fd00::1]:81", "ws://[fd00::1]:9002/"),
        ("https://[fd00::1]:81/x", "https://[fd00::1]:81/x", "https://[fd00::1]:81/x", "ws://[fd00::1]:9002/"),
    ],
)
def test_every_form_of_a_host(host: str, plain: str, secure: str, live: str) -> None:
    assert address(host) == Address(plain, secure, live)
    assert base_url(host) == plain


def test_another_address_of_the_websocket_is_taken_as_it_is() -> None:
    assert address("pi", "wss://proxy/live").live == "wss://proxy/live"


def test_each_base_is_tried_once() -> None:
    assert address("pi").bases == ("http://pi", "https://pi")
    assert address("https://pi").bases == ("https://pi",)


@pytest.mark.parametrize("host", ["ftp://pi", "ws://pi", "serial:///dev/ttyUSB0"])
def test_a_scheme_that_a_pvs_does_not_speak_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match="allowed: http and https"):
        address(host)


@pytest.mark.parametrize("host", ["pi:eighty", "pi:99999", "https://pi:-1", "[fd00::1", "fd00::1"])
def test_a_port_that_makes_no_sense_is_refused(host: str) -> None:
    with pytest.raises(ValueError):
        address(host)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (SERIAL, True),
        (SERIAL.lower(), True),
        (SERIAL[:-1], False),
        (SERIAL + "1", False),
        (f"{SERIAL}\n", False),
        (SERIAL.replace("ZT", "ZX"), False),
        ("pvs6.local", False),
        ("", False),
    ],
)
def test_a_serial_number_is_told_from_a_host(text: str, found: bool) -> None:
    assert is_serial(text) is found
    assert to_be_found(text) is found


def test_auto_is_searched_for() -> None:
    assert to_be_found("auto")
    assert not is_serial("auto")
