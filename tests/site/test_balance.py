"""The power balance of a house: pv + grid + battery = load on every state that has all four."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvsmqtt.model.device import Device, Kind
from pvsmqtt.model.reading import DERIVED, DeviceState, Reading
from pvsmqtt.site import balance
from pvsmqtt.site.battery import NEAR
from pvsmqtt.site.house import House
from pvsmqtt.site.registry import Registry

AT = datetime(2026, 6, 21, 18, 0, tzinfo=UTC)
PVS, STORAGE, LIVE, TCP = "pvs a", "pvs a storage", "pvs a live", "modbus_tcp conext"
SUPERVISOR = Device("zt1", Kind.SUPERVISOR, "PV supervisor ZT1", "ZT1")
P_METER = Device("m1p", Kind.PRODUCTION_METER, "Production meter M1p", "M1p", via="zt1")
C_METER = Device("m1c", Kind.CONSUMPTION_METER, "Consumption meter M1c", "M1c", via="zt1")
ESS = Device("ess1", Kind.ESS, "Energy storage ESS1", "ESS1", via="zt1")
XW = Device(
    "xw1", Kind.STORAGE_INVERTER, "Storage inverter XW1", "XW1", via="zt1", modbus_unit=10, interface="sunspec"
)
LINE = Device("conext", Kind.BUS, "Gateway conext")


def unit(number: int, kind: Kind, name: str = "conext", serial: str | None = None) -> Device:
    device_id = f"{name}_{number}"
    return Device(device_id, kind, device_id, serial, via=name, modbus_unit=number, interface="tcp")


def tell(source: str, device: Device, now: float, valid_for: float, age: float = 0.0, **values: Any) -> Reading:
    return Reading(device, values, source, AT + timedelta(seconds=now - age), age, valid_for)


def poll(
    now: float, pv: float | None, grid: float | None, ess: float | None = None, age: float = 0.0
) -> list[Reading]:
    """A poll of the PVS; its storage is in it only where it tells something."""
    found = [
        tell(PVS, SUPERVISOR, now, 900, uptime=now + 1),
        tell(PVS, P_METER, now, 900, age, power=pv, energy=1000.0 + now / 3600),
        tell(PVS, C_METER, now, 900, age, power=grid, net_energy=5.0, meter_type="net_consumption_loadside"),
    ]
    return found if ess is None else [*found, tell(PVS, ESS, now, 900, age, power=ess)]


def gateway(now: float, xw: float | None, serial: str | None = None, **told: Any) -> list[Reading]:
    return [
        tell(TCP, LINE, now, 60, line_state="listening"),
        tell(TCP, unit(1, Kind.GATEWAY), now, 45, firmware="1", **told),
        tell(TCP, unit(10, Kind.STORAGE_INVERTER, serial=serial), now, 45, power=xw),
    ]


def live(now: float, **values: Any) -> list[Reading]:
    return [tell(LIVE, Device("site", Kind.SITE, "Solar site"), now, 90, **values)]


@pytest.fixture
def house() -> House:
    return new_house()


def new_house(*sources: str) -> House:
    house = House(Registry())
    house.expect(dict.fromkeys(sources or (PVS, TCP), "site"), [], single=[TCP])
    house.configure({}, [], 0)
    return house


def site(events: Iterable[Any]) -> DeviceState | None:
    return next((e for e in events if isinstance(e, DeviceState) and e.key == "site"), None)


def powers(state: DeviceState | None) -> tuple[Any, ...]:
    assert state is not None
    return tuple(state.values.get(key) for key in balance.POWERS)


def adds_up(state: DeviceState) -> bool:
    pv, grid, battery, load = powers(state)
    if None in (pv, grid, battery, load):
        return True
    total = pv + grid + battery
    return abs(total - load) <= max(1.0, 0.01 * abs(load)) or (load == 0 and -50 <= total <= 0)


# The snapshot


def test_the_battery_is_that_of_the_moment_of_the_meters(house: House) -> None:
    house.accept([*poll(0, 3000, -500), tell(PVS, XW, 0, 900, state="working")], 0)
    for now, power in ((5, -1000.0), (15, -1200.0), (30, -1500.0)):
        house.accept(gateway(now, power), now)
    told = site(house.accept(poll(40, 3000.0, -300.0, age=20), 40))
    assert powers(told) == (3000.0, -300.0, -1200.0, 1500.0)
    assert told is not None
    assert (told.feeds["battery_power"], told.feeds["load_power"], told.feeds["pv_power"]) == (TCP, DERIVED, PVS)


def test_between_two_polls_of_the_meters_the_set_stays_as_it_is(house: House) -> None:
    house.accept(gateway(0, -1000.0), 0)
    before = site(house.accept(poll(10, 3000.0, -300.0), 10))
    assert powers(before) == (3000.0, -300.0, -1000.0, 1700.0)
    for now in range(15, 300, 15):
        events = house.accept(gateway(now, 100.0 * now), now)
        between = site(events)
        assert between is None or powers(between) == powers(before), "only what the battery has counted is new"
        inverter = next(e for e in events if e.key == "conext_10")
        assert inverter.values["power"] == 100.0 * now, "the device itself shows its fresh value"
    after = site(house.accept(poll(300, 2000.0, 100.0), 300))
    assert powers(after) == (2000.0, 100.0, 28500.0, 30600.0)


def test_when_the_meters_are_too_old_the_set_ends(house: House) -> None:
    house.accept(gateway(0, -1000.0), 0)
    house.accept(poll(5, 3000.0, -300.0), 5)
    house.accept(gateway(900, -700.0), 900)
    assert powers(site(house.tick(905))) == (None, None, -700.0, None)


def test_a_battery_that_speaks_only_after_the_meters_still_comes_when_it_is_near(house: House) -> None:
    house.accept([*gateway(0, None), *poll(5, 3000.0, -300.0)], 5)
    assert powers(house._said["site"]) == (3000.0, -300.0, None, None)
    near = site(house.accept(gateway(5 + NEAR, -1000.0), 5 + NEAR))
    assert powers(near) == (3000.0, -300.0, -1000.0, 1700.0)


def test_a_battery_that_was_silent_when_the_meters_measured_does_not_go_with_them(house: House) -> None:
    brief = [Reading(r.device, r.values, r.source, r.measured_at, 0.0, 10.0) for r in gateway(0, -1000.0)]
    house.accept([*poll(0, None, None), *brief], 0)
    assert powers(site(house.accept(poll(20, 3000.0, -300.0), 20))) == (3000.0, -300.0, None, None)
    assert powers(site(house.accept(poll(40, 3000.0, -301.0, age=35), 40))) == (3000.0, -301.0, -1000.0, 1699.0)


def test_one_that_comes_later_shows_itself_and_not_the_sum(house: House) -> None:
    house.accept([*gateway(0, None), *poll(5, 3000.0, -300.0)], 5)
    late = site(house.accept(gateway(100, -1000.0), 100))
    assert powers(late) == (3000.0, -300.0, -1000.0, None)


def test_a_report_that_comes_a_moment_after_the_meters_replaces_the_one_before(house: House) -> None:
    house.expect({PVS: "site"}, [])
    house.accept(poll(0, 3000.0, -300.0), 0)
    house.accept([tell(STORAGE, ESS, 1, 900, power=-1000.0)], 1)
    first = site(house.accept(poll(300, 3000.0, -400.0), 300))
    assert powers(first) == (3000.0, -400.0, -1000.0, 1600.0)
    second = site(house.accept([tell(STORAGE, ESS, 301, 900, power=-1100.0)], 301))
    assert powers(second) == (3000.0, -400.0, -1100.0, 1500.0)


# Who tells what the battery does


def test_the_storage_system_goes_before_its_inverter_and_that_before_the_gateway(house: House) -> None:
    told = gateway(0, -1100.0, battery_power=-1200.0)
    assert powers(site(house.accept([*told, *poll(1, 3000.0, -300.0, ess=-1000.0)], 1)))[2] == -1000.0
    house.accept(gateway(290, -1110.0, battery_power=-1210.0), 290)
    silent = poll(300, 3000.0, -300.0)
    unknown = tell(PVS, ESS, 300, 900, power=None)
    assert powers(site(house.accept([*silent, unknown], 300)))[2] == -1110.0
    house.accept(gateway(590, None, battery_power=-1220.0), 590)
    assert powers(site(house.accept(poll(600, 3000.0, -300.0), 600)))[2] == -1220.0


def test_of_two_inverters_one_alone_is_no_sum(house: House) -> None:
    second = tell(TCP, unit(11, Kind.STORAGE_INVERTER), 0, 45, power=None)
    assert powers(site(house.accept([*gateway(0, 500.0), second, *poll(1, 3000.0, -300.0)], 1)))[2] is None
    both = tell(TCP, unit(11, Kind.STORAGE_INVERTER), 2, 45, power=250.0)
    house.accept([*gateway(2, 500.0), both], 2)
    assert powers(house._said["site"]) == (3000.0, -300.0, 750.0, 3450.0)


def test_a_battery_that_is_only_heard_passively_is_not_in_the_sum() -> None:
    house = new_house(PVS)
    house.accept(gateway(0, 500.0), 0)
    assert powers(site(house.accept(poll(1, 3000.0, -300.0), 1))) == (3000.0, -300.0, None, None)


def test_a_gateway_that_never_speaks_blanks_nothing_that_does_not_need_it(house: House) -> None:
    told = site(house.accept(poll(0, 3000.0, -300.0, ess=-1000.0), 0))
    assert powers(told) == (3000.0, -300.0, -1000.0, 1700.0)
    assert told is not None
    assert told.values["pv_energy"] == 1000.0


def test_meters_wait_for_every_supervisor_but_for_no_gateway() -> None:
    house = new_house(PVS, "pvs b", TCP)
    assert site(house.accept(poll(0, 3000.0, -300.0), 0)).values == {"devices_online": 3}  # type: ignore[union-attr]


# Live data


def test_live_data_is_a_set_of_its_own(house: House) -> None:
    house.accept([*gateway(0, -900.0), *poll(1, 3000.0, -300.0)], 1)
    told = site(house.accept(live(5, pv_power=2500.0, grid_power=100.0, load_power=1600.0, battery_power=-1000.0), 5))
    assert powers(told) == (2500.0, 100.0, -1000.0, 1600.0)
    assert told is not None
    assert {told.feeds[key] for key in balance.POWERS} == {LIVE}
    assert powers(site(house.tick(95))) == (3000.0, -300.0, -900.0, 1800.0)


def test_live_data_without_its_battery_is_not_mixed_with_another(house: House) -> None:
    house.accept([*gateway(0, -900.0), *poll(1, 3000.0, -300.0)], 1)
    told = site(house.accept(live(5, pv_power=2500.0, grid_power=100.0, load_power=1600.0), 5))
    assert powers(told) == (2500.0, 100.0, None, 1600.0)


def test_live_data_that_tells_too_little_leaves_the_meters_alone(house: House) -> None:
    house.accept([*gateway(0, -900.0), *poll(1, 3000.0, -300.0)], 1)
    house.accept(live(5, grid_power=100.0, state_of_charge=55.0), 5)
    assert powers(house._said["site"]) == (3000.0, -300.0, -900.0, 1800.0)
    assert house._said["site"].values["state_of_charge"] == 55.0


def test_live_data_that_does_not_add_up_tells_no_load_of_its_own(house: House) -> None:
    house.accept(poll(1, 3000.0, -300.0), 1)
    told = site(house.accept(live(5, pv_power=2500.0, grid_power=100.0, load_power=2600.0, battery_power=-1000.0), 5))
    assert powers(told) == (2500.0, 100.0, -1000.0, 1600.0)


# A house without meters


def test_a_gateway_alone_makes_a_set_with_the_ac_power_of_its_inverter() -> None:
    house = new_house(TCP)
    told = site(house.accept(gateway(0, -1000.0, grid_power=200.0, load_power=1500.0, battery_power=-1100.0), 0))
    assert powers(told) == (2300.0, 200.0, -1000.0, 1500.0)
    assert told is not None
    assert (told.feeds["pv_power"], told.feeds["load_power"]) == (DERIVED, TCP)
    direct = site(house.accept(gateway(100, None, grid_power=200.0, load_power=1500.0, battery_power=-1100.0), 100))
    assert powers(direct) == (2400.0, 200.0, -1100.0, 1500.0)


def test_what_another_source_tells_of_the_battery_is_no_part_of_the_set_of_a_gateway(house: House) -> None:
    storage = [tell(PVS, SUPERVISOR, 0, 900, uptime=1.0), tell(PVS, ESS, 0, 900, power=-900.0)]
    told = gateway(0, -1000.0, grid_power=200.0, load_power=1500.0)
    assert powers(site(house.accept([*storage, *told], 0))) == (2300.0, 200.0, -1000.0, 1500.0)


def test_a_gateway_that_tells_production_has_its_load_derived() -> None:
    house = new_house(TCP)
    told = site(house.accept(gateway(0, -1000.0, grid_power=200.0, load_power=1500.0, pv_power=2000.0), 0))
    assert powers(told) == (2000.0, 200.0, -1000.0, 1200.0)
    assert told is not None
    assert (told.feeds["pv_power"], told.feeds["load_power"]) == (TCP, DERIVED)


def test_a_gateway_whose_register_of_production_is_never_filled() -> None:
    told = site(new_house(TCP).accept(gateway(0, 0.0, grid_power=-2000.0, load_power=500.0, pv_power=0.0), 0))
    assert powers(told) == (2500.0, -2000.0, 0.0, 500.0)


@pytest.mark.parametrize(("load", "pv"), [(500.0, 0.0), (460.0, 0.0), (440.0, None)])
def test_what_is_left_for_production_is_not_negative(load: float, pv: float | None) -> None:
    told = site(new_house(TCP).accept(gateway(0, 300.0, grid_power=200.0, load_power=load), 0))
    assert powers(told)[0] == pv
    assert told is not None
    assert adds_up(told)


def test_with_meters_a_gateway_never_speaks_for_the_house(house: House) -> None:
    both = [*gateway(0, -1000.0, grid_power=1.0, load_power=2.0), *poll(1, 3000.0, -300.0)]
    assert powers(site(house.accept(both, 1))) == (3000.0, -300.0, -1000.0, 1700.0)
    house.accept(gateway(1000, -1000.0, grid_power=1.0, load_power=2.0), 1000)
    assert powers(house._said["site"]) == (None, None, -1000.0, None), "nor while they are silent"


def test_a_house_of_inverters_alone_produces_what_they_do() -> None:
    house = new_house(TCP, "modbus_tcp roof")
    house.expect({TCP: "site", "modbus_tcp roof": "site"}, [], single=[TCP, "modbus_tcp roof"])
    first = tell(TCP, unit(126, Kind.INVERTER), 0, 45, power=900.0, energy=100.0)
    assert site(house.accept([tell(TCP, LINE, 0, 60, line_state="x"), first], 0)).values.keys() == {  # type: ignore[union-attr]
        "devices_online", "panels_live", "panels_asleep", "panels_lost"
    }  # fmt: skip
    roof = tell("modbus_tcp roof", unit(1, Kind.INVERTER, "roof"), 1, 45, power=600.0, energy=50.0)
    meter = tell("modbus_tcp roof", unit(240, Kind.METER, "roof"), 1, 45, power=-300.0)
    told = site(house.accept([roof, meter], 1))
    assert powers(told) == (1500.0, None, None, None), "nobody says what the meter measures"
    assert told is not None
    assert told.values["pv_energy"] == 150.0
    again = House(Registry.of(house.registry.document()))
    again.expect({TCP: "site", "modbus_tcp roof": "site"}, [], single=[TCP, "modbus_tcp roof"])
    line = tell("modbus_tcp roof", Device("roof", Kind.BUS, "roof"), 0, 60, line_state="x")
    half = site(again.accept([tell(TCP, LINE, 0, 60, line_state="x"), first, line], 0))
    assert half is not None
    assert half.values["pv_power"] is None, "one of the inverters is not known yet"


def test_a_hybrid_inverter_is_not_taken_for_a_battery() -> None:
    house = new_house(TCP)
    hybrid = tell(TCP, unit(126, Kind.STORAGE_INVERTER), 0, 45, power=900.0, dc_power=950.0)
    assert powers(site(house.accept([hybrid], 0))) == (None, None, None, None)
    storage = tell(TCP, unit(126, Kind.STORAGE_INVERTER), 0, 45, power=900.0)
    assert powers(site(new_house(TCP).accept([storage], 0))) == (None, None, 900.0, None)


def test_a_meter_that_its_owner_called_a_consumption_meter_is_the_grids_when_it_proves_it() -> None:
    house = new_house(TCP)
    inverter = tell(TCP, unit(126, Kind.INVERTER), 0, 45, power=900.0)
    meter = tell(TCP, unit(240, Kind.CONSUMPTION_METER), 0, 45, power=-300.0)
    assert powers(site(house.accept([inverter, meter], 0))) == (900.0, -300.0, None, 600.0)


def test_an_inverter_that_is_not_read_but_told_makes_no_sum() -> None:
    house = new_house(TCP)
    told = Reading(Device("sma_1", Kind.INVERTER, "Inverter 1", "1"), {"power": 5.0}, "yasdi sma", AT, 0.0, 300.0)
    assert powers(site(house.accept([told, tell(TCP, unit(126, Kind.INVERTER), 0, 45, power=900.0)], 0)))[0] is None


# Pure


@pytest.mark.parametrize(("total", "load"), [(300.0, 300.0), (-50.0, 0.0), (-50.1, None), (None, None)])
def test_noise_is_nothing_and_less_is_unknown(total: float | None, load: float | None) -> None:
    assert balance.used(total) == load


def test_grid_follows_from_a_meter_of_the_load_also_with_a_battery() -> None:
    told = {"pv_power": 3000.0, "load_power": 1500.0, "battery_power": -1000.0}
    assert balance.completed(told, storage=True) == {"grid_power": -500.0}
    assert balance.completed({**told, "battery_power": None}, storage=True) == {}


_power = st.one_of(st.none(), st.floats(-8000, 8000).map(lambda w: round(w, 1)))
_step = st.tuples(
    st.sampled_from(["pvs", "pvs+ess", "ess", "gateway", "live", "second", "tick"]),
    st.floats(0.5, 700),
    st.tuples(_power, _power, _power, _power, _power),
    st.floats(0, 250),
)


def _readings(what: str, now: float, told: Sequence[Any], age: float, energy: float) -> list[Reading]:
    a, b, c, d, e = told
    if what == "pvs":
        return poll(now, a, b, age=age)
    if what == "pvs+ess":
        return poll(now, a, b, c, age)
    if what == "ess":
        return [tell(STORAGE, ESS, now, 900, age, power=a, charge_energy=energy)]
    if what == "gateway":
        return gateway(now, a, grid_power=b, load_power=c, battery_power=d, pv_power=e)
    if what == "second":
        return [tell(TCP, unit(11, Kind.STORAGE_INVERTER), now, 45, power=a)]
    return live(now, pv_power=a, grid_power=b, load_power=c, battery_power=d, pv_energy=energy)


@given(st.sampled_from([(PVS,), (TCP,), (PVS, TCP)]), st.lists(_step, max_size=25))
def test_whatever_is_told_when_the_sum_is_right_and_no_energy_falls(
    expected: tuple[str, ...], steps: list[tuple[str, float, tuple[Any, ...], float]]
) -> None:
    house, now, before = new_house(*expected), 1000.0, {}
    for what, gap, told, age in steps:
        now += gap
        if what == "tick":
            events: list[Any] = list(house.tick(now))
        else:
            events = list(house.accept(_readings(what, now, told, age, 1000.0 + now / 3600), now))
        state = site(events)
        if state is None:
            continue
        assert adds_up(state), state.values
        assert state.values.get("load_power") is None or state.values["load_power"] >= 0
        for key in ("pv_energy", "battery_charge_energy"):
            value = state.values.get(key)
            if value is not None:
                assert value >= before.get(key, 0.0)
                before[key] = value


_part = st.tuples(st.sampled_from(["p1", "p2", "x1", "x2", "e1", "e2"]), st.integers(0, 9), st.floats(1, 500))


@given(st.permutations(["p1", "p2"]), st.lists(_part, max_size=40))
def test_no_total_is_ever_a_part_of_the_sum(first: list[str], parts: list[tuple[str, int, float]]) -> None:
    """Of two meters, inverters and systems, the second tells of thousands: a sum has both, or is none."""
    second = Device("m2p", Kind.PRODUCTION_METER, "Production meter M2p", "M2p", via="zt2")
    ess2 = Device("ess2", Kind.ESS, "Energy storage ESS2", "ESS2", via="zt2")
    about = {
        "p1": (PVS, P_METER, 900.0),
        "p2": ("pvs b", second, 900.0),
        "x1": (TCP, unit(10, Kind.STORAGE_INVERTER), 45.0),
        "x2": ("modbus_tcp b", unit(10, Kind.STORAGE_INVERTER, "b"), 45.0),
        "e1": (PVS, ESS, 300.0),
        "e2": ("pvs b", ess2, 300.0),
    }
    house, now = new_house(PVS, "pvs b", TCP, "modbus_tcp b"), 0.0
    house.expect(dict.fromkeys((PVS, "pvs b", TCP, "modbus_tcp b"), "site"), [], single=[TCP, "modbus_tcp b"])
    started = False
    for what, size, gap in [*((one, 5, 1.0) for one in first), *parts]:
        now += gap
        source, device, valid_for = about[what]
        if what in ("e1", "e2") and not started:
            # A supervisor lists all that it has at once.
            started = True
            house.accept([tell(a, d, now, 1.0, state="working") for a, d, _ in (about["e1"], about["e2"])], now)
        power = (1000.0 if what[1] == "2" else 1.0) * (size + 1)
        events = house.accept([tell(source, device, now, valid_for, power=power)], now)
        state = site(events)
        for key in ("pv_power", "battery_power"):
            total = state.values.get(key) if state is not None else None
            assert total is None or (total > 1000 and total % 1000 > 0), (key, total)
