"""Which word comes first: told by values that can only be right in one order."""

from __future__ import annotations

from typing import Any

import pytest
from helpers_master import native, the_map, wide
from hypothesis import given
from hypothesis import strategies as st

from pvsmqtt.modbus.image import RegisterImage
from pvsmqtt.sources.register_units.word_order import plausible


def told(registers: dict[int, int]) -> Any:
    image = RegisterImage()
    for at, value in registers.items():
        image.put(at, [value], 0.0)
    return plausible([the_map()], 1, image)


@pytest.mark.parametrize("order", ["big", "little"])
def test_two_values_suffice(order: str) -> None:
    assert told(native(order)) == order


@pytest.mark.parametrize("order", ["big", "little"])
def test_whatever_order_the_map_was_turned_to(order: str) -> None:
    image = RegisterImage()
    for at, value in native(order).items():
        image.put(at, [value], 0.0)
    for turned in ("big", "little"):
        assert plausible([the_map().with_word_order(turned)], 1, image) == order


def test_zeros_and_a_single_value_say_nothing() -> None:
    assert told({}) is None
    assert told({**native(), **wide(70, 0), **wide(74, 0)}) is None
    assert told({**native(), **wide(70, 0)}) is None


def test_values_that_contradict_each_other_say_nothing() -> None:
    assert told({**native(), **wide(70, 240_000, "little")}) is None


@given(st.integers(100_000, 300_000), st.integers(4_500, 6_500))
def test_a_mains_is_never_taken_the_wrong_way_round(millivolts: int, centihertz: int) -> None:
    for order, other in (("big", "little"), ("little", "big")):
        assert told({**wide(70, millivolts, order), **wide(74, centihertz, order)}) != other
