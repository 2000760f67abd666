"""When to look again at what a PVS is, and what comes of it.

It is asked at the start, after three failed polls and every quarter of an hour while they go on failing, once a day,
and when it tells of another build by itself. Only another build, or another PVS in its place, changes the decision:
no status code does, and no silence.
"""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from pvsmqtt.sources.pvs.access import certificate
from pvsmqtt.sources.pvs.access.client import PvsClient
from pvsmqtt.sources.pvs.access.login import Login
from pvsmqtt.sources.pvs.errands import DAY
from pvsmqtt.sources.pvs.generation import LABELS, Decision, Generation, Identity, ask, decide, remembered
from pvsmqtt.sources.pvs.memory import Memory
from pvsmqtt.sources.pvs.options import PvsOptions
from pvsmqtt.sources.pvs.refusal import Refusal, Refused

KEY = "decision"
PATIENCE = 3
"""Failed polls after which it is asked again."""

WHILE_FAILING = 900.0

AWAY = frozenset({Refusal.UNREACHABLE, Refusal.NO_TLS, Refusal.BUSY, Refusal.BROKEN_OFF})
"""It is not there, or restarts: nothing else will work either, and it needs its rest."""


class Review:
    """Keeps the decision of one PVS."""

    def __init__(
        self, options: PvsOptions, memory: Memory, wall: Callable[[], datetime], log: logging.Logger
    ) -> None:
        self._options = options
        self._memory = memory
        self._wall = wall
        self._log = log
        self._asked_at = -math.inf
        self.decision: Decision | None = None
        self.silent: Refused | None = None
        """Why the PVS did not say who it is when it was asked last, if it did not."""

    def due(self, now: float, failures: int, build: int | None) -> bool:
        """Whether to ask; ``build`` is what the PVS tells of itself while it is polled."""
        if self.decision is None:
            return True
        known = self.decision.identity.build
        if None not in (build, known) and build != known and now - self._asked_at > WHILE_FAILING:
            return True
        pause = WHILE_FAILING if failures > PATIENCE else DAY
        return failures == PATIENCE or now - self._asked_at >= pause

    async def run(self, client: PvsClient, login: Login, now: float) -> Decision:
        """Ask who it is, and decide if that is news.

        Raises:
            Refused: when nothing is known and nothing can be found out.
        """
        self._asked_at = now
        pinned_before = self._memory.get(certificate.KEY)
        try:
            identity = await ask(client)
            self.silent = None
        except Refused as refused:
            self.silent = refused
            return await self._without_answer(refused, client, login)
        login.serial = identity.serial or login.serial
        old = self.decision
        if old is not None and old.identity.build is not None and _same(identity, old.identity):
            return old
        if self._options.api == "auto":
            decision = await decide(client, login, identity, self._wall())
        else:
            decision = self._ordered(identity)
        if decision.generation is Generation.LEGACY and pinned_before is None:
            # It was only looked whether it lets us log in; an update that brings the login may bring another one.
            self._memory.set(certificate.KEY, None)
        if old is not None and (old.generation, old.identity) == (decision.generation, decision.identity):
            return old
        if old is not None and old.generation is not decision.generation:
            self._log.warning("%s: it is read by %s from now on", decision.reason, LABELS[decision.generation])
        else:
            self._log.info("%s; it is read by %s", decision.reason, LABELS[decision.generation])
        pinned = self._memory.get(certificate.KEY)
        if decision.generation is Generation.VARSERVER and pinned != pinned_before:
            self._log.info("its certificate is pinned: from now on it must be %s", pinned)
        self.decision = decision
        self._memory.set(KEY, decision.document())
        return decision

    async def _without_answer(self, refused: Refused, client: PvsClient, login: Login) -> Decision:
        """Nobody says who it is: what was decided stands, also before a restart; else it is tried what works."""
        if refused.reason in (Refusal.CERTIFICATE, Refusal.UNSUPPORTED):
            raise refused
        known = self.decision or remembered(self._memory.get(KEY))
        if known is not None and self._options.api in ("auto", known.generation.value):
            login.serial = known.identity.serial or login.serial
            if self.decision is None:
                self.decision = replace(known, reason=f"{known.reason} (as known before)")
            return self.decision
        if self._options.api == "auto" and refused.reason not in AWAY:
            with contextlib.suppress(Refused):
                self.decision = await decide(client, login, Identity(), self._wall())
                self._log.info("%s; it is read by %s", self.decision.reason, LABELS[self.decision.generation])
                return self.decision
        if self._options.api == "auto" or (self._options.api == "varserver" and self._options.password is None):
            raise refused
        self.decision = self._ordered(Identity())
        return self.decision

    def _ordered(self, identity: Identity) -> Decision:
        return Decision(
            Generation(self._options.api),
            f'the configuration says api = "{self._options.api}"',
            self._wall(),
            identity,
        )


def _same(now: Identity, before: Identity) -> bool:
    """Whether it is the same PVS with the same build; what it does not say this time is no news."""
    return now.build in (None, before.build) and now.serial in (None, before.serial)
