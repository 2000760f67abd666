"""What ``pvsmqtt check`` finds out about a PVS: whether it answers, what it is, how it is read, and what it knows."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from pvsmqtt.model.device import LABELS
from pvsmqtt.model.reading import Reading
from pvsmqtt.sources.base import Finding
from pvsmqtt.sources.pvs import generation
from pvsmqtt.sources.pvs.access.address import address, to_be_found
from pvsmqtt.sources.pvs.access.certificate import Certificate
from pvsmqtt.sources.pvs.access.client import PvsClient
from pvsmqtt.sources.pvs.access.login import Login
from pvsmqtt.sources.pvs.access.requests import DEVICE_LIST, search
from pvsmqtt.sources.pvs.generation import Decision, Generation
from pvsmqtt.sources.pvs.memory import Memory
from pvsmqtt.sources.pvs.newer import varserver
from pvsmqtt.sources.pvs.older import dl_cgi
from pvsmqtt.sources.pvs.options import PvsOptions
from pvsmqtt.sources.pvs.refusal import Refused
from pvsmqtt.sources.pvs.review import Review
from pvsmqtt.sources.pvs.schedule import clock_trouble

_QUIET = logging.getLogger(f"{__name__}.quiet")
_QUIET.setLevel(logging.CRITICAL)

CLOCK = (
    "if `date` is wrong here, timedatectl says why. If it is right, the PVS is wrong: it gets its time from the "
    "internet. Values are right nevertheless; only the times at which they were measured are off by that much"
)


async def check(options: PvsOptions, state_dir: Path | None = None) -> list[Finding]:
    """Ask who it is, decide how to read it, log in where that is wanted, and ask once for its devices."""
    subject = f"pvs {options.host}"
    memory = Memory(state_dir, options.host, writable=False)
    try:
        where = await _locate(options.host)
    except Refused as refused:
        return [Finding(subject, False, refused.detail, refused.advice)]
    password = options.password.get_secret_value() if options.password else None
    certificate = Certificate(options.certificate, memory)
    async with PvsClient(address(where, options.live_url), certificate) as client:
        login = Login(client, password)
        try:
            return await _look(subject, options, client, login, memory)
        finally:
            await login.log_out()


async def _look(subject: str, options: PvsOptions, client: PvsClient, login: Login, memory: Memory) -> list[Finding]:
    review = Review(options, memory, lambda: datetime.now(UTC), _QUIET)
    try:
        decision = await review.run(client, login, 0.0)
    except Refused as refused:
        return [Finding(subject, False, refused.detail, refused.advice)]
    try:
        if decision.generation is Generation.VARSERVER:
            reply = await login.fetch(search("/sys/devices/"))
            found = varserver.decode(varserver.variables(reply.document), subject, clock=reply.sent_at)
            readings, clock = found.readings, found.clock
        else:
            listed = dl_cgi.decode(await client.get(DEVICE_LIST), subject)
            readings, clock = listed.readings, listed.clock
    except Refused as refused:
        if review.silent is not None:
            return [Finding(subject, False, refused.detail, refused.advice), _how(subject, decision, tried=False)]
        devices = Finding(f"{subject} devices", False, refused.detail, refused.advice)
        how = _how(subject, decision, tried=decision.refused is None)
        return [Finding(subject, True, str(decision.identity)), how, devices]
    findings = [_who(subject, decision, review.silent), _how(subject, decision, tried=True)]
    if clock is not None and (trouble := clock_trouble((clock - datetime.now(UTC)).total_seconds())):
        findings.append(Finding(f"{subject} clock", True, trouble, CLOCK, note=True))
    return [*findings, _devices(subject, readings)]


def _who(subject: str, decision: Decision, silent: Refused | None) -> Finding:
    if silent is None:
        return Finding(subject, True, str(decision.identity))
    text = f"{decision.identity}; it did not say so itself this time ({silent.detail})"
    return Finding(subject, True, text, silent.advice, note=True)


def _how(subject: str, decision: Decision, tried: bool) -> Finding:
    """``tried``: something was read that way, or it is no matter of the interface that nothing was."""
    text = f"{generation.LABELS[decision.generation]}, because {decision.reason}"
    return Finding(f"{subject} interface", True, text, note=not tried)


def _devices(subject: str, readings: Sequence[Reading]) -> Finding:
    kinds = Counter(LABELS[reading.device.kind] for reading in readings)
    listing = ", ".join(f"{count} × {label}" for label, count in kinds.items()) or "none"
    live = sum(reading.valid_for > 0 for reading in readings)
    advice = "" if readings else "the PVS answers but knows no device: it may just have started"
    return Finding(f"{subject} devices", bool(readings), f"{listing}; {live} with live data", advice)


async def _locate(host: str) -> str:
    """Where the PVS is.

    Raises:
        Refused: when it is to be searched for and not found.
    """
    if not to_be_found(host):
        return host
    from pvsmqtt.sources.pvs.finding import find

    return await find.locate(host)
