"""The options of `[[modbus_tcp]]` and `[[modbus_rtu]]`: what is refused says what is allowed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers_master import MAP
from pydantic import ValidationError

from pvsmqtt.options import ALLOW_FAST_POLLING
from pvsmqtt.sources.modbus_rtu import KIND as RTU
from pvsmqtt.sources.modbus_rtu.options import ModbusRtuOptions
from pvsmqtt.sources.modbus_tcp import KIND as TCP
from pvsmqtt.sources.modbus_tcp.options import ModbusTcpOptions


def tcp(**values: Any) -> ModbusTcpOptions:
    return ModbusTcpOptions(**{"host": "192.168.1.9", **values})


def rtu(**values: Any) -> ModbusRtuOptions:
    return ModbusRtuOptions(**{"line": "serial:///dev/ttyUSB0", "only_master": True, **values})


def message(make: Any, **values: Any) -> str:
    """What a person is told of bad values."""
    with pytest.raises(ValidationError) as error:
        make(**values)
    return "; ".join(f"{'.'.join(map(str, found['loc']))}: {found['msg']}" for found in error.value.errors())


def test_a_host_alone_suffices() -> None:
    options = tcp()
    assert (options.profile, options.doors, options.called, options.interval) == ("conext", (502, 503), "conext", 15)
    assert (options.stale_after, options.timeout, options.pause, options.units) == (90, 5, 0.05, [])
    assert tcp(profile="sunspec").doors == (502,)
    assert tcp(ports=[1502, 1502]).doors == (1502,)
    assert tcp(name="roof").called == "roof"
    assert tcp(site="Second house").site_id == "site_second_house"


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"host": ""}, "host"),
        ({"host": "192.168.1.9:502"}, "a port goes into `ports`"),
        ({"host": "tcp://192.168.1.9"}, "more than a host name"),
        ({"ports": [0]}, "allowed: 1 to 65535"),
        ({"ports": [70000]}, "70000 is no port"),
        ({"units": [0]}, "allowed: 1 to 247"),
        ({"units": [248]}, "248 is no unit"),
        ({"interval": 2}, "less than the minimum of 5 seconds"),
        ({"interval": 60}, "less than twice the interval"),
        ({"stale_after": 5}, "minimum of 10 seconds"),
        ({"name": "Roof 1"}, "allowed: lower-case letters"),
        ({"name": "bridge"}, "is the id of something else"),
        ({"name": "site_2"}, "is the id of something else"),
        ({"host": "auto", "profile": "sunspec"}, "needs its address"),
        ({"profile": "sma"}, "'conext' or 'sunspec'"),
        ({"registers": "some"}, "'live' or 'all'"),
        ({"word_order": "middle"}, "'auto', 'big' or 'little'"),
        ({"timeout": 0}, "greater than 0"),
        ({"unknown": 1}, "unknown"),
        ({"maps": ["/nowhere/map.toml"]}, "/nowhere/map.toml: cannot be read"),
    ],
)
def test_what_is_refused_says_what_is_allowed(values: dict[str, Any], says: str) -> None:
    assert says in message(tcp, **values)


@pytest.mark.parametrize("host", ["gateway.local", "fe80::1", "172.27.153.60", "auto"])
def test_hosts(host: str) -> None:
    assert tcp(host=host).host == host


def test_fast_polling_for_tests() -> None:
    token = ALLOW_FAST_POLLING.set(True)
    try:
        assert tcp(interval=0.1, stale_after=1).interval == 0.1
    finally:
        ALLOW_FAST_POLLING.reset(token)


def test_a_map_that_has_changed_makes_other_options(tmp_path: Path) -> None:
    file = tmp_path / "map.toml"
    file.write_text(MAP)
    first = tcp(maps=[file])
    assert first == tcp(maps=[file])
    assert len(first.register_maps) == 1
    file.write_text(MAP.replace("scale = 0.01", "scale = 0.1"))
    assert first != tcp(maps=[file])


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"only_master": False}, "only_master"),
        ({"line": "udp-listen://:4196"}, "allowed: serial:///dev/… and tcp://host:port"),
        ({"line": "file:///tmp/x.pcap"}, "cannot be asked"),
        ({"line": "rfc2217://host:1"}, "cannot be asked"),
        ({"line": "COM3"}, "allowed"),
        ({"parity": "mark"}, "'N', 'E' or 'O'"),
        ({"stopbits": 3}, "1 or 2"),
        ({"baudrate": 10}, "greater than or equal to 50"),
        ({"listen": -1}, "greater than or equal to 0"),
    ],
)
def test_what_is_refused_of_a_line(values: dict[str, Any], says: str) -> None:
    assert says in message(rtu, **values)


def test_a_line_says_that_there_is_no_other_master() -> None:
    with pytest.raises(ValidationError, match="only_master"):
        ModbusRtuOptions(line="serial:///dev/ttyUSB0")


@pytest.mark.parametrize(("written", "parity"), [("even", "E"), ("o", "O"), ("none", "N"), ("N", "N")])
def test_parity_as_people_write_it(written: str, parity: str) -> None:
    assert rtu(parity=written, baudrate="19200", stopbits="2").parity == parity


def test_tables_are_told_apart() -> None:
    assert tcp().subject == "conext"
    first, second = (tcp(host="Server", name="a", ports=[502]), tcp(host="server", name="b", ports=[502, 503]))
    assert set(first.distinctions().items()) & set(second.distinctions().items()) == {("port 502 of host", "server")}
    third = tcp(host="server", name="c", ports=[503], profile="sunspec")
    assert not set(first.distinctions().items()) & set(third.distinctions().items()), "another device of a server"
    same = rtu(line="/dev/ttyUSB0").distinctions()["line"], rtu().distinctions()["line"]
    assert same[0] == same[1]


def test_both_measure_their_house_and_tell_of_no_meters() -> None:
    """Totals may use what they read; live data of a PVS and its meters do not wait for it."""
    assert (TCP.measures_site, TCP.tells_meters) == (True, False)
    assert (RTU.measures_site, RTU.tells_meters) == (True, False)
