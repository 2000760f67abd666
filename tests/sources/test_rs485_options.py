"""The options of a `[[rs485]]` table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pvsmqtt.model.device import Kind
from pvsmqtt.options import ALLOW_FAST_POLLING
from pvsmqtt.settings import SettingsError, load
from pvsmqtt.sources.rs485.options import Rs485Options, pin

LINE = "serial:///dev/ttyUSB0"


def options(**values: Any) -> Rs485Options:
    return Rs485Options(**{"line": LINE, **values})


def message(**values: Any) -> str:
    """What a person is told of bad values."""
    with pytest.raises(ValidationError) as error:
        options(**values)
    return "; ".join(f"{found['loc'][0]}: {found['msg']}" for found in error.value.errors())


def test_a_line_alone_suffices() -> None:
    defaults = options()
    assert (defaults.name, defaults.baudrate, defaults.parity, defaults.stopbits) == ("rs485", "auto", "auto", 1)
    assert (defaults.interval, defaults.stale_after, defaults.sunspec, defaults.site) == (10, 120, "auto", "")
    assert (defaults.maps, defaults.units, defaults.sunspec_pins) == ([], {}, [])


@pytest.mark.parametrize(
    "line",
    [
        "/dev/ttyUSB0",
        "serial:///dev/serial/by-id/usb-x",
        "tcp://192.168.1.7:4196",
        "tcp-listen://:4196",
        "udp-listen://:4196",
        "rfc2217://ser2net:4001",
        "file:///tmp/capture.jsonl?speed=0",
    ],
)
def test_every_form_of_a_line(line: str) -> None:
    assert options(line=line).line == line


@pytest.mark.parametrize("line", ["", "COM3", "http://192.168.1.7", "tcp://192.168.1.7", "tcp://:99999"])
def test_a_line_that_is_none(line: str) -> None:
    said = message(line=line)
    assert said.startswith("line: ")
    assert "allowed: " in said


@pytest.mark.parametrize("name", ["", "Bus 1", "ess/bus", "-", "_a", "a__b", "bridge", "site", "site_2"])
def test_a_name_is_an_id(name: str) -> None:
    assert "allowed: " in message(name=name)


@pytest.mark.parametrize("baudrate", [0, 49, 5_000_000, "fast", "9600 8N1", -9600, True, 9600.5])
def test_a_speed_that_is_none(baudrate: object) -> None:
    said = message(baudrate=baudrate)
    assert said.startswith("baudrate: ")
    assert 'allowed: "auto", or a number from 50 to 4000000' in said


def test_speeds_as_the_environment_writes_them() -> None:
    found = options(baudrate="19200", parity="even", stopbits="2")
    assert (found.baudrate, found.parity, found.stopbits) == (19200, "E", 2)


def test_what_is_no_parity_or_stop_bit() -> None:
    assert "'auto', 'N', 'E' or 'O'" in message(parity="M")
    assert "1 or 2" in message(stopbits=3)


def test_intervals_have_a_minimum() -> None:
    assert "less than the minimum of 1 seconds" in message(interval=0.5)
    assert "less than the minimum of 10 seconds" in message(stale_after=5)
    token = ALLOW_FAST_POLLING.set(True)
    try:
        assert options(interval=0.1).interval == 0.1
    finally:
        ALLOW_FAST_POLLING.reset(token)


def test_values_last_until_the_next_ones_are_told() -> None:
    with pytest.raises(ValidationError, match="stale_after 120 is less than twice the interval of 100 seconds"):
        options(interval=100)


def test_kinds_of_units() -> None:
    assert options(units={"5": "inverter", "222": "mio"}).units == {"5": Kind.INVERTER, "222": Kind.MIO}
    assert "allowed: 1 to 255" in message(units={"300": "mio"})
    assert "allowed: 1 to 255" in message(units={"MIO": "mio"})
    said = message(units={"5": "site"})
    assert "unit 5 cannot be a site; allowed: " in said
    assert "pv_disconnect" in said
    assert "bridge" not in said
    assert "'mio'" in message(units={"5": "toaster"}), "what is allowed is told"


def test_pins() -> None:
    assert options(sunspec_pins=["10:40070=102"]).sunspec_pins == ["10:40070=102"]
    assert pin("10:40070=102") == (10, 40070, 102, None)
    assert pin("10:40234=20001:20") == (10, 40234, 20001, 20)


@pytest.mark.parametrize("text", ["10:40310=64900", "10:65530=102"])
def test_a_model_that_cannot_stand_there(text: str) -> None:
    assert "SunSpec model" in message(sunspec_pins=[text])


@pytest.mark.parametrize("text", ["", "10:40070", "10=102", "0:40070=102", "10:70000=102", "10:40070=0", "a:b=c"])
def test_what_pins_nothing(text: str) -> None:
    assert 'allowed: "unit:address=model"' in message(sunspec_pins=[text])


def test_a_map_that_is_not_there(tmp_path: Path) -> None:
    said = message(maps=[tmp_path / "mio.toml"])
    assert said.startswith("maps: ")
    assert "mio.toml" in said


def test_a_map_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "mio.toml").write_text('[[register]]\nunit = "many"\n')
    assert "mio.toml" in message(maps=[tmp_path / "mio.toml"])


def test_a_map_of_another_network(tmp_path: Path) -> None:
    text = 'name = "a"\nsource = "b"\ntransport = "conext"\nunits = [221]\ntable = "holding"\nregisters = []\n'
    (tmp_path / "xw.toml").write_text(text)
    said = message(maps=[tmp_path / "xw.toml"])
    assert 'xw.toml: key `transport`: found "conext", expected "rtu"' in said


def test_in_the_configuration_file(tmp_path: Path) -> None:
    file = tmp_path / "pvsmqtt.toml"
    file.write_text(f'[mqtt]\nhost = "x"\n[[rs485]]\nline = "{LINE}"\nunits = {{ "5" = "inverter" }}\n')
    ((table, _, found),) = load(file, {"PVSMQTT_RS485__0__BAUDRATE": "9600"}).sources()
    assert table == "rs485"
    assert found.model_dump()["baudrate"] == 9600
    file.write_text(f'[mqtt]\nhost = "x"\n[[rs485]]\nline = "{LINE}"\nbaudrate = "fast"\n')
    with pytest.raises(SettingsError, match=r'pvsmqtt.toml:5: key `rs485\[0\].baudrate`: .*allowed: "auto"'):
        load(file, {})


def test_a_map_that_has_changed_makes_other_options(tmp_path: Path) -> None:
    file = tmp_path / "learned.toml"
    text = 'name = "a"\nsource = "b"\nunits = [221]\ntable = "holding"\n'
    text += 'registers = [{ address = 1, name = "c", type = "int16" }]\n'
    file.write_text(text)
    first = options(maps=[file])
    assert [(one.name, one.entries[0].address) for one in first.register_maps] == [("a", 1)]
    file.write_text(text + "\n")
    assert options(maps=[file]) == first, "it says the same"
    file.write_text(text.replace("address = 1", "address = 2"))
    assert options(maps=[file]) != first
    file.unlink()
    assert first.register_maps[0].entries[0].address == 1
    assert "learned.toml" in message(maps=[file])
