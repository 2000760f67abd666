"""Who is logged in, and who guesses."""

from __future__ import annotations

from pvsmqtt.sinks.web.sessions import (
    FIRST_WAIT,
    FORGIVEN,
    FREE_GUESSES,
    LASTS,
    LONGEST_WAIT,
    MOST_GUESSERS,
    MOST_SESSIONS,
    Guesses,
    Sessions,
)


def test_a_login_lasts_while_it_is_used() -> None:
    sessions = Sessions()
    token = sessions.begin(0.0)
    login = sessions.find(token, LASTS - 1)
    assert login is not None
    assert login != token, "what is kept in memory opens nothing"
    assert sessions.find(token, 2 * LASTS - 2) == login
    assert sessions.find(token, 3 * LASTS) is None
    assert sessions.find(token, 0.0) is None, "what has ended stays so"
    assert sessions.find(login, 0.0) is None


def test_logging_out() -> None:
    sessions = Sessions()
    token, other = sessions.begin(0.0), sessions.begin(0.0)
    login = sessions.find(token, 0.0)
    assert sessions.end(token) == login
    assert sessions.find(token, 0.0) is None
    assert sessions.find(other, 0.0) is not None
    sessions.end("never there")


def test_logins_are_bounded_and_those_in_use_stay() -> None:
    sessions = Sessions()
    used, idle = sessions.begin(0.0), sessions.begin(0.0)
    for _ in range(MOST_SESSIONS - 1):
        assert sessions.find(used, 1.0)
        sessions.begin(1.0)
    assert sessions.find(used, 1.0)
    assert sessions.find(idle, 1.0) is None


def test_wrong_guesses_make_an_address_wait() -> None:
    guesses, waits = Guesses(), []
    now = 0.0
    for _ in range(15):
        guesses.wrong("10.0.0.1", now)
        waits.append(guesses.wait("10.0.0.1", now))
        now += waits[-1]
        assert guesses.wait("10.0.0.1", now) == 0
    assert waits[: FREE_GUESSES - 1] == [0.0] * (FREE_GUESSES - 1)
    assert waits[FREE_GUESSES - 1] == FIRST_WAIT
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_WAIT
    assert guesses.wait("10.0.0.2", now) == 0


def test_they_are_forgiven() -> None:
    guesses = Guesses()
    for _ in range(FREE_GUESSES):
        guesses.wrong("10.0.0.1", 0.0)
    guesses.right("10.0.0.1")
    assert guesses.wait("10.0.0.1", 0.0) == 0
    for _ in range(FREE_GUESSES):
        guesses.wrong("10.0.0.1", 0.0)
    guesses.wrong("10.0.0.1", FORGIVEN + 1)
    assert guesses.wait("10.0.0.1", FORGIVEN + 1) == 0


def test_a_network_of_ipv6_counts_as_one() -> None:
    guesses = Guesses()
    for number in range(FREE_GUESSES):
        guesses.wrong(f"2001:db8::{number}", 0.0)
    assert guesses.wait("2001:db8::ffff", 0.0) > 0
    assert guesses.wait("2001:db8:0:1::1", 0.0) == 0
    for _ in range(FREE_GUESSES):
        guesses.wrong("::ffff:10.0.0.1", 0.0)
    assert guesses.wait("10.0.0.1", 0.0) > 0
    assert guesses.wait("10.0.0.2", 0.0) == 0
    assert guesses.wait("fe80::1%eth0", 0.0) == guesses.wait(None, 0.0) == 0


def test_they_are_bounded() -> None:
    guesses = Guesses()
    for number in range(3 * MOST_GUESSERS):
        guesses.wrong(f"10.0.{number // 256}.{number % 256}", 0.0)
    assert len(guesses._wrong) == MOST_GUESSERS
