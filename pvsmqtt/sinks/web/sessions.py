"""Who is logged in, and who has guessed wrong. Pure: ``now`` is of a clock that only goes forward.

Both are kept in memory and bounded: after a restart everybody logs in again.
"""

from __future__ import annotations

import hashlib
import ipaddress
import secrets

LASTS = 30 * 86400.0
"""Seconds after its last use at which a login ends."""

MOST_SESSIONS = 64
MOST_GUESSERS = 512

FREE_GUESSES = 3
"""Wrong passwords in a row before an address has to wait."""

FIRST_WAIT, LONGEST_WAIT = 2.0, 300.0
FORGIVEN = 3600.0
"""Seconds without a guess after which an address is like any other."""


class Sessions:
    """Logins by the hash of their token, so that what is in memory opens nothing."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def begin(self, now: float) -> str:
        """A new token. The login that was used least recently makes room."""
        while len(self._until) >= MOST_SESSIONS:
            del self._until[next(iter(self._until))]
        token = secrets.token_urlsafe(32)
        self._until[_key(token)] = now + LASTS
        return token

    def find(self, token: str, now: float) -> str | None:
        """The name of the login to which a token belongs; it is used now."""
        key = _key(token)
        until = self._until.pop(key, None)
        if until is None or until <= now:
            return None
        self._until[key] = now + LASTS
        return key

    def end(self, token: str) -> str:
        """Log out; the name of the login."""
        key = _key(token)
        self._until.pop(key, None)
        return key


class Guesses:
    """Wrong passwords by address; those of one network of IPv6 count together."""

    def __init__(self) -> None:
        self._wrong: dict[str, tuple[int, float, float]] = {}
        """How many in a row, when the next is looked at, when they are forgiven."""

    def wait(self, address: str | None, now: float) -> float:
        """Seconds until a guess from there is looked at; 0: now."""
        _, free, forgiven = self._wrong.get(_network(address), (0, 0.0, 0.0))
        return max(0.0, free - now) if forgiven > now else 0.0

    def wrong(self, address: str | None, now: float) -> None:
        """A guess was wrong. The address that guessed longest ago makes room."""
        where = _network(address)
        count, _, forgiven = self._wrong.pop(where, (0, 0.0, 0.0))
        count = count + 1 if forgiven > now else 1
        while len(self._wrong) >= MOST_GUESSERS:
            del self._wrong[next(iter(self._wrong))]
        over = count - FREE_GUESSES
        pause = 0.0 if over < 0 else min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(over, 20))
        self._wrong[where] = (count, now + pause, now + FORGIVEN)

    def right(self, address: str | None) -> None:
        """The password was known there."""
        self._wrong.pop(_network(address), None)


def _key(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _network(address: str | None) -> str:
    """The address itself, of IPv6 what a house gets as a whole."""
    try:
        found = ipaddress.ip_address((address or "").split("%")[0])
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)
