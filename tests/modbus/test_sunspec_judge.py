"""Complete models, filled at random: pysunspec2 decodes them to the same values."""

from __future__ import annotations

import math
import struct
import warnings
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sunspec2.modbus.client import SunSpecModbusClientModel

from pvsmqtt.modbus.image import RegisterImage
from pvsmqtt.modbus.sunspec import Point, SunSpecView, pin
from pvsmqtt.modbus.sunspec.definitions import GroupDefinition, PointDefinition, definition, known, shape
from pvsmqtt.modbus.values import TYPES, bit_names, unsigned

FIXED = (1, 101, 102, 103, 111, 112, 113, 120, 121, 122, 123, 124, 201, 202, 203, 204, 211, 212, 213, 214)
FIXED += (701, 702, 703, 704, 713, 801, 802)
COUNTED = (126, 129, 160, 304, 401, 705, 706, 707, 708, 709, 710, 711, 712, 714, 803, 804, 805)
ADDRESS = 40070

words = st.integers(0, 0xFFFF)


def texts(length: int) -> st.SearchStrategy[bytes]:
    ascii_text = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=2 * length)
    return ascii_text.map(lambda text: text.encode().ljust(2 * length, b"\0"))


def fill(point: PointDefinition, counts: dict[str, int]) -> st.SearchStrategy[tuple[int, ...]]:
    """Registers of a point: mostly anything, sometimes "not implemented"."""
    if point.name in counts:
        return st.just((counts[point.name],))
    if point.type == "string":
        return texts(point.length).map(lambda raw: struct.unpack(f">{point.length}H", raw))
    if point.type == "sunssf":
        return st.sampled_from([*range(11), *range(0xFFF6, 0x10000), 0x8000]).map(lambda word: (word,))
    anything = st.tuples(*[words] * point.length)
    missing = TYPES[point.type].missing
    if missing is None:
        return anything
    absent = tuple(missing >> 16 * at & 0xFFFF for at in reversed(range(point.length)))
    return anything | st.just(absent)


@st.composite
def groups(draw: st.DrawFn, group: GroupDefinition, counts: dict[str, int]) -> list[int]:
    registers = [word for point in group.points for word in draw(fill(point, counts))]
    for inner in group.groups:
        times = 1 if inner.count is None else counts.get(inner.count) if isinstance(inner.count, str) else inner.count
        for _ in range(times or counts["times"]):
            registers += draw(groups(inner, counts))
    return registers


def counts_of(group: GroupDefinition) -> set[str]:
    found = {inner.count for inner in group.groups if isinstance(inner.count, str)}
    return found.union(*(counts_of(inner) for inner in group.groups))


@st.composite
def models(draw: st.DrawFn, ids: tuple[int, ...]) -> tuple[int, list[int]]:
    model = draw(st.sampled_from(ids))
    found = definition(model)
    assert found is not None
    counts = {name: draw(st.integers(1, 3)) for name in sorted(counts_of(found.group))}
    counts["times"] = draw(st.integers(1, 3))
    registers = draw(groups(found.group, counts))
    registers[:2] = [model, len(registers) - 2]
    return model, registers


def judge(model: int, registers: list[int]) -> dict[str, tuple[Any, Any]]:
    """Raw and scaled value of each point, by the way to it."""
    data = struct.pack(f">{len(registers)}H", *registers)
    found = SunSpecModbusClientModel(
        model_id=model, model_addr=ADDRESS, model_len=registers[1], data=data, mb_device=None
    )
    assert not found.error_info
    values: dict[str, tuple[Any, Any]] = {}

    def collect(group: Any, path: str) -> None:
        for name, point in group.points.items():
            values[f"{path}{name}"] = (point.value, point.cvalue)
        for name, inner in group.groups.items():
            if isinstance(inner, list):
                for index, one in enumerate(inner, 1):
                    collect(one, f"{path}{name}[{index}].")
            else:
                collect(inner, f"{path}{name}.")

    collect(found, "")
    return values


def same(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, int | float) and isinstance(theirs, int | float):
        return math.isclose(ours, theirs, rel_tol=1e-12, abs_tol=0)
    return bool(ours == theirs)


def heard(registers: list[int]) -> dict[str, Point]:
    image = RegisterImage()
    image.put(ADDRESS, registers, 1.0)
    view = SunSpecView(image, [pin(registers[0], ADDRESS, registers[1])])
    view.refresh(1.0)
    assert [(model.model, model.length) for model in view.chain] == [(registers[0], registers[1])]
    return {f"{point.group}.{point.name}" if point.group else point.name: point for point in view.points()}


def compare(model: int, registers: list[int]) -> None:
    """The judge's values, but for what we take for missing (infinities) or name (enumerations, bits)."""
    ours, theirs = heard(registers), judge(model, registers)
    found = definition(model)
    assert found is not None
    kinds = {point.name: point for group in all_groups(found.group) for point in group.points}
    expected = {path for path in theirs if kinds[path.rsplit(".", 1)[-1]].type not in ("sunssf", "pad")} - {"ID", "L"}
    assert ours.keys() == expected
    for path, point in ours.items():
        raw, value = theirs[path]
        known_as = kinds[point.name]
        if known_as.type in ("ipaddr", "ipv6addr", "eui48"):
            continue
        if isinstance(raw, float) and not math.isfinite(raw):
            raw = value = None
        assert same(point.raw, raw or None if known_as.type == "string" else raw), path
        if not point.scaled or raw is None:
            assert point.value is None
        elif known_as.type.startswith("bitfield"):
            at = point.address - ADDRESS
            assert point.value == bit_names(unsigned(registers[at : at + known_as.length]), known_as.symbols)
        elif known_as.type.startswith("enum"):
            assert point.value == known_as.symbols.get(raw, raw)
        else:
            assert same(point.value, value or None if known_as.type == "string" else value), path


def all_groups(group: GroupDefinition) -> list[GroupDefinition]:
    return [group, *(found for inner in group.groups for found in all_groups(inner))]


@given(models(FIXED))
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_models_of_fixed_length(filled: tuple[int, list[int]]) -> None:
    compare(*filled)


@given(models(COUNTED))
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
def test_models_with_groups(filled: tuple[int, list[int]]) -> None:
    compare(*filled)


@pytest.mark.parametrize("model", sorted(known() - {20001}))
def test_lengths_are_those_of_the_judge(model: int) -> None:
    """A complete model with nothing repeated is as long as the judge says."""
    found, size = definition(model), shape(model)
    assert found is not None
    assert size is not None
    if size.step:
        return
    data = struct.pack(f">{size.fixed + 2}H", model, size.fixed, *[0] * size.fixed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = SunSpecModbusClientModel(
            model_id=model, model_addr=0, model_len=size.fixed, data=data, mb_device=None
        )
    assert not theirs.error_info
