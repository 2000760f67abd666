"""Whatever comes, the decoder answers; what it answers can be published."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from pvsmqtt.model.quantity import QUANTITIES
from pvsmqtt.sources.yasdi.currents import amperes
from pvsmqtt.sources.yasdi.newest import Newest
from pvsmqtt.sources.yasdi.payload import CHANNELS, LONGEST_NAME, Message, decode
from pvsmqtt.sources.yasdi.refusal import Refusal

STAMP = 1782064979
ARRIVED = datetime.fromtimestamp(STAMP, UTC)

NUMBERS = st.floats() | st.integers() | st.integers(10**300, 10**310)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=20) | st.sampled_from(["-------", "nan", "-", "\ud800"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
CHANNEL_VALUES = st.dictionaries(st.sampled_from(sorted(CHANNELS)) | st.text(max_size=60), VALUES, max_size=20)


def judge(found: Message | Refusal) -> None:
    if isinstance(found, Refusal):
        return
    found.serial.encode("ascii")
    for key, value in found.values.items():
        assert key in QUANTITIES
        if isinstance(value, float | int):
            assert math.isfinite(value)
            assert not isinstance(value, bool)
        else:
            assert value is None or 0 < len(value.encode()) <= 4 * 255
    assert all(len(name) <= LONGEST_NAME for name in found.unmapped)
    json.dumps([dict(found.values), found.unmapped, found.left_out]).encode()


@given(st.binary(max_size=200), st.text(max_size=20) | st.integers().map(str))
def test_any_bytes(payload: bytes, topic: str) -> None:
    judge(decode(payload, topic, ARRIVED))


@given(
    st.fixed_dictionaries(
        {}, optional={"sn": st.just(7) | VALUES, "time": st.just(STAMP) | VALUES, "values": CHANNEL_VALUES | VALUES}
    )
)
def test_any_document(document: dict[str, object]) -> None:
    judge(decode(json.dumps(document).encode(), "p/7", ARRIVED))


@given(CHANNEL_VALUES.filter(bool))
def test_any_channels_of_a_good_message(values: dict[str, object]) -> None:
    found = decode(json.dumps({"sn": 7, "time": STAMP, "values": values}).encode(), "p/7", ARRIVED)
    assert isinstance(found, Message)
    judge(found)


@given(
    st.floats(0.05, 100),
    st.floats(180, 260),
    st.floats(0.1, 1),
)
def test_a_current_means_the_same_in_both_units(current: float, volts: float, factor: float) -> None:
    """As long as power flows: from 0.05 A on, and down to a power factor of 0.1."""
    watts = current * volts * factor
    wanted = round(current, 3)
    assert amperes(current, volts, watts) == wanted
    milli = amperes(current * 1000, volts, watts)
    assert milli is not None
    assert abs(milli - wanted) <= 0.001


@given(st.lists(st.integers(0, 1000), max_size=30))
def test_a_burst_of_old_messages_is_never_news(burst: list[int]) -> None:
    """Stamps at least 15 s apart, as yasdi2mqtt makes them, delivered again within a moment."""
    newest = Newest()
    assert newest.is_news(100_000, 0.0)
    for step, stamp in enumerate(burst):
        assert not newest.is_news(stamp * 15, 100.0 + step * 0.001)
