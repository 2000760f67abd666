"""What everything else needs: patience, free ports, programs of the system, a feed of things to await."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import shutil
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Generic, TypeVar

import pytest

PATIENCE = 20.0
"""Seconds after which something that should have happened counts as not happening."""

NOON = datetime(2026, 6, 21, 18, 2, 30, tzinfo=UTC)
"""The sun is up at the simulated house, and no 5-minute mark is near."""

ROOT = "pvsmqtt/home"
"""Where everything is published by default."""

T = TypeVar("T")
R = TypeVar("R")


_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_PORTS = itertools.cycle(range(10_000 + 2_000 * _WORKER, 12_000 + 2_000 * _WORKER))
"""Each worker has ports of its own, below those that the system gives away."""


def free_port() -> int:
    for port in _PORTS:
        with contextlib.closing(socket.socket()) as sock, contextlib.suppress(OSError):
            sock.bind(("127.0.0.1", port))
            return port
    raise AssertionError("unreachable: ports are tried for ever")


def program(name: str, package: str) -> str:
    """The path of a program of the system; the test is skipped where it is missing."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed: apt install {package}")
    return found


class Feed(Generic[T]):
    """Things in the order of their arrival, and a way to wait for one."""

    def __init__(self) -> None:
        self.items: list[T] = []
        self._news = asyncio.Event()

    def add(self, item: T) -> None:
        self.items.append(item)
        self.wake()

    def wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    async def until(self, find: Callable[[], R | None], what: str, timeout: float = PATIENCE) -> R:
        """Wait until ``find`` finds something; ``what`` is for the message of a failure."""
        try:
            async with asyncio.timeout(timeout):
                while True:
                    news = self._news
                    if (found := find()) is not None:
                        return found
                    await news.wait()
        except TimeoutError:
            tail = "\n  ".join(str(item)[:300] for item in self.items[-15:])
            raise AssertionError(f"in {timeout:g} s there was no {what}; the last were\n  {tail}") from None
