"""The registry: identities that stay, across restarts, odd serials and damaged files."""

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from pvsmqtt.model.device import Device, Kind
from pvsmqtt.model.files import write_json
from pvsmqtt.site.registry import Registry, load

HUB = Device("sy1", Kind.HUB_PLUS, "HUB+ SY1", "SY1", model="SunPower MIDC", modbus_unit=220)
MIO = Device("sy1", Kind.MIO, "ESS hub SY1", "SY1")


def test_a_device_keeps_its_id():
    registry = Registry()
    registry.admit(HUB, ["state"])
    assert registry.identify(replace(HUB, id="something_else")) == "sy1"


def test_two_kinds_with_one_serial_are_two_devices():
    registry = Registry()
    registry.admit(HUB, ["state"])
    assert registry.identify(MIO) == "sy1_mio"
    registry.admit(replace(MIO, id="sy1_mio"), ["state"])
    assert registry.identify(MIO) == "sy1_mio"
    assert registry.identify(HUB) == "sy1"


def test_who_came_first_keeps_the_plain_id_whatever_the_reply_calls_it():
    registry = Registry()
    registry.admit(MIO, ["state"])
    assert registry.identify(replace(MIO, id="sy1_mio")) == "sy1"
    assert registry.identify(HUB) == "sy1_hub_plus"


def test_what_is_not_said_again_stays():
    registry = Registry()
    registry.admit(HUB, ["state"])
    registry.admit(Device("sy1", Kind.HUB_PLUS, "HUB+ SY1", "SY1", sw_version="0.7.22"), ["temperature"])
    entry = registry["sy1"]
    assert (entry.device.model, entry.device.sw_version) == ("SunPower MIDC", "0.7.22")
    assert entry.ordered() == ["temperature", "state"]


def test_it_is_to_be_saved_only_when_something_was_learned():
    registry = Registry()
    registry.admit(HUB, ["state"])
    learned = registry.changes
    assert learned
    registry.admit(HUB, ["state"])
    assert registry.changes == learned
    registry.learn("sy1", "measures", "grid")
    assert registry.changes > learned
    learned = registry.changes
    registry.learn("sy1", "measures", "grid")
    assert registry.changes == learned


def test_it_survives_a_restart(tmp_path):
    registry = Registry()
    registry.admit(HUB, ["state", "temperature"])
    registry.learn("sy1", "measures", "grid")
    write_json(tmp_path / "devices.json", registry.document())
    again = load(tmp_path / "devices.json")
    assert [(e.device, e.quantities, e.facts) for e in again] == [(e.device, e.quantities, e.facts) for e in registry]
    assert again.identify(HUB) == "sy1"
    assert not again.changes


def test_no_file_is_an_empty_registry(tmp_path):
    assert len(load(tmp_path / "devices.json")) == 0


def test_a_damaged_file_is_set_aside_and_said(tmp_path, caplog):
    file = tmp_path / "devices.json"
    file.write_text('{"format": 1, "devices": [{"id"')
    assert len(load(file)) == 0
    assert not file.exists()
    assert (tmp_path / "devices.json.bad").read_text().startswith('{"format"')
    assert "set aside" in caplog.text


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["format", "devices", "id", "kind", "quantities", "facts"]), inner, max_size=6
        )
    ),
    max_leaves=15,
)


@given(_json)
def test_no_document_is_fatal(tmp_path_factory, document):
    file = tmp_path_factory.mktemp("registry") / "devices.json"
    file.write_text(json.dumps(document))
    assert len(list(load(file))) >= 0


def test_quantities_that_no_longer_exist_are_dropped(tmp_path):
    registry = Registry()
    registry.admit(HUB, ["state"])
    document = registry.document()
    document["devices"][0]["quantities"].append("gone_for_good")
    write_json(tmp_path / "devices.json", document)
    assert load(tmp_path / "devices.json")["sy1"].ordered() == ["state"]


def test_a_reply_that_does_not_say_the_kind_makes_no_second_device():
    registry = Registry()
    registry.admit(HUB, ["state"])
    unsure = Device("sy1", Kind.OTHER, "Device SY1", "SY1", sw_version="0.7.23")
    assert registry.identify(unsure) == "sy1"
    entry = registry.admit(unsure, [])
    assert (entry.device.kind, entry.device.name, entry.device.sw_version) == (Kind.HUB_PLUS, HUB.name, "0.7.23")


def test_a_device_whose_kind_is_learned_late_keeps_its_id():
    registry = Registry()
    registry.admit(Device("x1", Kind.OTHER, "Device X1", "X1"), ["state"])
    panel = Device("x1", Kind.INVERTER, "Inverter X1", "X1")
    assert registry.identify(panel) == "x1"
    assert registry.admit(panel, []).device.kind is Kind.INVERTER
    assert registry.identify(panel) == "x1"
    assert len(registry) == 1


def test_a_forgotten_device_is_none():
    registry = Registry()
    registry.admit(HUB, ["state"])
    registry.forget("sy1")
    assert "sy1" not in registry
    assert registry.identify(MIO) == "sy1"
