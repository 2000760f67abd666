"""The options of a `[[pvs]]` table."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from pvsmqtt.options import ALLOW_FAST_POLLING
from pvsmqtt.sources.pvs.access.address import base_url
from pvsmqtt.sources.pvs.options import PvsOptions


def message(**values: Any) -> str:
    """What a person is told of bad values."""
    with pytest.raises(ValidationError) as error:
        PvsOptions(**{"host": "pvs", **values})
    (found,) = error.value.errors()
    return f"{found['loc'][0]}: {found['msg']}"


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("172.27.153.1", "http://172.27.153.1"),
        ("pvs6.local", "http://pvs6.local"),
        ("172.27.153.1:8080", "http://172.27.153.1:8080"),
        ("http://pi/pvs/", "http://pi/pvs"),
        ("https://pi:8443", "https://pi:8443"),
        ("[fd00::1]:8080", "http://[fd00::1]:8080"),
    ],
)
def test_every_form_of_a_host(host: str, url: str) -> None:
    assert base_url(PvsOptions(host=host).host) == url


@pytest.mark.parametrize("host", ["", "http://", ":80", "http:///path"])
def test_a_host_without_a_name(host: str) -> None:
    said = message(host=host)
    assert said.startswith("host: ")
    assert "names no host; allowed: host, host:port, http(s)://host[:port][/path]" in said
    assert '"auto"' in said


@pytest.mark.parametrize("host", ["ftp://pvs", "serial:///dev/ttyUSB0"])
def test_a_scheme_that_a_pvs_does_not_speak(host: str) -> None:
    assert "allowed: http and https" in message(host=host)


@pytest.mark.parametrize("host", ["pvs:eighty", "pvs:99999", "fd00::1", "[fd00::1"])
def test_a_port_that_makes_no_sense(host: str) -> None:
    assert message(host=host).startswith("host: ")


def test_a_login_in_the_address_is_refused_without_repeating_it() -> None:
    said = message(host="http://owner:geheim@pvs")
    assert "leave it out" in said
    assert "geheim" not in said


def test_the_defaults_are_kind_to_the_equipment() -> None:
    options = PvsOptions(host="pvs")
    assert (options.api, options.interval, options.stale_after, options.site) == ("auto", 300, 900, "")
    assert (options.battery_interval, options.live_interval, options.live_poll) == (300, 5, 30)
    assert (options.password, options.certificate, options.live) == (None, "pin", "auto")


@pytest.mark.parametrize("host", ["auto", "ZT190585000549A6185", "zt190585000549a6185"])
def test_a_pvs_may_be_searched_for(host: str) -> None:
    assert PvsOptions(host=host).host == host


@pytest.mark.parametrize("api", ["auto", "legacy", "varserver"])
def test_the_interface_may_be_ordered(api: str) -> None:
    assert PvsOptions(host="pvs", api=api).api == api


def test_the_password_is_not_shown() -> None:
    options = PvsOptions(host="pvs", password="geheim")
    assert "geheim" not in repr(options) + str(options) + str(options.model_dump())
    assert options.password is not None
    assert options.password.get_secret_value() == "geheim"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("pin", "pin"),
        ("any", "any"),
        ("verify", "verify"),
        ("0a" * 32, "0a" * 32),
        ("0A" * 32, "0a" * 32),
        (":".join(["0A"] * 32), "0a" * 32),
    ],
)
def test_every_form_of_a_certificate(written: str, kept: str) -> None:
    assert PvsOptions(host="pvs", certificate=written).certificate == kept


@pytest.mark.parametrize("certificate", ["", "Pin", "none", "0a" * 31, "0a" * 20, "xy" * 32])
def test_what_is_no_certificate(certificate: str) -> None:
    assert "fingerprint of 64 digits" in message(certificate=certificate)


@pytest.mark.parametrize("url", ["", "ws://proxy:9002/", "wss://proxy/live", "ws://[fd00::1]:9002/"])
def test_an_address_of_the_websocket(url: str) -> None:
    assert PvsOptions(host="pvs", live_url=url).live_url == url


@pytest.mark.parametrize("url", ["proxy:9002", "http://proxy/", "ws://", "ws:///live"])
def test_what_is_no_address_of_a_websocket(url: str) -> None:
    assert "is no address of a WebSocket" in message(live_url=url)


@pytest.mark.parametrize("seconds", [59.9, 30, 1])
def test_an_interval_below_the_minimum_is_refused_and_says_why(seconds: float) -> None:
    said = message(interval=seconds)
    assert said.startswith("interval: ")
    assert f"{seconds:g} is less than the minimum of 60 seconds" in said
    assert "flash memory" in said


def test_the_minimum_itself_is_allowed() -> None:
    assert PvsOptions(host="pvs", interval=60).interval == 60


def test_tests_may_poll_faster_but_not_without_a_pause() -> None:
    token = ALLOW_FAST_POLLING.set(True)
    try:
        assert PvsOptions(host="pvs", interval=0.05).interval == 0.05
        assert "greater than 0" in message(interval=0)
    finally:
        ALLOW_FAST_POLLING.reset(token)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("interval", 86401),
        ("interval", float("nan")),
        ("stale_after", 59),
        ("battery_interval", 19),
        ("live_interval", 0.5),
        ("live_poll", 9),
        ("api", "newest"),
        ("live", "on"),
        ("hots", "pvs"),
    ],
)
def test_other_bad_values_name_their_key(key: str, value: Any) -> None:
    assert message(**{key: value}).startswith(f"{key}: ")


def test_options_do_not_change() -> None:
    with pytest.raises(ValidationError):
        PvsOptions(host="pvs").host = "other"  # type: ignore[misc]
