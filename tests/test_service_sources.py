"""What the service tells the house of its sources, and what it calls them."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

import pytest

from pvsmqtt import settings
from pvsmqtt.model.device import Device, Kind
from pvsmqtt.model.reading import DeviceGone, DeviceState, Reading
from pvsmqtt.options import Options
from pvsmqtt.service import Service
from pvsmqtt.settings import Settings, load
from pvsmqtt.sources.base import Health, SourceKind


class Bus(Options):
    """A line."""

    line: str
    """Where."""
    name: str = "bus"
    """Name."""


class Box(Options):
    """A box."""

    host: str
    """Where."""


class Quiet:
    """A source that says nothing."""

    site = "site"

    def __init__(self, name: str) -> None:
        self.name = name
        self.health = Health(logging.getLogger(name))

    async def run(self, deliver: Any) -> None:
        raise NotImplementedError


async def _check(options: Any, state_dir: Path) -> list[Any]:
    return []


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Service:
    found = {
        "bus": SourceKind(Bus, lambda options, _: Quiet(f"bus {options.name}"), _check, measures_site=False),
        "box": SourceKind(Box, lambda options, _: Quiet(f"box {options.host}"), _check),
        "reader": SourceKind(
            Box, lambda options, _: Quiet(f"reader {options.host}"), _check, measures_site=True, tells_meters=False
        ),
    }
    monkeypatch.setattr(settings, "source_kinds", lambda: found)
    file = tmp_path / "pvsmqtt.toml"
    tables = '[mqtt]\nhost = "b"\n[[bus]]\nline = "x"\nname = "cabinet"\n[[box]]\nhost = "h"\n'
    file.write_text(f'state_dir = "{tmp_path}"\n{tables}', "utf-8")
    service = Service(load(file, {}))
    monkeypatch.setattr(service._supervisor, "start", lambda *_: None)
    return service


def test_a_source_bears_the_name_of_its_subject(service: Service) -> None:
    service._start_sources()
    assert set(service._sources) == {"bus cabinet", "box h"}


def test_only_what_measures_a_house_is_waited_for(service: Service) -> None:
    service._start_sources()
    assert service._house._sites._expected == {"box h": "site"}


def test_a_line_without_a_source_is_taken_away(service: Service) -> None:
    for name in ("cabinet", "attic"):
        line = Device(name, Kind.BUS, f"RS-485 line {name}")
        service._house.accept([Reading(line, {"frames": 1}, f"bus {name}")], 0.0)
    service._start_sources()
    assert [event.key for event in service._bus.latest() if isinstance(event, DeviceGone)] == ["attic"]


def test_a_line_is_not_counted_among_the_devices(service: Service) -> None:
    line = Device("cabinet", Kind.BUS, "RS-485 line cabinet")
    unit = Device("cabinet_7", Kind.OTHER, "Device cabinet 7", via="cabinet", modbus_unit=7, interface="rtu")
    readings = [Reading(line, {"frames": 1}, "bus cabinet"), Reading(unit, {"power": 1.0}, "bus cabinet")]
    service._publish(service._house.accept(readings, 0.0))
    service._tell_bridge()
    bridge = next(event for event in service._bus.latest() if event.key == "bridge")
    assert isinstance(bridge, DeviceState)
    assert (bridge.values["devices_known"], bridge.values["devices_online"]) == (1, 1)


METER = Device("m1p", Kind.PRODUCTION_METER, "Production meter M1p", "M1p", via="zt1")


def with_reader(service: Service, *more: str) -> Settings:
    file = service._settings.state_dir / "pvsmqtt.toml"
    head, _, tables = file.read_text("utf-8").partition("[mqtt]")
    tables = tables.partition("[[reader]]")[0]
    file.write_text("\n".join([*more, head, "[mqtt]" + tables, '[[reader]]\nhost = "r"\n']), "utf-8")
    return load(file, {})


async def test_meters_do_not_wait_for_who_tells_of_none(service: Service) -> None:
    service._settings = with_reader(service)
    service._start_sources()
    assert service._house._sites._expected == {"box h": "site", "reader r": "site"}
    told = Reading(METER, {"power": 5.0, "energy": 7.0}, "box h")
    site = next(event for event in service._house.accept([told], 0.0) if event.key == "site")
    assert isinstance(site, DeviceState)
    assert site.values["pv_power"] == 5.0


async def test_which_sources_go_first_is_read_again_with_the_configuration(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    service._settings = with_reader(service)
    service._configure_house()
    service._start_sources()
    listed = Device("xw1", Kind.STORAGE_INVERTER, "XW1", "XW1", via="zt1", modbus_unit=10, interface="sunspec")
    read = Device("r_10", Kind.STORAGE_INVERTER, "r 10", via="r", modbus_unit=10, interface="tcp")
    now = time.monotonic()
    service._publish(service._house.accept([Reading(listed, {"power": 1.0}, "box h")], now))
    service._publish(service._house.accept([Reading(read, {"power": 2.0}, "reader r")], now))

    def power() -> object:
        state = next(event for event in service._bus.latest() if event.key == "xw1")
        assert isinstance(state, DeviceState)
        return state.values["power"], state.feeds["power"]

    assert power() == (2.0, "reader r")
    await service._apply(with_reader(service, 'precedence = ["box", "boxx"]'))
    assert power() == (1.0, "box h")
    assert caplog.text.count("'boxx'") == 1
    assert "reader r" in caplog.text
