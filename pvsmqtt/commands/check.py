"""``pvsmqtt check``: is the configuration right, does the broker let us in, does every source answer?"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from pvsmqtt.broker.options import Broker
from pvsmqtt.commands import log, network
from pvsmqtt.options import Options
from pvsmqtt.settings import DEFAULT_STATE_DIR, Settings, SettingsError, load
from pvsmqtt.sinks.mqtt.options import EMBEDDED
from pvsmqtt.sources.base import Finding, SourceKind

NETWORKED = ("pvs", "modbus_tcp")
"""Tables of equipment that has a host, and may be in the network of a PVS."""


def check(config: Path | None, as_json: bool) -> int:
    """Print a line for each finding. Exit status 0 when all is good, 1 when something is not, 2 for a bad
    configuration."""
    log.set_up("error")
    try:
        settings = load(config)
    except SettingsError as error:
        if as_json:
            finding = Finding("configuration", False, str(error))
            print(json.dumps({"ok": False, "findings": [asdict(finding)]}))  # noqa: T201
        raise
    if sys.stderr.isatty():
        print("asking the broker and every source; a PVS may need a minute …", file=sys.stderr)  # noqa: T201
    findings = asyncio.run(look(settings))
    ok = all(finding.ok for finding in findings)
    if as_json:
        print(json.dumps({"ok": ok, "findings": [asdict(f) for f in findings]}, indent=2))  # noqa: T201
    else:
        print("\n".join(line for finding in findings for line in lines(finding)))  # noqa: T201
    if not ok:
        print(f"pvsmqtt: {not_ready(findings)}", file=sys.stderr)  # noqa: T201
    return 0 if ok else 1


def lines(finding: Finding) -> list[str]:
    """A finding as people read it."""
    word = "BAD " if not finding.ok else "note" if finding.note else "good"
    advice = [f"      -> {finding.advice}"] if finding.advice and word != "good" else []
    return [f"{word}  {finding.subject}: {finding.text}", *advice]


def not_ready(findings: Iterable[Finding]) -> str:
    """What is bad, in one line."""
    return f"not ready: {', '.join(finding.subject for finding in findings if not finding.ok)}"


async def look(settings: Settings, known: Mapping[Options, list[Finding]] | None = None) -> list[Finding]:
    """Everything that is found out. ``known``: what was found out just now, by the options of its source."""
    sources = settings.sources()
    parts = await asyncio.gather(broker(settings), *(_source(one, settings, known or {}) for one in sources))
    configuration = Finding("configuration", True, f"{len(sources)} source{'s' * (len(sources) != 1)} and a broker")
    # What is wrong with a source begins with the finding whether it is there at all.
    asked = [
        (str(getattr(options, "host", "")), found[0].ok)
        for (name, _, options), found in zip(sources, parts[1:], strict=True)
        if name in NETWORKED
    ]
    findings = [finding for part in parts for finding in part]
    own = [configuration, _state_dir(settings.state_dir), *await page(settings)]
    return [*own, *findings, *await network.explain(asked)]


async def _source(
    one: tuple[str, SourceKind[Any], Options], settings: Settings, known: Mapping[Options, list[Finding]]
) -> list[Finding]:
    _, kind, options = one
    found = next((found for other, found in known.items() if other == options), None)
    return await kind.check(options, settings.state_dir) if found is None else found


def _state_dir(path: Path) -> Finding:
    nearest = next((p for p in (path, *path.parents) if p.exists()), path)
    if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK):
        return Finding("state directory", True, f"{path} is writable")
    if path == DEFAULT_STATE_DIR:
        return Finding("state directory", True, f"{path} is the service's own: systemd makes it for it")
    advice = "make it writable for the user that runs pvsmqtt, or set state_dir to another place"
    return Finding("state directory", False, f"{path} is not writable for this user", advice)


async def page(settings: Settings) -> list[Finding]:
    """Whether the status page can listen where it is to; nothing where it is off."""
    from pvsmqtt.sinks.web.listening import listen, why_not

    where = settings.web.address
    if where is None:
        return []
    try:
        (await listen(asyncio.Protocol, where)).close()
    except OSError as error:
        reason, advice = why_not(error)
        if reason != "port_in_use":
            return [Finding("status page", False, f"it cannot listen on {where}", advice)]
        text = f"{where} is taken, by the service if that runs; if it does not, another program has the port"
        return [Finding("status page", True, text)]
    if settings.web.password_hash is None and not where.here_only:
        text = f"it can listen on {where}, and everybody who reaches this machine can read it"
        return [Finding("status page", True, text, "pvsmqtt web-password makes a password for it", note=True)]
    return [Finding("status page", True, f"it can listen on {where}")]


async def broker(settings: Settings) -> list[Finding]:
    """Whether the broker, or each node of its cluster, lets us in, and takes what we publish."""
    nodes = settings.mqtt.brokers
    # One after the other: in a cluster a client id has one place.
    return [finding for node in nodes for finding in (await try_broker(settings, node)).findings]


class Tried(NamedTuple):
    """What came of a try to reach the broker; ``reason`` is why it refused, as it is counted (`broker.reasons`)."""

    findings: list[Finding]
    reason: str | None = None


async def try_broker(settings: Settings, node: Broker | None = None) -> Tried:
    """Connect, and publish nothing that stays. ``node``: one of a cluster."""
    import aiomqtt

    from pvsmqtt.broker.connection import Refused, connect_any, default_client_id
    from pvsmqtt.broker.message import Message
    from pvsmqtt.sinks.mqtt import embedded
    from pvsmqtt.sinks.mqtt.topics import DENIED_ADVICE, Topics
    from pvsmqtt.sources.broker_tls import tls_findings

    options = settings.mqtt
    if options.host == EMBEDDED:
        if embedded.available():
            return Tried([Finding("broker", True, f"runs inside the service on {options.listen}:{options.port}")])
        advice = "pip install 'pvsmqtt[embedded]', or name a broker of your own in [mqtt] host"
        return Tried([Finding("broker", False, "the embedded broker is not installed", advice)])
    node = node or options.broker
    topics = Topics(options.base_topic, settings.instance, settings.home_assistant.discovery_prefix)
    client_id = f"{options.client_id or default_client_id(topics.root)}-check"
    try:
        async with connect_any(node, client_id) as session:
            # Clearing topics that nobody uses tells whether we may write, and leaves nothing behind. Not …/config:
            # Home Assistant would log that there is nothing to clear.
            for topic in (f"{topics.root}/check/status", f"{topics.prefix}/device/pvsmqtt_check/check"):
                await session.publish(Message(topic, "", qos=1))
            findings = [Finding("broker", True, f"{node} lets us in with MQTT {session.version}")]
            findings += tls_findings("broker", session)
            if session.denied is not None:
                text = f"it throws away what we publish ({session.denied})"
                findings.append(Finding("broker access", False, text, DENIED_ADVICE))
            return Tried(findings)
    except Refused as refused:
        return Tried([Finding("broker", False, refused.text, refused.advice)], refused.reason)
    except aiomqtt.MqttError as error:
        advice = "look into its log: it may not let this user publish"
        return Tried([Finding("broker", False, f"{node} cut the connection ({error})", advice)], "cut")
