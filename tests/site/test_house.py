"""The house: readings in, states out."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from pvsmqtt.model.device import Device, Kind
from pvsmqtt.model.reading import DeviceGone, DeviceState, Reading
from pvsmqtt.site.house import House
from pvsmqtt.site.registry import Registry

PVS = Device("zt1", Kind.SUPERVISOR, "PV supervisor ZT1", "ZT1")
PANEL = Device("e1", Kind.INVERTER, "Inverter E1", "E1", via="zt1")
P_METER = Device("m1p", Kind.PRODUCTION_METER, "Production meter M1p", "M1p", via="zt1")
C_METER = Device("m1c", Kind.CONSUMPTION_METER, "Consumption meter M1c", "M1c", via="zt1")
AT = datetime(2026, 6, 21, 18, 5, tzinfo=UTC)


def reading(device, valid_for=900.0, **values):
    return Reading(device, values, "pvs a", AT, 0.0, valid_for)


def cycle(power=100.0):
    return [
        reading(PVS, uptime=10.0),
        reading(P_METER, power=power, energy=1000.0),
        reading(C_METER, power=-60.0, net_energy=5.0),
        reading(PANEL, power=power, energy=900.0),
    ]


@pytest.fixture
def house():
    return House(Registry())


def by_id(states):
    return {state.device.id: state for state in states}


def test_the_tree_hangs_together(house):
    states = by_id(house.accept(cycle(), 0))
    assert [states[d].device.via for d in ("e1", "zt1", "site")] == ["zt1", "site", "bridge"]


def test_the_house_adds_up(house):
    site = by_id(house.accept(cycle(), 0))["site"]
    assert site.online
    assert site.measured_at == AT
    assert site.values["pv_power"] == 100.0
    assert site.values["grid_power"] == -60.0
    assert site.values["load_power"] == 40.0
    assert site.values["devices_online"] == 4


def test_what_a_meter_measures_is_remembered_when_its_values_no_longer_show_it(house):
    house.accept(cycle(), 0)
    site = by_id(house.accept([reading(C_METER, power=700.0, net_energy=5.0)], 300))["site"]
    assert site.values["grid_power"] == 700.0


def test_nothing_new_says_nothing(house):
    house.accept(cycle(), 0)
    assert house.accept(cycle(), 1) == []
    assert house.tick(2) == []


def test_only_what_changed_is_said(house):
    house.accept(cycle(), 0)
    changed = by_id(house.accept([reading(PANEL, power=101.0, energy=900.0)], 1))
    assert list(changed) == ["e1"]


def test_time_makes_devices_go_offline_and_back(house):
    house.accept(cycle(), 0)
    states = by_id(house.tick(901))
    assert {d: s.online for d, s in states.items()} == {
        "site": False, "zt1": False, "m1p": False, "m1c": False, "e1": False,
    }  # fmt: skip
    assert states["e1"].values == {"power": None, "energy": 900.0, "availability": "stale", "problem": "off"}
    assert states["site"].values["pv_power"] is None
    assert states["site"].values["pv_energy"] == 1000.0
    back = by_id(house.accept(cycle(120.0), 950))
    assert back["e1"].online
    assert back["e1"].values["power"] == 120.0


def test_known_devices_are_there_after_a_restart(house):
    house.accept(cycle(), 0)
    again = House(Registry.of(house.registry.document()))
    states = by_id(again.configure({}, [], 0))
    assert set(states) == {"site", "zt1", "m1p", "m1c", "e1"}
    assert not any(state.online for state in states.values())
    assert states["e1"].values == {"power": None, "energy": None, "availability": "stale", "problem": "off"}
    assert states["e1"].device == house.registry["e1"].device


def test_names_by_serial_or_id(house):
    house.configure({"E1": "Roof south", "site": "Our house"}, [], 0)
    states = by_id(house.accept(cycle(), 0))
    assert states["e1"].device.name == "Roof south"
    assert states["site"].device.name == "Our house"
    renamed = by_id(house.configure({"e1": "Roof north"}, [], 1))
    assert renamed["e1"].device.name == "Roof north"
    assert renamed["site"].device.name == "Solar site"


def test_ignored_devices_vanish_and_come_back(house):
    house.accept(cycle(), 0)
    events = house.configure({}, ["E1"], 1)
    assert [e.device.id for e in events if isinstance(e, DeviceGone)] == ["e1"]
    assert "e1" not in by_id(house.accept(cycle(130.0), 2))
    back = [e for e in house.configure({}, [], 3) if isinstance(e, DeviceState)]
    assert by_id(back)["e1"].values["power"] == 130.0


def test_the_tree_follows_ids_that_were_settled_otherwise(house):
    hub = Device("sy1", Kind.HUB_PLUS, "HUB+ SY1", "SY1", via="zt1")
    ess = Device("sy1", Kind.ESS, "Energy storage SY1", "SY1", via="zt1")
    house.accept([reading(PVS), reading(hub, state="working")], 0)
    battery = Device("b1", Kind.BATTERY, "Battery B1", "B1", via="sy1")
    house.accept([reading(ess, state="working"), reading(battery, state="working")], 1)
    assert house.registry["b1"].device.via == "sy1_ess"


def test_a_device_keeps_its_place_when_its_parent_is_missing_from_a_reply(house):
    house.accept(cycle(), 0)
    house.accept([reading(replace(PANEL, via=None), power=7.0)], 1)
    assert house.registry["e1"].device.via == "zt1"


def test_two_houses_are_kept_apart(house):
    other = "site_beach_house"
    states = by_id(
        house.accept(
            [*cycle(), reading(replace(P_METER, id="m2p", serial="M2p", site=other), power=7.0, energy=1.0)], 0
        )
    )
    assert states["site"].values["pv_power"] == 100.0
    assert states[other].values["pv_power"] == 7.0
    assert states[other].device.name == "Solar site Beach house"


def test_a_quantity_without_a_row_is_left_out_and_said_once(house, caplog):
    house.accept([reading(PANEL, power=1.0, charm=5.0)], 0)
    state = by_id(house.accept([reading(PANEL, power=2.0, charm=6.0)], 1))["e1"]
    assert state.values == {"power": 2.0, "availability": "live", "problem": "off"}
    assert caplog.text.count("charm") == 1


def test_a_quantity_is_known_only_when_it_had_a_value(house):
    state = by_id(house.accept([reading(PANEL, power=1.0, temperature=None)], 0))["e1"]
    assert state.values == {"power": 1.0, "availability": "live", "problem": "off"}
    state = by_id(house.accept([reading(PANEL, power=None, temperature=40.0)], 1))["e1"]
    assert state.values == {"power": None, "temperature": 40.0, "availability": "live", "problem": "off"}


def test_a_meter_that_is_commissioned_anew_measures_what_it_says(house):
    gross = reading(C_METER, power=1500.0, net_energy=30.0, meter_type="gross_consumption_lineside")
    assert by_id(house.accept([*cycle(), gross], 0))["site"].values["load_power"] == 1500.0
    net = reading(C_METER, power=-1200.0, net_energy=-5.0, meter_type="net_consumption_loadside")
    site = by_id(house.accept([net], 1))["site"].values
    assert site["grid_power"] == -1200.0
    assert site["load_power"] is None, "nothing uses less than nothing: something else is measured"
    assert site["load_energy"] == 30.0, "what was counted stands"


def test_two_supervisors_of_one_house_add_up_only_together(house):
    second = replace(P_METER, id="m2p", serial="M2p", via="zt2")
    both = [*cycle(), reading(replace(PVS, id="zt2", serial="ZT2")), reading(second, power=7.0, energy=500.0)]
    assert by_id(house.accept(both, 0))["site"].values["pv_energy"] == 1500.0
    again = House(Registry.of(house.registry.document()))
    again.configure({}, [], 0)
    assert by_id(again.accept(cycle(), 0))["site"].values["pv_energy"] is None
    assert by_id(again.accept(both[-1:], 1))["site"].values["pv_energy"] == 1500.0


def test_a_house_that_gets_another_name_leaves_no_ghost(house):
    house.accept(cycle(), 0)
    events = house.accept([replace(r, device=replace(r.device, site="site_cabin")) for r in cycle()], 1)
    assert [event.device.id for event in events if isinstance(event, DeviceGone)] == ["site"]
    assert "site" not in house.registry
    states = by_id([event for event in events if isinstance(event, DeviceState)])
    assert states["zt1"].device.via == "site_cabin"


def test_children_of_an_ignored_device_hang_on_its_parent(house):
    house.configure({}, ["ZT1"], 0)
    assert by_id(house.accept(cycle(), 0))["e1"].device.via == "site"


def test_a_site_adds_up_only_when_every_source_has_spoken(house):
    house.expect({"pvs a": "site", "pvs b": "site", "pvs c": "site_cabin"})
    site = by_id(house.accept(cycle(), 0))["site"]
    assert set(site.values) == {"devices_online", "panels_live", "panels_asleep", "panels_lost"}
    second = replace(P_METER, id="m2p", serial="M2p", via="zt2")
    words = replace(reading(second, power=7.0, energy=500.0), source="pvs b")
    assert by_id(house.accept([words], 1))["site"].values["pv_energy"] == 1500.0


def test_a_meter_whose_counter_is_missing_makes_no_smaller_sum(house):
    second = replace(P_METER, id="m2p", serial="M2p", via="zt2")
    night = [reading(P_METER, power=0.0, energy=1000.0), reading(second, power=0.0, energy=500.0)]
    assert by_id(house.accept(night, 0))["site"].values["pv_energy"] == 1500.0
    missing = [reading(second, power=0.0, energy=None)]
    house.accept(missing, 1)
    assert house.ledger.published("site")["pv_energy"] == 1500.0


def test_a_replaced_meter_no_longer_counts_and_the_total_goes_on(house, caplog):
    house.accept(cycle(), 0)
    new = replace(P_METER, id="m9p", serial="M9p")
    states = by_id(house.accept([reading(PVS, uptime=1.0), reading(new, power=10.0, energy=3.0)], 1))
    assert states["site"].values["pv_energy"] == 1003.0
    assert "took the place" in caplog.text
    back = by_id(house.accept([reading(P_METER, power=20.0, energy=1000.0)], 2))
    assert back["site"].values["pv_energy"] == 1003.0
    later = by_id(house.accept([reading(P_METER, power=20.0, energy=1002.0)], 3))
    assert later["site"].values["pv_energy"] == 1005.0


def test_a_device_that_two_supervisors_list_stays_with_the_first(house):
    house.accept(cycle(), 0)
    other = replace(PVS, id="zt2", serial="ZT2")
    twice = [reading(other, uptime=1.0), reading(replace(PANEL, via="zt2"), power=5.0)]
    assert by_id(house.accept(twice, 1))["e1"].device.via == "zt1"
    house.tick(2000)
    assert by_id(house.accept(twice, 2000))["e1"].device.via == "zt2"


def test_a_serial_in_other_letters_is_the_same_device(house):
    house.accept(cycle(), 0)
    shouted = replace(PANEL, serial="e1", name="Inverter e1")
    assert house.accept([reading(shouted, power=100.0, energy=900.0)], 1) == []


def test_the_number_of_devices_is_bounded(house, monkeypatch, caplog):
    monkeypatch.setattr("pvsmqtt.site.house.MOST_DEVICES", 5)
    ghosts = [reading(replace(PANEL, id=f"g{n}", serial=f"G{n}"), power=1.0) for n in range(20)]
    for _ in range(2):
        house.accept(ghosts, 0)
    assert len([entry for entry in house.registry if entry.device.kind is Kind.INVERTER]) == 5
    assert caplog.text.count("more are left out") == 1


def test_names_that_match_nothing_are_said_once(house, caplog):
    house.configure({"E1": "Roof", "E2": "Misspelt"}, ["TYPO"], 0)
    house.accept(cycle(), 0)
    house.accept(cycle(2.0), 1)
    assert "'e1'" not in caplog.text
    assert caplog.text.count("'e2'") == 1
    assert caplog.text.count("'typo'") == 1


def test_a_silent_meter_that_holds_up_a_total_is_said_once(house, caplog):
    second = replace(P_METER, id="m2p", serial="M2p", name="Production meter M2p", via="zt2")
    house.accept([*cycle(), reading(second, power=7.0, energy=500.0)], 0)
    for now in (2000, 2300):
        house.accept(cycle(float(now)), now)
    assert caplog.text.count("M2p is silent") == 1


def test_an_ignored_site_is_nobodys_parent(house):
    house.configure({}, ["site"], 0)
    assert by_id(house.accept(cycle(), 0))["zt1"].device.via == "bridge"


def test_time_alone_costs_nothing_until_something_is_due(house, monkeypatch):
    house.accept(cycle(), 0)
    monkeypatch.setattr(house, "_changes", lambda *_: pytest.fail("nothing was due"))
    assert house.tick(899) == []


def test_a_misspelt_name_is_told_of_once_whoever_speaks_afterwards(house, caplog):
    house.configure({"E9": "Roof"}, [], 0)
    house.expect({"pvs test": "site"})
    for number, source in enumerate(("pvs test", "pvs test diagnostics", "pvs test storage", "pvs test")):
        house.accept([replace(one, source=source) for one in cycle()], number)
    assert caplog.text.count("no device has this serial number") == 1


def test_what_is_counted_holds_while_a_new_source_has_not_spoken(house):
    house.expect({"pvs a": "site"})
    house.accept(cycle(), 0)
    house.expect({"pvs at another address": "site"})
    values = by_id(house.accept([replace(reading(PANEL, power=5.0), source="a line")], 300))["site"].values
    assert (values["pv_energy"], values["pv_power"]) == (1000.0, None)


def test_what_grew_too_old_is_told_when_somebody_else_speaks_first(house):
    house.accept(cycle(), 0)
    other = Device("e2", Kind.INVERTER, "Inverter E2", "E2")
    states = by_id(house.accept([reading(other, power=100.0)], 901))
    assert not states["e1"].online
    assert house.tick(902) == []
