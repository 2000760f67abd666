"""``pvsmqtt pvs-log``: prints the PVS's own log, with secrets hidden."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from pvsmqtt.commands import log
from pvsmqtt.model.times import iso
from pvsmqtt.redaction import redact
from pvsmqtt.sources.pvs.finding.journal import PORT, Entry, NoLog, Query, moment, opened, text, wanted

LINES = 100
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")

UNITS = ("_SYSTEMD_UNIT", "SYSLOG_IDENTIFIER", "_COMM", "_TRANSPORT")
"""What names the sender of an entry; the first that is there counts."""


def pvs_log(
    host: str | None,
    since: datetime | None,
    lines: int | None,
    follow: bool,
    filters: Sequence[tuple[str, str] | re.Pattern[str]],
    port: int | None,
    config: Path | None,
) -> int:
    """Print the log; without ``host`` that of the first PVS of the configuration. Exit status 1 when there is none.

    Raises:
        SettingsError: when the configuration is needed and bad.
    """
    log.set_up("error")
    query = Query(
        since,
        lines or (None if since else LINES),
        follow,
        tuple(one for one in filters if isinstance(one, tuple)),
        tuple(one for one in filters if not isinstance(one, tuple)),
    )
    given, host = host is not None, host or _configured(config)
    try:
        asyncio.run(_print(host, port, given, query))
        sys.stdout.flush()
    except NoLog as error:
        print(f"pvsmqtt: {error}", file=sys.stderr)  # noqa: T201
        return 1
    except BrokenPipeError:
        # Whoever read the output has enough. The interpreter would complain when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        if not follow:
            raise
    return 0


def _configured(config: Path | None) -> str:
    from pvsmqtt.settings import SettingsError, load

    tables = getattr(load(config), "pvs", ())
    if not tables:
        raise SettingsError(["no [[pvs]] table whose log could be read: name the PVS, as in pvsmqtt pvs-log HOST"])
    return str(tables[0].host)


async def _print(host: str, port: int | None, given: bool, query: Query) -> None:
    url = await _url(host, port, given)
    left_out = 0
    async with opened(url, query.matches) as server, contextlib.aclosing(wanted(server, query)) as entries:
        async for entry in entries:
            if entry is None:
                left_out += 1
            else:
                what = said(entry)
                if all(pattern.search(what) for pattern in query.patterns):
                    print(f"{stamp(entry)} {what}", flush=query.follow)  # noqa: T201
    if left_out:
        print(f"pvsmqtt: {left_out} entries too long or damaged were left out", file=sys.stderr)  # noqa: T201


async def _url(host: str, port: int | None, given: bool) -> str:
    """Where the log is. A port within a configured host or a URL is that of the web interface; one that was
    ``given`` with the host is meant for the log."""
    from pvsmqtt.sources.pvs.access.address import base_url, to_be_found
    from pvsmqtt.sources.pvs.finding import find
    from pvsmqtt.sources.pvs.refusal import Refused

    try:
        place = await find.locate(host) if to_be_found(host) else host
    except Refused as refused:
        raise NoLog(str(refused)) from None
    parts = urlsplit(base_url(place))
    name = parts.hostname or ""
    port = port or (parts.port if given and "://" not in host else None) or PORT
    return f"http://{f'[{name}]' if ':' in name else name}:{port}/entries"


def stamp(entry: Entry) -> str:
    """``2026-06-21T18:05:00Z``: when it was written, to the second."""
    when = moment(entry)
    return "unknown time" if when is None else iso(when.replace(microsecond=0))


def said(entry: Entry) -> str:
    """``unit: text`` without secrets; further lines of a text are indented."""
    unit = next((entry[key] for key in UNITS if isinstance(entry.get(key), str)), "?")
    return f"{_clean(unit.removesuffix('.service'))}: {_clean(text(entry.get('MESSAGE')))}"


def _clean(text: str) -> str:
    """Without colours and without characters that a terminal would obey, then without secrets."""
    plain = "".join(c if c.isprintable() or c == "\n" else " " for c in _COLOUR.sub("", text))
    return redact(plain.rstrip()).replace("\n", "\n    ")
