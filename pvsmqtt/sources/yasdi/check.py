"""What ``pvsmqtt check`` finds out: whether the broker lets us listen, and what yasdi2mqtt says."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime
from pathlib import Path

import aiomqtt

from pvsmqtt.broker.connection import Refused, Session, connect_any, default_client_id
from pvsmqtt.broker.subscription import Denied, subscribe
from pvsmqtt.sources.base import Finding
from pvsmqtt.sources.broker_tls import tls_findings
from pvsmqtt.sources.yasdi.memory import Memory
from pvsmqtt.sources.yasdi.options import YasdiOptions
from pvsmqtt.sources.yasdi.payload import Message, decode
from pvsmqtt.sources.yasdi.refusal import QUIET, SILENT, Refusal, told

LISTEN = 40.0
"""Seconds: more than the interval in yasdi2mqtt's examples (30 s)."""

SETTLE = 2.0
"""Seconds after the first message in which the other inverters of the same round follow."""


async def check(options: YasdiOptions, state_dir: Path | None = None, listen: float | None = None) -> list[Finding]:
    """Listen until an inverter has spoken, at most ``listen`` seconds."""
    subject, broker = f"yasdi {options.subject}", options.broker
    if broker is None:
        return [Finding(subject, False, "there is no broker to listen to", "write host in [[yasdi]]")]
    client_id = f"{options.client_id or default_client_id(f'{state_dir}/{subject}')}-check"
    try:
        async with connect_any(broker, client_id) as session:
            await subscribe(session, options.filters, broker)
            heard = await _listen(session, LISTEN if listen is None else listen)
            known = bool(Memory(state_dir, str(options.subject), writable=False).get("heard"))
            return [
                Finding(subject, True, f"listens to {options.filters[0]} at {broker}"),
                *(tls_findings(subject, session) if options.host is not None else ()),
                *_findings(subject, heard, known),
            ]
    except Refused as refused:
        if broker.embedded:
            text = "the broker runs inside the service: what is heard there is in the health topic"
            return [Finding(subject, True, text)]
        return [Finding(subject, False, refused.text, refused.advice)]
    except Denied as denied:
        text, _, advice = str(denied).partition(": ")
        return [Finding(subject, False, text, advice)]
    except aiomqtt.MqttError as error:
        advice = "look into its log: it may not let this user listen"
        return [Finding(subject, False, f"{broker} cut the connection ({error})", advice)]


async def _listen(session: Session, patience: float) -> list[Message | Refusal]:
    heard: list[Message | Refusal] = []
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(patience) as limit:
            async for message in session.client.messages:
                payload = message.payload if isinstance(message.payload, bytes | bytearray) else b""
                found = (
                    Refusal.RETAINED
                    if message.retain
                    else decode(bytes(payload), str(message.topic), datetime.now(UTC))
                )
                heard.append(found)
                if isinstance(found, Message):
                    limit.reschedule(min(limit.when() or 0.0, asyncio.get_running_loop().time() + SETTLE))
    return heard


def _findings(subject: str, heard: list[Message | Refusal], known: bool) -> list[Finding]:
    messages = [one for one in heard if isinstance(one, Message)]
    refused = dict.fromkeys(one for one in heard if isinstance(one, Refusal) and one not in QUIET)
    findings = []
    if messages:
        serials = sorted({one.serial for one in messages})
        findings.append(Finding(f"{subject} inverters", True, ", ".join(serials)))
        if unmapped := sorted({name for one in messages for name in one.unmapped}):
            findings.append(Finding(f"{subject} channels", True, f"not described yet: {', '.join(unmapped)}"))
    elif not refused:
        text = "nothing was heard in this time" + (
            ": yasdi2mqtt has spoken before and is silent now" if known else ""
        )
        findings.append(Finding(f"{subject} messages", known, text, SILENT))
    for one in refused:
        what, _, advice = told(one).partition(": ")
        findings.append(Finding(f"{subject} messages", False, what, advice))
    return findings
