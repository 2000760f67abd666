"""What is written of readings, and what is published of it."""

import json
from dataclasses import replace

import pytest
from helpers_journal import BEGAN, reading, readings
from hypothesis import given
from hypothesis import strategies as st

from pvsmqtt.model.accepted import Accepted
from pvsmqtt.sinks.mqtt.journal.batch import Batch, Damaged, pack, payloads


def batch(*some: Accepted) -> Batch:
    return Batch(1, "a1", 7, len(some), 0.0, pack(some))


def test_a_message_is_a_reading_with_its_number() -> None:
    assert payloads(batch(reading(1), replace(reading(2), measured_at=None)))[1] == (
        '{"stream":"a1","sequence":8,"device":"e2","source":"pvs a","measured_at":null,'
        '"accepted_at":"2026-06-21T18:00:02Z","values":{"power":2.0}}'
    )


def test_what_is_no_number_is_unknown() -> None:
    (text,) = payloads(batch(reading(1, power=float("nan"), energy=float("inf"))))
    assert json.loads(text)["values"] == {"power": None, "energy": None}


@given(st.lists(st.dictionaries(st.text(), st.none() | st.integers() | st.text() | st.floats(allow_nan=False))))
def test_values_come_back(values: list[dict[str, object]]) -> None:
    some = [Accepted("e1", "a\nb", None, BEGAN, one) for one in values]  # type: ignore[arg-type]
    if some:
        back = [json.loads(text) for text in payloads(batch(*some))]
        assert [one["sequence"] for one in back] == list(range(7, 7 + len(some)))
        for one, known in zip(back, values, strict=True):
            assert one["source"] == "a\nb"
            assert one["values"].keys() == known.keys()
            assert [v for v in one["values"].values() if isinstance(v, str)] == [
                v for v in known.values() if isinstance(v, str)
            ]


@given(st.binary(max_size=60), st.integers(0, 200), st.integers(0, 200))
def test_a_damaged_body_is_found_out(junk: bytes, start: int, length: int) -> None:
    good = batch(*readings(0, 5))
    body = good.body[:start] + junk + good.body[start + length :]
    if body != good.body:
        with pytest.raises(Damaged):
            payloads(replace(good, body=body))


def test_a_batch_of_another_size_is_damaged() -> None:
    with pytest.raises(Damaged):
        payloads(replace(batch(*readings(0, 5)), count=4))


def test_a_cycle_of_40_panels_is_small() -> None:
    panels = [
        reading(n, f"e001221{n:08}", energy=1834.52 + n, voltage=243.1, current=0.95, temperature=38.25)
        for n in range(43)
    ]
    assert len(pack(panels)) < 3500
