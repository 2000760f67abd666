"""What holds for every DeviceList reply whatsoever, well-formed or hostile."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from pvsmqtt.model.quantity import QUANTITIES
from pvsmqtt.model.reading import Reading
from pvsmqtt.sources.pvs.older import device_types, dl_cgi
from pvsmqtt.sources.pvs.refusal import Refused

NOON = datetime(2025, 6, 21, 12, tzinfo=UTC)

TIMES = ("DATATIME", "DATETIME", "CURTIME")
SERIALS = ("E1", "E2", "e1", "PVS6M1p", "PVS6M1c", "ZT1", "n/a", "", "a", "a_mio", "a_hub_plus")
WORDS = ("nan", "-nan", "inf", "Infinity", "n/a", "null", "", "TBD", "1e308", "-1e400", "0", "-0.0", "1_0", "0x1F")
STATES = ("working", "error", "unknown", "Working", "hibernating", "NOT_USED", "NET_CONSUMPTION_LOADSIDE", "\ud800")
KEYS = sorted({key for type_ in (*device_types.TYPES.values(), *device_types.METERS.values()) for key in type_.table})

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**400)
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(WORDS + STATES)
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def clock_text(when: datetime) -> str:
    return f"{when:%Y,%m,%d,%H,%M,%S}"


moments = st.datetimes(datetime(1, 1, 1), datetime(9999, 1, 1)).map(  # noqa: DTZ001 - only its text counts
    lambda when: f"{when.year},{when.month},{when.day},{when.hour},{when.minute},{when.second}"
)
some = scalars | st.decimals(-1000, 1000, places=4).map(str) | st.lists(scalars, max_size=2)
identities = st.fixed_dictionaries(
    {},
    optional={
        "SERIAL": st.sampled_from(SERIALS) | some,
        "DEVICE_TYPE": st.sampled_from([*device_types.TYPES, "Novelty"]) | some,
        "TYPE": st.sampled_from([*device_types.METERS, "SOLARBRIDGE"]) | some,
        "STATE": st.sampled_from(STATES) | some,
        "PARENT": st.sampled_from(SERIALS) | some,
        **dict.fromkeys(TIMES, moments | some),
    },
)
DETAILS = ("MODEL", "PANEL", "SWVER", "hw_version", "HWVER", "slave", "interface", "brand_new", "brand\nnew\ud800")
details = st.dictionaries(st.sampled_from([*KEYS, *DETAILS]), some, max_size=8)
entries = st.builds(dict.__or__, identities, details)
replies = st.fixed_dictionaries(
    {"devices": st.lists(entries | anything, max_size=6), "result": st.just("succeed")},
    optional={"msg": anything},
)


def readings(payload: object, **options: float) -> tuple[Reading, ...]:
    return dl_cgi.decode(payload, "test", **options).readings


def check(reply: dl_cgi.DeviceList) -> None:
    """What the rest of the house relies on."""
    ids = [reading.device.id for reading in reply.readings]
    assert len(set(ids)) == len(ids)
    assert all(ids)
    for reading in reply.readings:
        assert reading.age is None or 0 <= reading.age < math.inf
        assert 0 <= reading.valid_for < math.inf
        assert reading.measured_at is None or reading.measured_at.tzinfo is UTC
        for key, value in reading.values.items():
            row = QUANTITIES[key]
            if value is None:
                continue
            if row.options or row.switch:
                assert value in (row.options or ("on", "off"))
            elif row.unit or row.state_class or row.precision is not None:
                assert isinstance(value, int | float), key
            assert not isinstance(value, bool)
            assert not isinstance(value, int | float) or math.isfinite(value)
        device = reading.device
        texts = [device.name, device.serial, device.model, device.panel, device.sw_version, device.hw_version]
        texts += [device.interface, *(value for value in reading.values.values() if isinstance(value, str))]
        json.dumps(texts, ensure_ascii=False).encode()
    json.dumps(sorted(reply.unmapped), ensure_ascii=False).encode()


@given(anything | replies | st.fixed_dictionaries({"devices": anything, "result": anything}))
@example({"devices": [{"SERIAL": "a", "DEVICE_TYPE": "Inverter", "p_3phsum_kw": "1e308"}]})
@example({"devices": [{"SERIAL": "a", "DEVICE_TYPE": "Inverter", "stat_ind": math.nan, "MODEL": "\udfff"}]})
@example({"devices": [{"SERIAL": math.nan}, {"SERIAL": 10**400}, {"SERIAL": 10**5000}, {"SERIAL": True}]})
@example(
    {
        "devices": [
            {"SERIAL": "a_mio", "DEVICE_TYPE": "Battery"},
            {"SERIAL": "a", "DEVICE_TYPE": "HUB+"},
            {"SERIAL": "a", "DEVICE_TYPE": "ESS Hub"},
        ]
    }
)
@settings(max_examples=500)
def test_nothing_but_refused_comes_out_and_every_reading_is_sound(payload: object) -> None:
    try:
        reply = dl_cgi.decode(payload, "test", stale_after=900, keep=660)
    except Refused:
        return
    check(reply)


@given(st.sampled_from(sorted({*device_types.TYPES, "Novelty"})), st.data())
@settings(max_examples=200)
def test_missing_never_becomes_a_number(type_: str, data: st.DataObject) -> None:
    missing = st.sampled_from(
        ["", " ", "nan", "-nan", "inf", "-inf", "n/a", "N/A", "null", "TBD", None, [], {}, True]
    )
    keys = [key for key in KEYS if key.islower()]
    entry: dict[str, Any] = {
        key: data.draw(missing) for key in data.draw(st.sets(st.sampled_from(keys), max_size=12))
    }
    entry |= {"SERIAL": "X1", "DEVICE_TYPE": type_}
    (reading,) = readings({"devices": [entry]})
    assert set(reading.values.values()) <= {None}


@given(st.sampled_from(sorted({*device_types.TYPES, "Novelty"})), st.sets(st.sampled_from(KEYS)))
def test_only_what_was_told_is_in_the_values(type_: str, keys: set[str]) -> None:
    entry = {"SERIAL": "X1", "DEVICE_TYPE": type_} | dict.fromkeys(keys, "1")
    (reading,) = readings({"devices": [entry]})
    alone = [readings({"devices": [{"SERIAL": "X1", "DEVICE_TYPE": type_, key: "1"}]})[0].values for key in keys]
    assert reading.values.keys() <= {quantity for values in alone for quantity in values}
    assert not readings({"devices": [{"SERIAL": "X1", "DEVICE_TYPE": type_}]})[0].values


@given(st.lists(entries, max_size=6), st.randoms())
@settings(max_examples=100)
def test_the_order_of_entries_changes_no_value(devices: list[dict[str, Any]], random: Any) -> None:
    numbered = [
        entry | {"SERIAL": f"S{number}", "CURTIME": "2025,06,21,12,00,00"} for number, entry in enumerate(devices)
    ]
    shuffled = list(numbered)
    random.shuffle(shuffled)

    def told(payload: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            reading.device.id: (reading.device.kind, reading.values, reading.measured_at, reading.valid_for)
            for reading in readings({"devices": payload})
        }

    assert told(numbered) == told(shuffled)


@given(st.decimals(min_value=-10_000, max_value=10_000, places=6), st.sampled_from(["", " ", "+"]))
@example(Decimal("0.2887"), "")
@example(Decimal("-0.0046"), "")
@example(Decimal("1.0005"), "")
def test_watts_are_a_thousand_kilowatts(kilowatts: Decimal, before: str) -> None:
    assume(not (before == "+" and kilowatts.is_signed()))
    entry = {"SERIAL": "X1", "DEVICE_TYPE": "Inverter", "p_3phsum_kw": f"{before}{kilowatts:f} "}
    (reading,) = readings({"devices": [entry]})
    watts = reading.values["power"]
    assert isinstance(watts, float)
    assert watts == float(kilowatts * 1000)


@given(
    age=st.integers(-100_000, 100_000),
    stale_after=st.floats(60, 86_400),
    keep=st.floats(0, 3_000),
    state=st.sampled_from(["working", "error"]),
    type_=st.sampled_from(["Inverter", "Power Meter", "ESS Hub", "PV Disconnect", "MET Station", "Novelty"]),
    key=st.sampled_from(["DATATIME", "DATETIME"]),
)
@example(age=900, stale_after=900, keep=660, state="working", type_="Inverter", key="DATATIME")
@example(age=899, stale_after=900, keep=660, state="error", type_="Inverter", key="DATATIME")
@example(age=-300, stale_after=900, keep=660, state="working", type_="Inverter", key="DATATIME")
@example(age=-301, stale_after=900, keep=660, state="working", type_="Inverter", key="DATATIME")
def test_the_age_decides_and_not_the_state(
    age: int, stale_after: float, keep: float, state: str, type_: str, key: str
) -> None:
    measured_at = NOON - timedelta(seconds=age)
    entry = {"SERIAL": "X1", "DEVICE_TYPE": type_, "STATE": state, "CURTIME": clock_text(NOON)}
    (reading,) = readings({"devices": [entry | {key: clock_text(measured_at)}]}, stale_after=stale_after, keep=keep)
    if age < -300:  # from the future: no believable time
        assert (reading.measured_at, reading.age, reading.valid_for) == (None, None, 0)
        return
    assert reading.measured_at == measured_at
    assert reading.age == max(age, 0)
    if reading.age >= stale_after:
        assert reading.valid_for == 0
    else:
        assert reading.valid_for == max(stale_after - reading.age, keep)


@given(st.sampled_from(["working", "error", "unknown", "", None]), st.sampled_from(["Inverter", "Power Meter"]))
def test_without_a_time_only_working_counts_as_the_present(state: str | None, type_: str) -> None:
    entry = {"SERIAL": "X1", "DEVICE_TYPE": type_, "STATE": state, "CURTIME": clock_text(NOON)}
    (reading,) = readings({"devices": [entry]})
    if state == "working":
        assert (reading.measured_at, reading.age) == (NOON, 0)
    else:
        assert (reading.measured_at, reading.age, reading.valid_for) == (None, None, 0)


@given(st.sampled_from(["working", "error"]), st.integers(0, 100_000))
def test_the_supervisor_is_as_of_the_reply(state: str, age: int) -> None:
    entry = {"SERIAL": "ZT1", "DEVICE_TYPE": "PVS", "STATE": state, "CURTIME": clock_text(NOON)}
    measured_at = NOON - timedelta(seconds=age)
    (reading,) = readings({"devices": [entry | {"DATATIME": clock_text(measured_at)}]}, stale_after=900)
    assert (reading.measured_at, reading.age, reading.valid_for) == (measured_at, 0, 900)
