"""Types of values in registers."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.client.mixin import ModbusClientMixin

from pvsmqtt.modbus.values import PLAIN, TYPES, bit_names, decode, implemented

registers = st.lists(st.integers(0, 0xFFFF), max_size=9)


@pytest.mark.parametrize("kind", [name for name in PLAIN if name != "string"])
@pytest.mark.parametrize("word_order", ["big", "little"])
@given(data=st.data())
def test_numbers_are_those_of_pymodbus(kind: str, word_order: str, data: st.DataObject) -> None:
    length = TYPES[kind].length
    words = data.draw(st.lists(st.integers(0, 0xFFFF), min_size=length, max_size=length))
    theirs = ModbusClientMixin.convert_from_registers(
        words, ModbusClientMixin.DATATYPE[kind.upper()], word_order=word_order
    )
    ours = decode(kind, words, word_order)
    assert ours == (theirs if math.isfinite(theirs) else None)


@given(st.sampled_from(sorted(TYPES)), registers, st.sampled_from(["big", "little"]))
def test_any_registers_give_a_value_or_none(kind: str, words: list[int], word_order: str) -> None:
    value = decode(kind, words, word_order)
    if TYPES[kind].length not in (0, len(words)) or not words:
        assert value is None
    assert value is None or isinstance(value, int | float | str)
    assert not isinstance(value, float) or math.isfinite(value)


@pytest.mark.parametrize(
    ("kind", "words", "value"),
    [
        ("int16", (0xFFFF,), True),
        ("int16", (0x8000,), False),
        ("int16", (0x7FFF,), True),
        ("uint16", (0xFFFF,), False),
        ("uint16", (0x8000,), True),
        ("sunssf", (0x8000,), False),
        ("int32", (0x8000, 0), False),
        ("int32", (0xFFFF, 0xFFFF), True),
        ("uint32", (0xFFFF, 0xFFFF), False),
        ("acc32", (0, 0), False),
        ("acc32", (0xFFFF, 0xFFFF), True),
        ("acc64", (0, 0, 0, 0), False),
        ("int64", (0x8000, 0, 0, 0), False),
        ("enum16", (0xFFFF,), False),
        ("enum16", (0,), True),
        ("bitfield32", (0xFFFF, 0xFFFF), False),
        ("bitfield32", (0, 0), True),
        ("ipaddr", (0, 0), False),
        ("eui48", (0, 0xFFFF, 0xFFFF, 0xFFFF), False),
        ("string", (0x0041,), False),
        ("string", (0x4100,), True),
    ],
)
def test_not_implemented(kind: str, words: tuple[int, ...], value: bool) -> None:
    assert implemented(kind, words) is value


def test_nan_and_infinity_are_missing() -> None:
    for number in (math.nan, math.inf, -math.inf):
        assert decode("float32", struct.unpack(">2H", struct.pack(">f", number))) is None
        assert decode("float64", struct.unpack(">4H", struct.pack(">d", number))) is None


def test_text() -> None:
    assert decode("string", (0x4142, 0x4300, 0x5858)) == "ABC"
    assert decode("string", (0x2041, 0x2020)) == "A"
    assert decode("string", (0, 0)) is None
    assert decode("string", (0x41FF, 0x0742)) == "A?B"
    assert decode("string", (0x4142, 0x4344), "little") == "ABCD"


def test_addresses_of_networks() -> None:
    assert decode("ipaddr", (0xC0A8, 0x0102)) == "192.168.1.2"
    assert decode("eui48", (0, 0x0011, 0x22AA, 0xBBCC)) == "00:11:22:AA:BB:CC"
    assert decode("ipv6addr", (0xFE80, 0, 0, 0, 0, 0, 0, 1)) == "FE800000:00000000:00000000:00000001"


def test_bits_by_name() -> None:
    assert bit_names(0b1010, {1: "fan"}) == "fan, bit 3"
    assert bit_names(0, {1: "fan"}) == "none"
