"""Models and chains as registers, against the sizes and sentinels of the standard."""

import json
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvsmqtt.simulator.sunspec.chain import chain, fitting, model, offset

MODELS = files("sunspec2") / "models" / "json"

LENGTHS = {1: 66, 101: 50, 103: 50, 113: 60, 120: 26, 121: 30, 123: 24, 124: 24, 160: 8}
LENGTHS |= {203: 105, 213: 124, 701: 153, 713: 7, 714: 18, 802: 62, 803: 26, 20001: 18}


@pytest.mark.parametrize(
    ("number", "length"),
    LENGTHS.items(),
)
def test_an_empty_model_has_its_length_and_only_sentinels(number: int, length: int) -> None:
    words = model(number, {})
    assert words[:2] == [number, length]
    assert len(words) == 2 + length
    assert set(words) <= {number, length, 0, 0x8000, 0xFFFF, 0x7FC0}


@given(st.floats(-30_000, 30_000), st.integers(-2, 2))
def test_what_is_scaled_is_told_to_half_a_step(value: float, scale: int) -> None:
    if abs(value) / 10**scale > 32_000:
        return
    words = model(103, {"W": value, "W_SF": scale})
    raw, told = (word - (word >> 15 << 16) for word in words[14:16])
    assert told == scale
    assert raw * 10.0**scale == pytest.approx(value, abs=0.5001 * 10.0**scale)


@given(st.integers(0, 2**32 - 1))
def test_32_bits_have_the_high_word_first(value: int) -> None:
    at = offset(103, "WH")
    words = model(103, {"WH": value, "WH_SF": 0})
    assert words[at] << 16 | words[at + 1] == value


def test_a_counter_goes_round_and_a_text_is_cut() -> None:
    at = offset(103, "WH")
    assert model(103, {"WH": 2**32 + 5, "WH_SF": 0})[at : at + 2] == [0, 5]
    assert model(1, {"Mn": "M" * 99})[2:18] == [0x4D4D] * 16
    assert model(1, {"Mn": "abc"})[2:5] == [0x6162, 0x6300, 0]
    assert model(1, {})[-2:] == [0xFFFF, 0x8000], "an address that is not told, and a pad"


def test_groups_are_repeated_and_scaled_by_the_model() -> None:
    words = model(803, {"SoC_SF": -1, "string": [{"StrSoC": 50}, {"StrSoC": 60}]})
    assert words[1] == 26 + 2 * 32
    assert (words[28 + 4], words[28 + 32 + 4]) == (500, 600)


def test_a_value_that_has_no_place_is_a_mistake() -> None:
    with pytest.raises(KeyError, match="model 103 has no Watts"):
        model(103, {"Watts": 1})
    with pytest.raises(KeyError, match="no Foo"):
        model(803, {"string": [{"Foo": 1}]})
    with pytest.raises(KeyError, match="model 9999"):
        model(9999, {})
    assert fitting(113, {"W": 1, "W_SF": 0}) == {"W": 1}


def test_places_are_those_of_the_wire() -> None:
    made = chain(0, [(1, {}), (103, {}), (120, {})], short_common=True)
    assert [(one.model, one.address, one.length) for one in made.places] == [
        (1, 2, 65),
        (103, 69, 50),
        (120, 121, 26),
    ]
    assert [made.registers[at] for at in (0, 1, 2, 3, 69, 70, 149, 150)] == [
        0x5375,
        0x6E53,
        1,
        65,
        103,
        50,
        0xFFFF,
        0,
    ]
    assert made.spans == [range(69), range(69, 121), range(121, 149), range(149, 151)]
    assert sorted(made.registers) == list(range(151))


def test_offsets_are_those_of_the_published_models() -> None:
    for number in (103, 124, 701, 802):
        place = 0
        for point in json.loads((MODELS / f"model_{number}.json").read_text())["group"]["points"]:
            assert offset(number, point["name"]) == place
            place += point["size"]
