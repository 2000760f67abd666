"""What ``pvsmqtt check`` tells of TLS to a broker."""

from __future__ import annotations

from datetime import UTC, datetime

from pvsmqtt.broker.connection import Session
from pvsmqtt.sources.base import Finding


def tls_findings(subject: str, session: Session, now: datetime | None = None) -> list[Finding]:
    """What was agreed on, and what expires soon: that is worth a line and no failure, it works today. ``now`` is by
    the clock of this machine."""
    if session.tls is None:
        return []
    now = now or datetime.now(UTC)
    findings = [Finding(f"{subject} TLS", True, session.tls.told(now))]
    findings += [Finding(f"{subject} TLS, soon", True, warning) for warning in session.tls.warnings(now)]
    return findings
