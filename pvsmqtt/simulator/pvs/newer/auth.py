"""Logins of generation B: who may read more than the open variables.

    GET /auth?login     Authorization: basic base64(ssm_owner:LAST5)
        200 {"session": "<64 characters>"} and the same as a cookie; 401 for anything else
    GET /auth?logout    Cookie: session=...

The password is the last five characters of the supervisor's serial number. Sessions live in memory for a
number of real seconds: clients wait in real time, however fast the simulated time runs.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Callable

USER = "ssm_owner"
COOKIE = "session"
LIFETIME = 300.0
"""Seconds (a value seen in the configuration of a firmware image)."""

TOKEN_BYTES = 32


def set_cookie(token: str) -> str:
    """The value of ``Set-Cookie``."""
    return f"{COOKIE}={token}; HttpOnly; Secure; Path=/"


def accepts(authorization: str, serial: str) -> bool:
    """Whether an ``Authorization`` header is that of the owner of the supervisor with this serial number."""
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        decoded = base64.b64decode(credentials.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return False
    return decoded == f"{USER}:{serial[-5:]}"


class Sessions:
    """The sessions of one boot: token to the second in which it began, or was last used if they slide."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._since: dict[str, float] = {}

    def begin(self) -> str:
        """A new session; others stay."""
        token = secrets.token_hex(TOKEN_BYTES)
        self._since[token] = self._clock()
        return token

    def holds(self, token: str, lifetime: float, sliding: bool) -> bool:
        """Whether a session is known and young enough; ``sliding``: every use makes it young again."""
        since = self._since.get(token)
        if since is None:
            return False
        now = self._clock()
        if now - since >= lifetime:
            del self._since[token]
            return False
        if sliding:
            self._since[token] = now
        return True

    def end(self, token: str) -> bool:
        """End a session; whether there was one."""
        return self._since.pop(token, None) is not None

    def clear(self) -> None:
        """End all of them."""
        self._since.clear()
