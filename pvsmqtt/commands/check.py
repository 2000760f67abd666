"""``pvsmqtt check``: is the configuration right, does the broker let us in, does every source answer?"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

from pvsmqtt.broker.options import Broker
from pvsmqtt.commands import log
from pvsmqtt.settings import DEFAULT_STATE_DIR, Settings, SettingsError, load
from pvsmqtt.sinks.mqtt.options import EMBEDDED
from pvsmqtt.sources.base import Finding


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
    findings = asyncio.run(_findings(settings))
    ok = all(finding.ok for finding in findings)
    if as_json:
        print(json.dumps({"ok": ok, "findings": [asdict(f) for f in findings]}, indent=2))  # noqa: T201
    else:
        for finding in findings:
            print(f"{'good' if finding.ok else 'BAD '}  {finding.subject}: {finding.text}")  # noqa: T201
            if finding.advice and not finding.ok:
                print(f"      -> {finding.advice}")  # noqa: T201
    if not ok:
        bad = ", ".join(finding.subject for finding in findings if not finding.ok)
        print(f"pvsmqtt: not ready: {bad}", file=sys.stderr)  # noqa: T201
    return 0 if ok else 1


async def _findings(settings: Settings) -> list[Finding]:
    sources = [kind.check(options, settings.state_dir) for _, kind, options in settings.sources()]
    parts = await asyncio.gather(_brokers(settings), *sources)
    state = _state_dir(settings.state_dir)
    configuration = Finding("configuration", True, f"{len(sources)} source{'s' * (len(sources) != 1)} and a broker")
    return [configuration, state, *(finding for part in parts for finding in part)]


def _state_dir(path: Path) -> Finding:
    nearest = next((p for p in (path, *path.parents) if p.exists()), path)
    if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK):
        return Finding("state directory", True, f"{path} is writable")
    if path == DEFAULT_STATE_DIR:
        return Finding("state directory", True, f"{path} is the service's own: systemd makes it for it")
    advice = "make it writable for the user that runs pvsmqtt, or set state_dir to another place"
    return Finding("state directory", False, f"{path} is not writable for this user", advice)


async def _brokers(settings: Settings) -> list[Finding]:
    from pvsmqtt.sinks.mqtt import embedded

    options = settings.mqtt
    if options.host == EMBEDDED:
        if embedded.available():
            return [Finding("broker", True, f"runs inside the service on {options.listen}:{options.port}")]
        advice = "pip install 'pvsmqtt[embedded]', or name a broker of your own in [mqtt] host"
        return [Finding("broker", False, "the embedded broker is not installed", advice)]
    # One after the other: they are nodes of one cluster, in which a client id has one place.
    return [finding for broker in options.brokers for finding in await _broker(settings, broker)]


async def _broker(settings: Settings, broker: Broker) -> list[Finding]:
    import aiomqtt

    from pvsmqtt.broker.connection import Refused, connect_any, default_client_id
    from pvsmqtt.broker.message import Message
    from pvsmqtt.sinks.mqtt.topics import DENIED_ADVICE, Topics
    from pvsmqtt.sources.broker_tls import tls_findings

    options = settings.mqtt
    topics = Topics(options.base_topic, settings.instance, settings.home_assistant.discovery_prefix)
    client_id = f"{options.client_id or default_client_id(topics.root)}-check"
    try:
        async with connect_any(broker, client_id) as session:
            # Clearing topics that nobody uses tells whether we may write, and leaves nothing behind.
            for topic in (f"{topics.root}/check/status", f"{topics.prefix}/device/pvsmqtt_check/config"):
                await session.publish(Message(topic, "", qos=1))
            findings = [Finding("broker", True, f"{broker} lets us in with MQTT {session.version}")]
            findings += tls_findings("broker", session)
            if session.denied is not None:
                text = f"it throws away what we publish ({session.denied})"
                findings.append(Finding("broker access", False, text, DENIED_ADVICE))
            return findings
    except Refused as refused:
        return [Finding("broker", False, refused.text, refused.advice)]
    except aiomqtt.MqttError as error:
        advice = "look into its log: it may not let this user publish"
        return [Finding("broker", False, f"{broker} cut the connection ({error})", advice)]
