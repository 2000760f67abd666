"""The password: login with a cookie for people, HTTP Basic for programs.

The cookie has no path of its own, so a browser keeps it for wherever the page is mounted. Every try costs this
machine a tenth of a second: one is looked at at a time, few wait, and who guesses wrong waits longer and longer.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from aiohttp import web

from pvsmqtt.sinks.web import passwords
from pvsmqtt.sinks.web.replies import Refused
from pvsmqtt.sinks.web.sessions import LASTS, Guesses, Sessions

MOST_WAITING = 8
"""Tries that wait for their turn."""

_hashing = ThreadPoolExecutor(1, thread_name_prefix="password")
"""Each thread that ever made a hash keeps the 16 MB for it (glibc), so it is always the same one."""

WRONG = "wrong password"

HERE = ""
"""No path in a cookie: the browser takes the folder in which the login was."""


class Guard:
    """Asks for the password whose hash it is given; ``port`` names the cookie, since ports of one host share them."""

    def __init__(self, password_hash: str, port: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._wanted = passwords.parse(password_hash)
        self._cookie = f"pvsmqtt_{port}"
        self._clock = clock
        self._sessions = Sessions()
        self._guesses = Guesses()
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._secret = secrets.token_bytes(32)
        self._proven: bytes | None = None

    async def admit(self, request: web.BaseRequest) -> str | None:
        """The login by which a request may pass: a cookie, or the empty text for HTTP Basic; ``None``: by none.

        Raises:
            Refused: when it brings a wrong password, or guesses too often.
        """
        token = request.cookies.get(self._cookie)
        if token is not None and (session := self._sessions.find(token, self._clock())) is not None:
            return session
        password = _basic(request.headers.get("Authorization", ""))
        if password is None:
            return None
        await self.check(password, request.remote)
        return ""

    async def check(self, password: str, address: str | None) -> None:
        """Whether it is the password.

        Raises:
            Refused: when it is not, or guesses from there are not looked at now.
        """
        if self._proven is not None and hmac.compare_digest(self._mark(password), self._proven):
            return
        self._patience(address)
        if self._waiting >= MOST_WAITING:
            raise Refused(503, "logins", "too many log in at once; try again", {"Retry-After": "5"})
        self._waiting += 1
        try:
            async with self._turn:
                self._patience(address)  # others from there may have guessed wrong meanwhile
                loop = asyncio.get_running_loop()
                if not await loop.run_in_executor(_hashing, passwords.matches, password, self._wanted):
                    self._guesses.wrong(address, self._clock())
                    raise Refused(401, "password", WRONG)
        finally:
            self._waiting -= 1
        self._guesses.right(address)
        self._proven = self._mark(password)

    def _patience(self, address: str | None) -> None:
        if (wait := self._guesses.wait(address, self._clock())) > 0:
            seconds = str(int(wait) + 1)
            raise Refused(
                429, "guesses", f"too many wrong passwords; try again in {seconds} s", {"Retry-After": seconds}
            )

    def begin(self, response: web.StreamResponse) -> None:
        """Log in: the browser gets a cookie that no script can read and that no other site can use."""
        token = self._sessions.begin(self._clock())
        response.set_cookie(
            self._cookie,
            token,
            path=HERE,
            max_age=int(LASTS),
            httponly=True,
            samesite="Strict",
        )

    def end(self, request: web.BaseRequest, response: web.StreamResponse) -> str:
        """Log out; the login that ended."""
        response.set_cookie(
            self._cookie,
            "",
            path=HERE,
            max_age=0,
            httponly=True,
            samesite="Strict",
        )
        return self._sessions.end(request.cookies.get(self._cookie, ""))

    def _mark(self, password: str) -> bytes:
        """Stands for a password that was right, so that a program that brings it every time costs nothing."""
        return hmac.digest(self._secret, password.encode("utf-8", "surrogatepass"), hashlib.sha256)


def _basic(header: str) -> str | None:
    """The password of an Authorization header, whatever its user name."""
    scheme, _, data = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(data.strip(), validate=True).decode("utf-8").partition(":")[2]
    except ValueError:
        return ""
