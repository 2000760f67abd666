"""A set of variables that the PVS remembers for us, so that reading them again costs it no search.

``cache=`` together with a question adds what it finds to the named set and answers it; alone it reads the set
(tjmonk/fcgi_vars). A set is in memory only and frozen: it is lost when the PVS restarts, and devices that appear
later are not in it. So it is filled again when it fails, when its user misses something, and every hour.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from pvsmqtt.sources.pvs.access.client import Reply
from pvsmqtt.sources.pvs.access.login import Login
from pvsmqtt.sources.pvs.access.requests import Request, cached
from pvsmqtt.sources.pvs.newer import varserver
from pvsmqtt.sources.pvs.refusal import Refusal, Refused

REFILL = 3600.0
_LOST = frozenset({Refusal.BAD_REQUEST, Refusal.NOT_FOUND, Refusal.EMPTY, Refusal.WRONG_SHAPE, Refusal.NOT_JSON})


class CachedSet:
    """``question`` makes the request that fills a set of this name."""

    def __init__(self, login: Login, name: str, question: Callable[[str], Request]) -> None:
        self._login = login
        self._name = name
        self._question = question
        self._filled_at = -math.inf

    async def read(self, now: float, anew: bool = False) -> tuple[dict[str, object], Reply]:
        """The variables by name, and the reply that they came with; ``anew``: search for them again.

        Raises:
            Refused: when even filling the set did not work.
        """
        if not anew and now - self._filled_at < REFILL:
            try:
                reply = await self._login.fetch(cached(self._name))
                if found := varserver.variables(reply.document):
                    return found, reply
            except Refused as refused:
                if refused.reason not in _LOST:
                    raise
        self._filled_at = -math.inf
        reply = await self._login.fetch(self._question(self._name))
        found = varserver.variables(reply.document)
        self._filled_at = now
        return found, reply
