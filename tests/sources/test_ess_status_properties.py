"""What holds for every storage report whatsoever, well-formed or hostile."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from pvsmqtt.model.device import Device, Kind
from pvsmqtt.model.quantity import QUANTITIES
from pvsmqtt.sources.pvs.older import ess_status
from pvsmqtt.sources.pvs.older.ess_types import SECTIONS
from pvsmqtt.sources.pvs.refusal import Refused

NOON = datetime(2023, 6, 21, 12, tzinfo=UTC)
SERIALS = ("", "n/a", "A", "a", "A_1", "A_1_2", "00001ABC_SY1", "00001ABC", "bridge", "\ud800")
WORDS = (
    "nan",
    "NONE",
    "CLOSED",
    "METER_VOLTAGE_IN_RANGE",
    "RUNNING",
    "1e400",
    "0",
    "-0.0",
    "12",
    "OTHER",
    "2023-06-21",
)

scalars = st.none() | st.booleans() | st.integers() | st.just(10**400) | st.floats() | st.text(max_size=8)
scalars |= st.sampled_from(WORDS + SERIALS)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=10,
)
times = st.datetimes(datetime(1, 1, 1), datetime(9999, 1, 1)).map(  # noqa: DTZ001 - only its text counts
    lambda when: f"{when:%Y-%m-%d %H:%M:%S}".rjust(19, "0")
) | st.sampled_from(["2023-06-21 11:59:58", "2023-06-21 11:00:00"])
measured = anything | st.fixed_dictionaries({"value": anything, "unit": anything})


def entry(section: str) -> st.SearchStrategy[Any]:
    """An entry in which each part may be there, absent or nonsense."""
    paths = sorted({path for path, _, _ in SECTIONS[section][1]})

    def build(told: dict[str, Any], serial: Any, when: Any) -> dict[str, Any]:
        result: dict[str, Any] = {"serial_number": serial, "last_updated": when}
        for path, value in told.items():
            node, *rest = path.split(".")
            inner: Any = value
            for key in reversed(rest):
                inner = {key: inner, "last_updated": when}
            held = result.get(node)
            result[node] = {**held, **inner} if isinstance(held, dict) and isinstance(inner, dict) else inner
        return result

    told = st.dictionaries(st.sampled_from(paths), measured, max_size=8)
    return st.builds(build, told, st.sampled_from(SERIALS) | scalars, times | scalars)


sections = {key: st.lists(entry(key) | anything, max_size=3) | entry(key) | anything for key in SECTIONS}
reports = st.fixed_dictionaries(
    {}, optional={**sections, "last_updated": times | anything, "ess_state": anything, "brand\nnew\ud800": anything}
)
replies = st.fixed_dictionaries({"ess_report": reports | anything}, optional={"errors": anything, "result": anything})
devices = st.lists(
    st.builds(
        Device,
        id=st.sampled_from(["a", "b", "c", "d", "a_1", "zt"]),
        kind=st.sampled_from(
            [Kind.ESS, Kind.BATTERY, Kind.HUB_PLUS, Kind.STORAGE_INVERTER, Kind.MIO, Kind.SUPERVISOR]
        ),
        name=st.just("known"),
        serial=st.none() | st.sampled_from(SERIALS),
    ),
    max_size=5,
    unique_by=lambda device: device.id,
)
deep: Any = 1
for _ in range(300):
    deep = {"x": deep}


@given(anything | replies, devices, st.none() | st.just(NOON))
@example({"ess_report": {"ess_status": deep, "battery_status": [deep], "ess_state": deep}, "errors": deep}, [], None)
@example({"ess_report": {"battery_status": [{"serial_number": "A"}, {"serial_number": "a"}]}}, [], NOON)
@settings(max_examples=500)
def test_nothing_but_refused_comes_out_and_every_reading_is_sound(
    payload: object, known: list[Device], clock: datetime | None
) -> None:
    try:
        found = ess_status.decode(payload, "test", known=known, clock=clock, stale_after=900, keep=180)
    except Refused:
        return
    ids = [reading.device.id for reading in found.readings]
    assert len(set(ids)) == len(ids)
    assert all(ids)
    named = {device.id: device for device in known}
    for reading in found.readings:
        assert named.get(reading.device.id, reading.device) is reading.device
        assert reading.age is None or 0 <= reading.age < math.inf
        assert 0 <= reading.valid_for <= 900
        assert reading.measured_at is None or reading.measured_at.tzinfo is UTC
        for key, value in reading.values.items():
            row = QUANTITIES[key]
            if value is None:
                continue
            assert not isinstance(value, bool)
            if row.options or row.switch:
                assert value in (row.options or ("on", "off"))
            elif row.unit or row.state_class:
                assert isinstance(value, int | float), key
                assert math.isfinite(value)
            else:
                assert isinstance(value, str)
                value.encode()
    json.dumps(sorted(found.unmapped)).encode()
    assert all(count > 0 for count in found.refused.values())


@given(st.sampled_from(sorted(SECTIONS)), st.data())
@settings(max_examples=200)
def test_missing_never_becomes_a_number(section: str, data: st.DataObject) -> None:
    missing = st.sampled_from(["", "nan", "-inf", "n/a", "null", None, [], {}, {"value": None, "unit": "A"}])
    told = {path.split(".")[0]: data.draw(missing) for path, _, _ in SECTIONS[section][1]}
    told.pop("errors", None)  # where an empty list says that there are none
    payload = {"ess_report": {section: [{"serial_number": "X1", **told}], "ess_state": None}}
    (reading,) = ess_status.decode(payload, "test").readings
    assert set(reading.values.values()) <= {None}


@given(st.floats(-500, 500), st.sampled_from(["A", "mA", None, 5]))
def test_a_current_that_charges_is_negative(amperes: float, unit: object) -> None:
    battery = {"serial_number": "B", "battery_amperage": {"value": amperes, "unit": unit}}
    (reading,) = ess_status.decode({"ess_report": {"battery_status": [battery]}}, "test").readings
    assert reading.values == {"current": -amperes}
    assert math.copysign(1, reading.values["current"] or 1) * amperes <= 0  # type: ignore[arg-type]
