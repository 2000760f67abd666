"""URLs of lines and settings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvsmqtt.modbus.setting import Setting
from pvsmqtt.sources.rs485.url import LineKind, LineUrl, parse

GOOD = {
    "serial:///dev/ttyUSB0": LineUrl(LineKind.SERIAL, path="/dev/ttyUSB0"),
    "/dev/serial/by-id/usb-FTDI": LineUrl(LineKind.SERIAL, path="/dev/serial/by-id/usb-FTDI"),
    "tcp://192.168.1.7:4196": LineUrl(LineKind.TCP, host="192.168.1.7", port=4196),
    "tcp://waveshare.local:4196/": LineUrl(LineKind.TCP, host="waveshare.local", port=4196),
    "TCP://[fe80::1]:20108": LineUrl(LineKind.TCP, host="fe80::1", port=20108),
    "tcp-listen://:4196": LineUrl(LineKind.TCP_LISTEN, port=4196),
    "tcp-listen://[::1]:4196": LineUrl(LineKind.TCP_LISTEN, host="::1", port=4196),
    "udp-listen://127.0.0.1:24273": LineUrl(LineKind.UDP_LISTEN, host="127.0.0.1", port=24273),
    "rfc2217://ser2net:3001": LineUrl(LineKind.RFC2217, host="ser2net", port=3001),
    "rfc2217://ser2net:3001?speaks_first=1": LineUrl(LineKind.RFC2217, host="ser2net", port=3001, speaks_first=True),
    "file:///tmp/a b?.jsonl": LineUrl(LineKind.FILE, path="/tmp/a b?.jsonl"),
    "file://capture.pcap": LineUrl(LineKind.FILE, path="capture.pcap"),
    "file:///x.bin?speed=0": LineUrl(LineKind.FILE, path="/x.bin", speed=0),
    "file:///x.bin?speed=2.5": LineUrl(LineKind.FILE, path="/x.bin", speed=2.5),
}
BAD = {
    "": "serial:///dev",
    "ttyUSB0": "serial:///dev",
    "http://x:1": "allowed: serial://",
    "serial://ttyUSB0": "three slashes",
    "serial:///dev/": "three slashes",
    "tcp://host": "no port",
    "tcp://:4196": "no host",
    "tcp://host:0": "1 to 65535",
    "tcp://host:65536": "1 to 65535",
    "tcp://host:٣": "1 to 65535",
    "tcp://fe80::1:4196": "brackets",
    "tcp://host:1?speaks_first=1": "no option",
    "tcp://user@host:1": "no host name",
    "rfc2217://host:1?speed=3": "no option",
    "file://": "needs a path",
    "file://x?speed=fast": "speed=0",
    "file://x?speed=-1": "speed=0",
    "file://x?speed=nan": "speed=0",
    "file://x?speed=inf": "speed=0",
}


@pytest.mark.parametrize("text", GOOD)
def test_what_is_a_line(text):
    assert parse(text) == GOOD[text]
    assert parse(str(GOOD[text])) == GOOD[text]


@pytest.mark.parametrize("text", BAD)
def test_what_is_none_says_what_is_allowed(text):
    with pytest.raises(ValueError) as refused:
        parse(text)
    assert BAD[text] in str(refused.value)
    assert "allowed" in str(refused.value)


@given(st.text() | st.builds("{}://{}".format, st.sampled_from(list(LineKind)), st.text()))
def test_any_text_is_a_line_or_a_value_error(text):
    try:
        url = parse(text)
    except ValueError:
        return
    assert parse(str(url)) == url


def test_where_the_speed_can_be_set():
    changeable = {kind for kind in LineKind if LineUrl(kind, "/x", "h", 1).changeable}
    assert changeable == {LineKind.SERIAL, LineKind.RFC2217}


def test_settings():
    assert str(Setting(19200)) == "19200 8N1"
    assert Setting(9600).character_time == pytest.approx(10 / 9600)
    assert Setting(9600, "E").character_time == pytest.approx(11 / 9600)
    assert Setting(9600, "E", 2).bits == 12
    for text in ("19200", "9600 8E1", "115200 8N2", "1200 8O1"):
        assert str(Setting.parse(text)).startswith(text)
    assert Setting.parse("9600 8n1") == Setting(9600)


@pytest.mark.parametrize("text", ["", "fast", "9600 7E1", "9600 8X1", "9600 8N3", "10", "99999999"])
def test_settings_that_are_none(text):
    with pytest.raises(ValueError, match="allowed"):
        Setting.parse(text)


@pytest.mark.parametrize("text", ["serial:///dev/tty\0USB0", "file:///tmp/a\0b", "tcp://a\nb:5", "/dev/tty\x1bUSB0"])
def test_what_cannot_be_in_a_name_is_refused(text):
    with pytest.raises(ValueError, match="control character"):
        parse(text)
