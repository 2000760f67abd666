"""``pvsmqtt energy``: what flowed today, this month and this year, and where each figure comes from.

It reads the files that the service keeps in its state directory, so it does not matter whether that runs.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

from pvsmqtt.commands import log
from pvsmqtt.model.device import SITE_ID
from pvsmqtt.model.quantity import QUANTITIES
from pvsmqtt.settings import Settings, load
from pvsmqtt.site.totals import files
from pvsmqtt.site.totals.basis import FLOWS
from pvsmqtt.site.totals.days import Row, local, midnight
from pvsmqtt.site.totals.ledger import Ledger

OLD = timedelta(hours=1)
"""After which the figures are said to be old; the service writes every ten minutes while something flows."""

LATE = timedelta(hours=1)
"""By how much the count that a day began with may be older than the day."""

SPANS = ("today", "month", "year")
_HEADS = {"today": "today", "month": "this month", "year": "this year"}


def energy(config: Path | None, as_json: bool) -> int:
    """Exit status 0, or 1 when nothing is known yet."""
    log.set_up("error")
    settings = load(config)
    found = figures(settings, datetime.now(UTC))
    if not found["sites"]:
        print(  # noqa: T201
            f"pvsmqtt: there are no energies in {settings.state_dir} yet: run the service (pvsmqtt run) and wait for "
            "the first values of the equipment; if it runs elsewhere, give its configuration with --config",
            file=sys.stderr,
        )
        return 1
    print(json.dumps(found, indent=2) if as_json else "\n".join(text(found)))  # noqa: T201
    return 0


def figures(settings: Settings, now: datetime) -> dict[str, Any]:
    """Everything that is known, ready for JSON: kWh, and moments in local time."""
    totals, days = _document(settings.state_dir / files.TOTALS), files.days(settings.state_dir, settings.zone)
    zone = settings.zone
    saved = datetime.fromisoformat(totals["saved_at"]) if totals else None
    sites = {}
    for site, accounts in (totals or {"sites": {}})["sites"].items():
        rows = days.rows.get(site, {})
        flows = {
            key: _flow(key, accounts[key], rows, local(now, zone).date(), zone)
            for key in FLOWS
            if key in accounts and accounts[key]["total"] is not None
        }
        if flows:
            sites[site] = flows
    return {
        "as_of": None if saved is None else local(saved, zone).isoformat(timespec="seconds"),
        "old": saved is None or now - saved > OLD,
        "sites": sites,
    }


def _flow(
    key: str, account: dict[str, Any], rows: dict[date, Row], today: date, zone: tzinfo | None
) -> dict[str, Any]:
    begins = {"today": today, "month": today.replace(day=1), "year": today.replace(month=1, day=1)}
    spans: dict[str, Any] = {}
    for span, begin in begins.items():
        known = [day for day in rows if begin <= day <= today and key in rows[day]]
        if not known:
            spans[span] = {"kwh": None, "since": None}
            continue
        first = min(known)
        stood, at = rows[first][key]
        exact = abs(at - midnight(begin, zone)) <= LATE
        since = None if exact else local(at, zone).isoformat(timespec="seconds")
        spans[span] = {"kwh": round(max(0.0, account["total"] - stood), 3), "since": since}
    return {
        **spans,
        "lifetime": {"kwh": round(account["total"], 3)},
        "certainty": "measured" if account["measured"] else "estimated",
        "basis": account["text"],
        "counted_since": account["since"],
    }


def text(found: dict[str, Any]) -> list[str]:
    """The figures for people."""
    lines: list[str] = []
    for site, flows in found["sites"].items():
        name = "Solar site" if site == SITE_ID else site.replace("_", " ")
        head = "".join(f"{title:>14}" for title in (*_HEADS.values(), "lifetime"))
        lines += ["", f"{name} (kWh)"] if lines else [f"{name} (kWh)"]
        lines.append(f"{'':26}{head}   counted by")
        notes: dict[str, list[str]] = {}
        for key, flow in flows.items():
            label = QUANTITIES[key].name
            cells = "".join(f"{_cell(flow[span]):>14}" for span in (*SPANS, "lifetime"))
            by = f"{flow['certainty']}: {flow['basis']}"
            lines.append(f"{label:26}{cells}   {by}")
            for span in SPANS:
                if flow[span]["since"]:
                    notes.setdefault(f"* {_HEADS[span]}: since {_minute(flow[span]['since'])}", []).append(label)
        lines += [f"{note} ({', '.join(labels)})" for note, labels in notes.items()]
    lines.append(f"as of {_minute(found['as_of'])}{_OLD_TEXT if found['old'] else ''}")
    return lines


_OLD_TEXT = ": nothing has been written since; is the service running?"


def _cell(figure: dict[str, Any]) -> str:
    if figure["kwh"] is None:
        return "not known"
    return f"{figure['kwh']:.2f}{'*' if figure.get('since') else ' '}"


def _minute(moment: str) -> str:
    return datetime.fromisoformat(moment).strftime("%Y-%m-%d %H:%M")


def _document(path: Path) -> dict[str, Any] | None:
    try:
        document: dict[str, Any] = json.loads(path.read_text("utf-8"))
        Ledger().adopt(document, None)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        print(f"pvsmqtt: {path} cannot be used: {error}", file=sys.stderr)  # noqa: T201
        return None
    return document
