"""The login that newer firmware wants: one session, renewed before it ends, never more often than needed.

``GET /auth?login`` with ``Authorization: basic …`` of user ``ssm_owner`` gives a session cookie; it lives some 300 s,
and nobody knows whether use prolongs it. A login is made when the session is 240 s old, or once when the PVS says
that it has ended, and never because of a refused request (400). Sources: the vendor's LocalAPI.md, clients in use.
"""

from __future__ import annotations

import asyncio
import base64
import math
import re
import time
from collections.abc import Callable
from typing import Any

from pvsmqtt.sources.pvs.access.client import PvsClient, Reply
from pvsmqtt.sources.pvs.access.requests import LOG_IN, LOG_OUT, Request
from pvsmqtt.sources.pvs.refusal import Refusal, Refused

USER = "ssm_owner"
PASSWORD_LENGTH = 5
LASTS = 240.0
"""Seconds for which a session is used."""

YOUNG = 20.0
"""A session this young has not ended: what is refused under it is refused for another reason."""

WRONG_PAUSE, LONGEST_PAUSE = 900.0, 4 * 3600.0
"""Seconds until a refused password is tried again: doubling, since nobody knows whether a PVS locks out."""

_SESSION = re.compile(r"[!-~]{1,1024}")
LONGEST_USELESS = 3600.0
"""Seconds up to which no login is made for a session that seems to have ended, after one that did not help."""

_ENDED = frozenset({Refusal.LOGIN_ENDED, Refusal.EMPTY, Refusal.SERVER_ERROR})
"""How firmware says that a session has ended: 401, or on some builds an empty reply or 500."""


class Login:
    """The session of one PVS. ``password`` None: it is taken from the serial number, once `serial` is set."""

    def __init__(
        self, client: PvsClient, password: str | None, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.serial: str | None = None
        self._client = client
        self._password = password
        self._monotonic = monotonic
        self._cookie: str | None = None
        self._since = -math.inf
        self._refused: Refused | None = None
        self._again_at, self._pause = -math.inf, WRONG_PAUSE
        self._useless_until, self._useless = -math.inf, LASTS
        self._one_at_a_time = asyncio.Lock()

    @property
    def age(self) -> float:
        """Seconds since the login; infinity without one."""
        return self._monotonic() - self._since if self._cookie is not None else math.inf

    async def fetch(self, request: Request) -> Reply:
        """The reply to a request, with the session where the request needs one.

        Raises:
            Refused: whatever goes wrong; `Refusal.WRONG_PASSWORD` and `Refusal.NO_PASSWORD` want a person.
        """
        if not request.login:
            return await self._client.fetch(request)
        await self.fresh(LASTS)
        used = self._cookie
        try:
            return await self._useful(request)
        except Refused as refused:
            ended = refused.reason in _ENDED and (refused.reason is Refusal.LOGIN_ENDED or self.age > YOUNG)
            if not ended:
                raise
            if self._monotonic() < self._useless_until:
                raise _session_refused(refused) from None
        if self._cookie == used:  # else somebody has logged in meanwhile
            self.drop()
        await self.fresh(LASTS)
        try:
            return await self._useful(request)
        except Refused as refused:
            if refused.reason not in _ENDED:
                raise
            # A new login did not help: that is no reason to make more of them.
            self._useless_until = self._monotonic() + self._useless
            self._useless = min(2 * self._useless, LONGEST_USELESS)
            raise _session_refused(refused) from None

    async def get(self, request: Request) -> Any:
        """The JSON document that answers a request.

        Raises:
            Refused: as `fetch`.
        """
        return (await self.fetch(request)).document

    async def fresh(self, oldest: float) -> None:
        """Make sure that the session is at most ``oldest`` seconds old.

        Raises:
            Refused: when the PVS does not let us in.
        """
        async with self._one_at_a_time:
            if self.age > oldest:
                await self._log_in()

    def drop(self) -> None:
        """Forget the session: it has turned out to be worth nothing."""
        self._cookie = None

    async def log_out(self) -> None:
        """End the session politely; what goes wrong does not matter."""
        if self._cookie is not None:
            try:
                await self._send(LOG_OUT)
            except Refused:
                pass
            finally:
                self.drop()

    async def _useful(self, request: Request) -> Reply:
        """A reply under the session, which has proven its worth by it."""
        reply = await self._send(request)
        self._useless_until, self._useless = -math.inf, LASTS
        return reply

    async def _send(self, request: Request) -> Reply:
        return await self._client.fetch(request, headers={"Cookie": f"session={self._cookie}"})

    async def _log_in(self) -> None:
        if self._refused is not None and self._monotonic() < self._again_at:
            raise Refused(self._refused.reason, self._refused.detail)
        self.drop()
        secret = self._password or (self.serial or "")[-PASSWORD_LENGTH:].upper()
        if not secret:
            raise Refused(Refusal.NO_PASSWORD, "no password is known")
        token = base64.b64encode(f"{USER}:{secret}".encode()).decode()
        try:
            reply = await self._client.fetch(LOG_IN, self._client.address.secure, {"Authorization": f"basic {token}"})
        except Refused as refused:
            if refused.reason not in (Refusal.UNREACHABLE, Refusal.NO_TLS, Refusal.CERTIFICATE):
                self._client.traffic.logins += 1
            raise self._judged(refused) from None
        self._client.traffic.logins += 1
        found = reply.cookies.get("session")
        cookie = found.value if found is not None else None
        if not cookie and isinstance(reply.document, dict):
            cookie = reply.document.get("session")
        if not isinstance(cookie, str) or not _SESSION.fullmatch(cookie):
            raise Refused(Refusal.NO_LOGIN_PAGE, "the PVS answered the login without a session")
        self._cookie, self._since = cookie, self._monotonic()
        self._refused, self._pause = None, WRONG_PAUSE

    def _judged(self, refused: Refused) -> Refused:
        """What a refused login means; a refused password is not tried again for a while."""
        if refused.status == 401:
            whose = "given in the configuration" if self._password else "made of its serial number"
            self._refused = Refused(Refusal.WRONG_PASSWORD, f"the PVS refuses the password {whose}")
            self._again_at = self._monotonic() + self._pause
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
            return self._refused
        if refused.reason in (Refusal.NOT_FOUND, Refusal.HTML):
            return Refused(Refusal.NO_LOGIN_PAGE, f"there is no login page ({refused.detail})")
        return refused


def _session_refused(refused: Refused) -> Refused:
    """What it means that a session seems to have ended although it is new; a 500 stays what it is."""
    if refused.reason is Refusal.SERVER_ERROR:
        return refused
    return Refused(Refusal.SESSION_REFUSED, f"the PVS refuses a session that it has just given ({refused.detail})")
