"""What a try to log in costs this machine."""

from __future__ import annotations

import asyncio
import threading

import pytest
from helpers_web import HASH

from pvsmqtt.sinks.web import passwords
from pvsmqtt.sinks.web.guard import Guard
from pvsmqtt.sinks.web.replies import Refused

THREADS = 4


async def test_hashes_are_made_in_one_thread_however_many_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that made one keeps its 16 MB: with eight of them, the unit.s limit would kill the service."""
    together, used, matches = threading.Barrier(THREADS), set[int](), passwords.matches

    def noted(password: str, wanted: passwords.Hash) -> bool:
        used.add(threading.get_ident())
        return matches(password, wanted)

    monkeypatch.setattr(passwords, "matches", noted)
    guard = Guard(HASH, 8485)

    async def guess(number: int) -> None:
        with pytest.raises(Refused):
            await guard.check("wrong wrong", f"192.0.2.{number}")
        # All threads of the usual pool are there and idle, so any of them might be next.
        await asyncio.gather(*(asyncio.to_thread(together.wait) for _ in range(THREADS)))

    for number in range(6):
        await guess(number)
    assert len(used) == 1
