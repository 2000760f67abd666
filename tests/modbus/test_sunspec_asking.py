"""What to read of a unit that describes itself: headers one by one, then what is wanted, model by model."""

from __future__ import annotations

import pytest
from helpers_master import SUNS, chain, common, inverter
from hypothesis import given
from hypothesis import strategies as st

from pvsmqtt.modbus.image import RegisterImage
from pvsmqtt.modbus.plan import Plan, Span
from pvsmqtt.modbus.sunspec import ModelAt
from pvsmqtt.modbus.sunspec.asking import next_header, spans
from pvsmqtt.modbus.sunspec.chain import LONGEST_CHAIN, Basis


def walked(device: dict[int, int], mark: int) -> list[int]:
    """The headers that are asked for, in their order."""
    known: dict[int, int] = {}
    asked: list[int] = []
    while (at := next_header(known.get, mark)) is not None:
        asked.append(at)
        if at not in device or at + 1 not in device:
            break
        known[at], known[at + 1] = device[at], device[at + 1]
    return asked


@pytest.mark.parametrize("base", [0, 40000, 50000])
def test_a_chain_is_walked_header_by_header(base: int) -> None:
    device = chain(common(), inverter(), base=base)
    assert walked(device, base) == [base + 2, base + 70, base + 122]


def test_a_chain_that_ends_with_model_0() -> None:
    device = {**chain(common(), end=False), 40070: 0, 40071: 0}
    assert walked(device, 40000) == [40002, 40070]


def test_a_model_that_reaches_beyond_all_registers_is_the_last() -> None:
    device = {**chain(common(), end=False), 40070: 64001, 40071: 25463}
    assert walked(device, 40000) == [40002, 40070]


@given(st.dictionaries(st.integers(0, 300), st.integers(0, 0xFFFF), max_size=200))
def test_whatever_stands_there_the_walk_ends(device: dict[int, int]) -> None:
    def get(at: int) -> int:
        return device.get(at % 301, 1)

    known: dict[int, int] = {}
    steps = 0
    while (at := next_header(known.get, 0)) is not None:
        assert 0 <= at <= 0xFFFE
        known[at], known[at + 1] = get(at), get(at + 1)
        steps += 1
        assert steps <= LONGEST_CHAIN
    assert steps


def image_of(registers: dict[int, int]) -> RegisterImage:
    image = RegisterImage()
    for at, value in registers.items():
        image.put(at, [value], 0.0)
    return image


def wanting(*paths: str):
    return lambda path: path in paths


def test_what_is_wanted_comes_with_its_scale_factor_and_the_header() -> None:
    model = ModelAt(103, 40070, 50, Basis.CONFIRMED)
    found = set(spans(image_of({}), model, wanting("W")))
    assert found == {Span(40070, 2), Span(40084, 1), Span(40085, 1)}


def test_groups_follow_the_length_of_their_model() -> None:
    model = ModelAt(160, 40122, 8 + 3 * 20, Basis.CONFIRMED)
    found = set(spans(image_of({}), model, lambda path: path.endswith(".DCW")))
    assert [span.address for span in sorted(found) if span.address > 40132] == [40143, 40163, 40183]
    assert len(Plan(found, (model.address, model.end)).requests) == 1


def test_groups_that_are_counted_are_read_as_often_as_the_count_says_and_the_count_with_them() -> None:
    model = ModelAt(714, 40070, 18 + 2 * 25, Basis.CONFIRMED)
    powers, count = [Span(40102, 1), Span(40127, 1)], Span(40074, 1)

    def found(image: RegisterImage) -> set[Span]:
        return set(spans(image, model, lambda path: path.endswith(".DCW")))

    assert {*powers, count} <= found(image_of({})), "as many as there is room for, until it is known"
    assert {*powers, count} <= found(image_of({40074: 2}))
    assert powers[1] not in found(image_of({40074: 1}))
    assert count in found(image_of({40074: 1}))


def test_a_count_that_says_nothing_and_one_that_lies() -> None:
    model = ModelAt(714, 40070, 18 + 25, Basis.CONFIRMED)
    for lie in (0, 2, 0xFFFF, 500):
        for span in spans(image_of({40074: lie}), model, lambda _: True):
            assert model.address <= span.address
            assert span.end <= model.end


def test_of_an_unknown_model_the_header_alone() -> None:
    assert list(spans(image_of({}), ModelAt(64999, 40122, 10, Basis.CONFIRMED), lambda _: True)) == [Span(40122, 2)]


def test_a_model_that_does_not_fit_into_one_answer_is_read_in_two() -> None:
    model = ModelAt(701, 40070, 153, Basis.CONFIRMED)
    requests = Plan(spans(image_of({}), model, lambda _: True), (model.address, model.end)).requests
    assert len(requests) == 2
    assert all(model.address <= one.address and one.end <= model.end and one.length <= 125 for one in requests)


def test_the_mark_is_what_the_standard_says() -> None:
    assert bytes([SUNS[0] >> 8, SUNS[0] & 255, SUNS[1] >> 8, SUNS[1] & 255]) == b"SunS"
