"""The PVS's own log, where its firmware still shows it. Read only.

Older firmware runs systemd-journal-gatewayd on port 19531. What is asked of it (its manual page and source):

    GET /entries?follow&FIELD=VALUE
    Accept: application/json                    one JSON object in each line
    Range: entries=:-99:100                     go to the end, 99 back from the last, then 100 entries
    Range: realtime=1766000000:                 from this second on; since systemd 255, ignored before

    {"__REALTIME_TIMESTAMP": "1766000000123456", "_SYSTEMD_UNIT": "pvs.service", "MESSAGE": "text", …}

MESSAGE is text, a list of bytes where it is not UTF-8, a list of these where it was given several times, or null from
4 kB on.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp

from pvsmqtt.sources.pvs.access.client import lasting_socket

PORT = 19531
CONNECT, SILENCE = 10.0, 60.0
LONGEST = 1024 * 1024
"""Bytes of the longest line that is read; longer ones are counted and left out."""

ALL = 10**9
STEPS = tuple(1000 * 4**n for n in range(7))
"""How many entries to go back, step by step, where the server cannot go to a time by itself."""

CLOSED = (
    "newer firmware closes this port; older firmware may open it on its installer port LAN1 only (there it is "
    "172.27.153.1), and a proxy in front of the PVS has to pass it on"
)


class NoLog(Exception):
    """The log cannot be read; says why and what to do."""


@dataclass(frozen=True, slots=True)
class Query:
    """What is wanted: entries ``since`` a moment, or of the last ``lines``; what the server selects (``matches``)
    and what is searched for in sender and text (``patterns``)."""

    since: datetime | None = None
    lines: int | None = None
    follow: bool = False
    matches: tuple[tuple[str, str], ...] = ()
    patterns: tuple[re.Pattern[str], ...] = ()


Entry = dict[str, Any]


@contextlib.asynccontextmanager
async def opened(url: str, matches: Sequence[tuple[str, str]]) -> AsyncIterator[Gateway]:
    """The log at an address, while it is read."""
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(force_close=True, socket_factory=lasting_socket),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        headers={"Accept": "application/json", "Accept-Encoding": "identity"},
    ) as session:
        yield Gateway(session, url, matches)


class Gateway:
    """Asks a systemd-journal-gatewayd."""

    def __init__(self, session: aiohttp.ClientSession, url: str, matches: Sequence[tuple[str, str]]) -> None:
        self._session = session
        self._url = url
        self._matches = matches

    async def entries(self, within: str, follow: bool = False) -> AsyncGenerator[Entry | None, None]:
        """The entries of a Range, None for each that cannot be read.

        Raises:
            NoLog: when there is no log, or the connection is lost.
        """
        quiet = None if follow else SILENCE
        try:
            async with self._session.get(
                self._url,
                params=[*self._matches, *([("follow", "")] if follow else [])],
                headers={"Range": within},
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT, sock_read=quiet),
            ) as response:
                _accept(self._url, response)
                async for raw in split(response.content.iter_any()):
                    yield parse(raw)
        except aiohttp.ClientConnectorError as error:
            why = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error.os_error)
            raise NoLog(f"no log at {self._url} ({why}): {CLOSED}") from None
        except TimeoutError:
            raise NoLog(f"no log at {self._url} (no answer in time): {CLOSED}") from None
        except (aiohttp.ClientError, OSError) as error:
            what = f"{self._url} broke off ({type(error).__name__})"
            raise NoLog(f"{what}: the PVS may be restarting, or this is not a log; try again") from None
        if follow:
            raise NoLog(f"{self._url} ended the connection: the PVS may be restarting; try again")

    async def first(self, within: str) -> Entry | None:
        """The first entry of a Range."""
        async with contextlib.aclosing(self.entries(within)) as entries:
            async for entry in entries:
                return entry
        return None


def _accept(url: str, response: aiohttp.ClientResponse) -> None:
    if response.status == 200 and response.content_type == "application/json":
        return
    if response.status >= 500:
        raise NoLog(f"the PVS cannot open its log (HTTP {response.status}): try again; a power-cycle may help")
    what = f"HTTP {response.status}" if response.status != 200 else f"{response.content_type} in place of a log"
    raise NoLog(f"no log at {url} ({what}): {CLOSED}")


async def wanted(server: Gateway, query: Query) -> AsyncGenerator[Entry | None, None]:
    """What the query asks for, oldest first."""
    if query.lines is not None:
        # The server counts back from the last entry, and cannot go back by none.
        count = max(query.lines, 2)
        within = f"entries=:-{count - 1}:{ALL if query.follow else count}"
    else:
        assert query.since is not None  # noqa: S101 - one of them is set
        within = await _range_since(server, query.since)
    kept: Entry | None = None
    only_last = query.lines == 1 and not query.follow
    async with contextlib.aclosing(server.entries(within, query.follow)) as entries:
        async for entry in entries:
            if entry is not None and query.since is not None and (when := moment(entry)) and when < query.since:
                continue
            if only_last:
                kept = entry
            else:
                yield entry
    if kept is not None:
        yield kept


async def _range_since(server: Gateway, since: datetime) -> str:
    """The Range that begins at a time, or not long before it where the server does not know times."""
    within = f"realtime={int(since.timestamp())}:"
    first = await server.first(within)
    when = moment(first) if first else None
    if when is None or when >= since.replace(microsecond=0):
        return within
    cursor = None
    for back in STEPS:
        within = f"entries=:-{back}:{ALL}"
        first = await server.first(f"entries=:-{back}:1") or {}
        when = moment(first)
        if (when is not None and when < since) or first.get("__CURSOR", back) == cursor:
            break
        cursor = first.get("__CURSOR")
    return within


async def split(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes | None]:
    """Lines, None for each that is longer than `LONGEST`."""
    line, too_long = bytearray(), False
    async for chunk in chunks:
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            line += end
            yield None if too_long or len(line) > LONGEST else bytes(line)
            line.clear()
            too_long = False
        line += rest
        if len(line) > LONGEST:
            line.clear()
            too_long = True
    if line or too_long:
        yield None if too_long else bytes(line)


def parse(raw: bytes | None) -> Entry | None:
    """An entry, or None where there is none."""
    try:
        entry = json.loads(raw or b"")
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None


def moment(entry: Entry) -> datetime | None:
    """When an entry was written, by the clock of the PVS."""
    try:
        return datetime.fromtimestamp(int(entry["__REALTIME_TIMESTAMP"]) / 1e6, UTC)
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return None


def text(message: object) -> str:
    """The text of a MESSAGE in any of its forms."""
    if isinstance(message, str):
        return message
    if message is None:
        return "(a text of more than 4 kB, which the PVS leaves out)"
    if isinstance(message, list):
        if all(isinstance(item, int) and 0 <= item < 256 for item in message):
            return bytes(message).decode(errors="replace")
        return " ".join(text(item) for item in message if isinstance(item, list | str))
    return "(unreadable)"
