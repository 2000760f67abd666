"""What holds for every reply of a varserver whatsoever, well-formed or hostile."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from pvsmqtt.model.quantity import QUANTITIES
from pvsmqtt.model.reading import Reading
from pvsmqtt.sources.pvs.newer import variables, varserver
from pvsmqtt.sources.pvs.refusal import Refused

NOON = datetime(2026, 6, 21, 12, tzinfo=UTC)
MEASURED = "2026-06-21T11:55:00Z"

WORDS = ("nan", "-nan", "inf", "Infinity", "n/a", "null", "", "TBD", "1e308", "-1e400", "0", "-0.0", "1_0", "0x1F")
WORDS += ("BACKUP_ONLY", "party", "MID_STATE_CLOSED", "\ud800", "{", "[1", '{"sn": "E1"}', '{"a": NaN}', "[" * 60_000)
SERIALS = ("E1", "E2", "e1", "PVS6M1p", "PVS6M1c", "ZT1", "n/a", "", "a", "site", "a_inverter", "\udfff")
TIMES = ("2026-06-21T11:55:00Z", "2026-06-21T12:06:00Z", "n/a", "0", "1782043200", "9999-12-31T23:59:59-12:00")
TABLES = {name: family.table for name, family in variables.FAMILIES.items()} | {"novel": variables.ANY}
FIELDS = sorted(
    {field for table in TABLES.values() for field, _, _ in table} | variables.PROPERTIES | {"new", "data"}
)
SYSTEM = sorted({name for name, _, _ in (*variables.SUPERVISOR, *variables.STORAGE_SETTINGS)} | variables.NOT_READ)
SYSTEM += [variables.SERIAL, variables.MODEL, variables.HARDWARE]
ENERGIES = ("energy", "import_energy", "export_energy", "net_energy", "charge_energy", "discharge_energy")

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**400, 10**4000, -(10**400)])
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(WORDS + TIMES + SERIALS)
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
families = st.sampled_from([*TABLES, "", "Novel!", "\ud800", "x" * 80])
places = st.builds("/sys/devices/{}/{}".format, families, st.integers(0, 3))
names = (
    st.builds("{}/{}".format, places, st.sampled_from(FIELDS))
    | st.builds("/sys/devices/{}/{}/data".format, st.integers(0, 9), families)
    | st.sampled_from(SYSTEM)
    | st.builds("/sys/devices/{}".format, st.text(max_size=8) | st.just("a/b/c/d"))
    | st.text(max_size=8)
)
objects = st.dictionaries(st.sampled_from(FIELDS), scalars, max_size=8)
contents = st.dictionaries(names, anything | objects | objects.map(lambda value: json.dumps(value)), max_size=20)
lists = st.fixed_dictionaries(
    {
        "values": st.lists(
            st.fixed_dictionaries({}, optional={"name": names | scalars, "value": anything | objects}) | anything,
            max_size=12,
        )
    },
    optional={"count": anything},
)

decimals = st.decimals(-9_000, 9_000, places=3).map(str)
true_values = {
    "opMode": st.sampled_from(["STANDBY", "DCM"]),
    "midStEnum": st.sampled_from(["MID_STATE_CLOSED", "MID_STATE_OPEN"]),
    "pvd1StEnum": st.just("PVD_STATE_CLOSED"),
    "sohVal": st.just("1"),
}


@st.composite
def installations(draw: st.DrawFn) -> list[tuple[str, dict[str, str]]]:
    """Devices as (family, fields), every one with a serial of its own, in words of the PVS."""
    devices = []
    for number in range(draw(st.integers(0, 5))):
        family = draw(st.sampled_from(list(TABLES)))
        fields = {field for field, _, _ in TABLES[family]}
        told = draw(st.sets(st.sampled_from(sorted(fields)), max_size=6))
        values = {field: draw(true_values.get(field, decimals)) for field in sorted(told)}
        minutes = draw(st.integers(0, 60))
        when = NOON - timedelta(minutes=minutes)
        letter = draw(st.sampled_from("pcx"))
        identity = {"sn": f"S{number}{letter}", "msmtEps": f"{when:%Y-%m-%dT%H:%M:%SZ}", "prodMdlNm": "model"}
        devices.append((family, values | identity))
    return devices


def by_field(devices: list[tuple[str, dict[str, str]]], indices: list[int] | None = None) -> dict[str, object]:
    numbers = indices or list(range(len(devices)))
    return {
        f"/sys/devices/{family}/{index}/{field}": value
        for index, (family, fields) in zip(numbers, devices, strict=False)
        for field, value in fields.items()
    }


def told(found: dict[str, object], **options: Any) -> tuple[Reading, ...]:
    reply = varserver.decode(found, "test", clock=NOON, **options)
    assert not reply.refused
    return reply.readings


def check(reading: Reading) -> None:
    """What the rest of the house relies on."""
    assert reading.age is None or 0 <= reading.age < math.inf
    assert 0 <= reading.valid_for < math.inf
    assert reading.measured_at is None or reading.measured_at.tzinfo is UTC
    check_values(reading.values)
    device = reading.device
    assert device.id
    texts = [device.name, device.serial, device.model, device.sw_version, device.hw_version]
    json.dumps(texts, ensure_ascii=False).encode()


def check_values(values: Any) -> None:
    for key, value in values.items():
        row = QUANTITIES[key]
        if value is None:
            continue
        assert not isinstance(value, bool)
        if row.options or row.switch:
            assert value in (row.options or ("on", "off"))
        elif row.unit or row.state_class or row.precision is not None:
            assert isinstance(value, int | float), key
            assert math.isfinite(value)
        else:
            assert isinstance(value, str)
            assert len(value) <= 255
            value.encode()


@given(anything | contents | lists | st.fixed_dictionaries({"values": anything}))
@example({"/sys/devices/1/inverter/data": [1], "/sys/devices/inverter/1/sn": {"a": 1}})
@example({"values": [{"name": "/sys/devices/inverter/1/sn", "value": 10**5000}]})
@settings(max_examples=500)
def test_nothing_but_refused_comes_out_and_every_reading_is_sound(payload: object) -> None:
    try:
        found = varserver.variables(payload)
    except Refused:
        return
    reply = varserver.decode(found, "test", supervisor="zt1", stale_after=900, keep=660)
    ids = [reading.device.id for reading in reply.readings]
    assert len({*ids, "zt1", "site", "bridge"}) == len(ids) + 3
    for reading in reply.readings:
        check(reading)
        assert reading.device.via == "zt1"
    assert all(name.isascii() and name.isprintable() and len(name) < 64 for name in reply.unmapped)
    itself = varserver.supervisor(found, "test", serial="ZT1")
    assert itself is not None
    check(itself)
    check_values(varserver.storage_settings(found))
    varserver.live(found)


@given(st.sampled_from(sorted(TABLES)), st.sampled_from([MEASURED, "n/a", None, "soon"]), st.data())
@settings(max_examples=200)
def test_missing_never_becomes_a_number(family: str, when: str | None, data: st.DataObject) -> None:
    missing = st.sampled_from(
        ["", " ", "nan", "-nan", "inf", "-inf", "n/a", "N/A", "null", "TBD", None, [], {}, True]
    )
    fields = sorted({field for field, _, _ in TABLES[family]})
    entry: dict[str, Any] = {field: data.draw(missing) for field in data.draw(st.sets(st.sampled_from(fields)))}
    entry |= {"sn": "X1c", "msmtEps": when}
    for found in (by_field([(family, entry)]), {f"/sys/devices/1/{family}/data": entry}):
        (reading,) = told(found)
        assert set(reading.values.values()) <= {None}


@given(st.sampled_from(sorted(TABLES)), st.sampled_from(["n/a", "", None, "2026-06-21T12:05:01Z"]), st.data())
def test_a_device_that_was_never_measured_has_no_zeros(family: str, when: str | None, data: st.DataObject) -> None:
    zeros = st.sampled_from(["0", "0.000000", "-0.0", 0, 0.0])
    fields = sorted({field for field, _, _ in TABLES[family]} - {"midStEnum", "pvd1StEnum", "opMode"})
    entry: dict[str, Any] = {field: data.draw(zeros) for field in fields} | {"sn": "X1c", "msmtEps": when}
    (reading,) = told(by_field([(family, entry)]))
    assert set(reading.values.values()) <= {None}
    assert not set(ENERGIES) & set(reading.values)
    (reading,) = told(by_field([(family, entry | {"msmtEps": MEASURED})]))
    assert 0 in reading.values.values()


@given(st.sampled_from(sorted(TABLES)), st.sets(st.sampled_from(FIELDS)), st.sampled_from("pcx"))
def test_only_what_was_told_is_in_the_values(family: str, fields: set[str], letter: str) -> None:
    identity = {"sn": f"X1{letter}", "msmtEps": MEASURED}
    fields -= {*identity, "data"}

    def values(fields: set[str]) -> Any:
        found = by_field([(family, dict.fromkeys(sorted(fields), "1") | identity)])
        return varserver.decode(found, "test", clock=NOON).readings[0].values

    assert values(fields).keys() == {quantity for field in fields for quantity in values({field})}
    assert not values(set())


@given(st.data())
def test_a_production_meter_has_no_legs_and_no_import(data: st.DataObject) -> None:
    zeros = {field: data.draw(st.sampled_from(["0.000000", "1.5"])) for field in variables.PLACEHOLDERS}
    for identity in ({"sn": "X1p"}, {"sn": "X1", "prodMdlNm": "PVS6M0400p"}):
        fields = {"netLtea3phsumKwh": "5", "msmtEps": MEASURED} | zeros | identity
        reply = varserver.decode(by_field([("meter", fields)]), "test", clock=NOON)
        assert reply.readings[0].values == {"energy": 5}
        assert not reply.unmapped


@given(installations(), st.randoms())
@settings(max_examples=200)
def test_the_order_of_variables_and_their_indices_change_nothing(
    devices: list[tuple[str, dict[str, str]]], random: Any
) -> None:
    plain = told(by_field(devices))
    assert len(plain) == len(devices)
    shuffled = list(by_field(devices).items())
    random.shuffle(shuffled)
    assert told(dict(shuffled)) == plain
    assert told(by_field(devices, random.sample(range(99), len(devices)))) == plain


@given(installations(), st.booleans(), st.booleans())
@settings(max_examples=200)
def test_both_shapes_and_both_forms_tell_the_same(
    devices: list[tuple[str, dict[str, str]]], packed: bool, masked: bool
) -> None:
    plain = by_field(devices)
    objects: dict[str, object] = {}
    for number, (family, fields) in enumerate(devices, 11):
        value: dict[str, object] = {key: _as_number(text) for key, text in fields.items()}
        value |= {"vldFldMsk": "8125", "vldFld2Msk": "1"} if masked else {}
        objects[f"/sys/devices/{number}/{family}/data"] = json.dumps(value) if packed else value
    readings = told(plain)
    for found in (plain, objects):
        listed = {"values": [{"name": name, "value": value} for name, value in found.items()], "count": len(found)}
        for payload in (found, listed):
            reply = varserver.decode(varserver.variables(payload), "test", clock=NOON)
            assert reply.readings == readings
            assert not reply.unmapped


def _as_number(text: str) -> object:
    try:
        return float(text)
    except ValueError:
        return text


@given(
    age=st.integers(-100_000, 100_000),
    stale_after=st.floats(60, 86_400),
    keep=st.floats(0, 3_000),
    family=st.sampled_from(sorted(TABLES)),
)
@example(age=900, stale_after=900, keep=660, family="inverter")
@example(age=899, stale_after=900, keep=660, family="ess")
@example(age=-300, stale_after=900, keep=660, family="meter")
@example(age=-301, stale_after=900, keep=660, family="novel")
def test_the_age_decides(age: int, stale_after: float, keep: float, family: str) -> None:
    measured_at = NOON - timedelta(seconds=age)
    fields = {"sn": "X1", "msmtEps": measured_at.isoformat()}
    (reading,) = told(by_field([(family, fields)]), stale_after=stale_after, keep=keep)
    if age < -300:  # from the future: no believable time
        assert (reading.measured_at, reading.age, reading.valid_for) == (None, None, 0)
        return
    assert reading.measured_at == measured_at
    assert reading.age == max(age, 0)
    assert reading.valid_for == (0 if reading.age >= stale_after else max(stale_after - reading.age, keep))


@given(st.lists(st.none() | st.integers(0, 5_000), min_size=1, max_size=6))
def test_without_a_clock_the_newest_measurement_stands_for_it(ages: list[int | None]) -> None:
    times = ["n/a" if age is None else (NOON - timedelta(seconds=age)).isoformat() for age in ages]
    devices = [("inverter", {"sn": f"S{number}", "msmtEps": when}) for number, when in enumerate(times)]
    reply = varserver.decode(by_field(devices), "test")
    newest = min((age for age in ages if age is not None), default=0)
    assert [reading.age for reading in reply.readings] == [None if age is None else age - newest for age in ages]
    assert [reading.valid_for > 0 for reading in reply.readings] == [
        age is not None and age - newest < 900 for age in ages
    ]
    assert reply.clock is None
