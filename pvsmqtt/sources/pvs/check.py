"""What ``pvsmqtt check`` finds out about a PVS: whether it answers, what it is, and what it knows."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from pvsmqtt.model.device import LABELS
from pvsmqtt.sources.base import Finding
from pvsmqtt.sources.pvs import dl_cgi
from pvsmqtt.sources.pvs.client import DEVICE_LIST, SUPERVISOR_INFO, PvsClient
from pvsmqtt.sources.pvs.options import PvsOptions, base_url
from pvsmqtt.sources.pvs.refusal import Refusal, Refused
from pvsmqtt.sources.pvs.schedule import clock_trouble
from pvsmqtt.sources.pvs.values import text

NEEDS_LOGIN = {"PVS6": 61840, "PVS5": 5408}
"""The first build, by model, that has closed the device list behind a login."""


async def check(options: PvsOptions) -> list[Finding]:
    """Ask for supervisor/info (cheap, open on every firmware), then once for the device list (slow)."""
    subject = f"pvs {options.host}"
    info: object = None
    async with PvsClient(base_url(options.host)) as client:
        findings = []
        try:
            info = await client.get(SUPERVISOR_INFO)
            findings.append(Finding(subject, True, describe(info)))
        except Refused as refused:
            if refused.reason in (Refusal.UNREACHABLE, Refusal.TIMEOUT):
                return [Finding(subject, False, refused.detail, refused.advice)]
            findings.append(Finding(subject, True, f"no supervisor/info ({refused.detail})"))
        try:
            reply = dl_cgi.decode(await client.get(DEVICE_LIST), subject)
        except Refused as refused:
            advice = refused.advice
            if refused.reason is Refusal.FORBIDDEN and needs_login(info):
                advice = "this firmware wants a login, which pvsmqtt does not have yet"
            return [*findings, Finding(f"{subject} devices", False, refused.detail, advice)]
    if reply.clock is not None and (trouble := clock_trouble((reply.clock - datetime.now(UTC)).total_seconds())):
        findings.append(Finding(f"{subject} clock", True, trouble))
    kinds = Counter(LABELS[reading.device.kind] for reading in reply.readings)
    listing = ", ".join(f"{count} × {label}" for label, count in kinds.items()) or "none"
    live = sum(reading.valid_for > 0 for reading in reply.readings)
    advice = "" if reply.readings else "the PVS answers but knows no device: it may just have started"
    found = Finding(f"{subject} devices", bool(reply.readings), f"{listing}; {live} with live data", advice)
    return [*findings, found]


def needs_login(info: object) -> bool:
    """Whether a supervisor/info reply names a firmware that has closed the device list."""
    supervisor = info.get("supervisor") if isinstance(info, dict) else None
    if not isinstance(supervisor, dict):
        return False
    build = re.search(r"(\d{4,})\s*$", text(supervisor.get("SWVER")) or "")
    first = NEEDS_LOGIN.get(text(supervisor.get("MODEL")) or "")
    return first is not None and build is not None and int(build[1]) >= first


def describe(info: Any) -> str:
    """``PVS6, firmware 2025.06, Build 61839`` out of a supervisor/info reply."""
    supervisor = info.get("supervisor") if isinstance(info, dict) else None
    if not isinstance(supervisor, dict):
        return "answers, but does not say what it is"
    model = text(supervisor.get("MODEL")) or "a PVS of unknown model"
    version = text(supervisor.get("SWVER"))
    return f"{model}, firmware {version}" if version else model
