"""The clock of the measurements, learned from replies."""

from datetime import UTC, datetime, timedelta

from pvsmqtt.sources.pvs.newer.clock import MeasuringClock

NOON = datetime(2026, 6, 21, 18, tzinfo=UTC)
POLL = timedelta(minutes=5)
HOUR = timedelta(hours=1)


def test_the_date_of_the_reply_is_the_clock():
    clock = MeasuringClock()
    assert clock.at_reply(NOON, NOON - timedelta(seconds=9)) == NOON
    assert clock.at_reply(NOON + POLL, NOON) == NOON + POLL


def test_what_stands_still_grows_old():
    clock = MeasuringClock()
    for poll in range(30):
        assert clock.at_reply(NOON + poll * POLL, NOON - HOUR) == NOON + poll * POLL


def test_what_goes_on_with_an_old_time_has_a_clock_that_is_behind():
    clock = MeasuringClock()
    assert clock.at_reply(NOON, NOON - HOUR) == NOON
    assert clock.at_reply(NOON + POLL, NOON - HOUR + POLL) == NOON - HOUR + POLL
    # From here on it stands still: the clock that was learned goes on.
    assert clock.at_reply(NOON + 6 * POLL, NOON - HOUR + POLL) == NOON - HOUR + 6 * POLL


def test_the_future_proves_a_clock_that_is_ahead_at_once():
    assert MeasuringClock().at_reply(NOON, NOON + HOUR) == NOON + HOUR


def test_a_clock_that_is_put_right_is_believed_again():
    clock = MeasuringClock()
    clock.at_reply(NOON, NOON + HOUR)
    assert clock.at_reply(NOON + POLL, NOON + POLL) == NOON + POLL


def test_without_a_date_or_a_measurement_nothing_is_learned():
    clock = MeasuringClock()
    assert clock.at_reply(None, NOON) is None
    assert clock.at_reply(NOON, None) == NOON
