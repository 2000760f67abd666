"""Why a connection to a broker did not come about, for people: what is wrong, what it means, what to do."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime

from paho.mqtt.client import WebsocketConnectionError

from pvsmqtt.broker import tls
from pvsmqtt.broker.certificate import Certificate
from pvsmqtt.broker.options import Broker
from pvsmqtt.broker.refused import Refused

EXPIRED, NOT_YET_VALID, OTHER_NAME, OTHER_ADDRESS = 10, 9, 62, 64
"""Why OpenSSL does not accept a certificate (X509_V_ERR_…); all others mean that nobody vouches for it."""

_OURS = {
    "SSLV3_ALERT_BAD_CERTIFICATE": "it is damaged or not accepted",
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": "it is not made for clients",
    "SSLV3_ALERT_CERTIFICATE_REVOKED": "it was revoked",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "it has expired, or the broker's clock is wrong",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "it is not accepted",
    "TLSV1_ALERT_UNKNOWN_CA": "the broker does not know who signed it",
    "TLSV1_ALERT_ACCESS_DENIED": "the broker does not let it in",
    "TLSV1_ALERT_DECRYPT_ERROR": "the broker cannot verify it",
}
"""Alerts of a broker about our certificate (RFC 8446, 6.2, as OpenSSL spells them)."""

_MISSING = {"TLSV13_ALERT_CERTIFICATE_REQUIRED", "SSLV3_ALERT_HANDSHAKE_FAILURE"}
_TOO_OLD = {"UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION", "NO_PROTOCOLS_AVAILABLE"}


class Closed(Exception):
    """The broker ended the connection before it answered."""


async def explain(broker: Broker, error: BaseException, context: tls.Context | None) -> Refused:
    """The refusal that a failed try amounts to. ``context`` is what its TLS connection has seen. It may look at the
    broker's port once more, to find out what is spoken there."""
    trouble = context.trouble if context else None
    if context is not None and context.began and (trouble is not None or context.handshake is None):
        certificate = None
        if isinstance(trouble, ssl.SSLCertVerificationError | tls.OtherFingerprint):
            certificate = await asyncio.to_thread(tls.seen, broker.host, broker.port)
        if trouble is not None and not isinstance(trouble, TimeoutError):
            return of_tls(broker, trouble, certificate, context, datetime.now(UTC))
    before = error.__context__  # aiomqtt has turned it into words
    reset = isinstance(before, ConnectionError) and not isinstance(before, ConnectionRefusedError)
    if (
        isinstance(error, Closed)
        or isinstance(before, WebsocketConnectionError)
        or (broker.path is not None and reset)
    ):
        return await _not_answered(broker, context, closed=isinstance(error, Closed))
    return Refused(
        f"no broker answers at {broker} ({error})",
        f"check host and port in {broker.table}, that the broker runs, and that it listens on the network",
        # aiomqtt's words for a connection that was made and not answered; TCP has its own for one not made.
        silent=str(error) == "Operation timed out",
    )


async def _not_answered(broker: Broker, context: tls.Context | None, closed: bool) -> Refused:
    if context is None and await asyncio.to_thread(tls.look, broker.host, broker.port) is not None:
        return Refused(
            f"the broker at {broker} speaks TLS at this port, and we do not",
            f"{_with(broker)}, or the port for plain text (for MQTT usually 1883)",
            reason="plain",
        )
    if not closed:
        return Refused(
            f"no MQTT over WebSocket is spoken at {broker.url}",
            f"check port and path in {broker.table}, and that the broker has a listener for WebSocket there "
            "(mosquitto: protocol websockets)",
            reason="websockets",
        )
    advice = f"look into the broker's log; check port, transport and protocol in {broker.table}"
    if context is not None:
        advice += "; it may want a certificate of ours (certificate_file and key_file)"
    return Refused(
        f"the broker at {broker} ends the connection before it answers", advice, silent=True, reason="closed"
    )


def of_tls(
    broker: Broker, error: OSError, certificate: Certificate | None, context: tls.Context, now: datetime
) -> Refused:
    """The refusal that an error of TLS amounts to. ``certificate`` is what the broker shows, ``now`` the clock of
    this machine."""
    if isinstance(error, tls.OtherFingerprint):
        return Refused(
            f"the certificate of the broker at {broker} is not the pinned one: its fingerprint is {error}",
            "somebody may be in between. If the certificate was renewed, compare with `openssl x509 -noout -sha256 "
            f"-fingerprint -in …` at the broker, and write the new fingerprint in {broker.table}",
            reason="certificate",
        )
    if isinstance(error, ssl.SSLCertVerificationError):
        return _not_accepted(broker, error, certificate, now)
    reason = getattr(error, "reason", None) or ""
    if reason in _OURS or reason in _MISSING:
        return _ours_refused(broker, reason, context, now)
    if reason in _TOO_OLD:
        return Refused(
            f"the broker at {broker} speaks no TLS that is new enough",
            "update it: TLS 1.2 of 2008 is the oldest that is accepted",
            reason="tls",
        )
    if context.handshake is not None:
        advice = "look into the broker's log"
        if context.own is None:
            advice += f": it may want a certificate of ours, certificate_file and key_file in {broker.table}"
        return Refused(
            f"the broker at {broker} ends the connection after the TLS handshake ({_short(error)})",
            advice,
            # Some brokers that know MQTT 3.1.1 only cut the line.
            silent=not isinstance(error, ssl.SSLError) or isinstance(error, ssl.SSLEOFError),
            reason="tls",
        )
    return Refused(
        f"no TLS is spoken at {broker} ({_short(error)})",
        f"check port in {broker.table}: TLS is usually at 8883, plain MQTT at 1883; "
        f"for plain MQTT {_without(broker)}",
        reason="tls",
    )


def _with(broker: Broker) -> str:
    """How TLS is asked for: in the configuration, or in an address on the command line."""
    if broker.table.startswith("--"):
        return f"write {'mqtts' if broker.path is None else 'wss'}:// in {broker.table}"
    return f"write tls = true in {broker.table}"


def _without(broker: Broker) -> str:
    if broker.table.startswith("--"):
        return f"write {'mqtt' if broker.path is None else 'ws'}:// there"
    return "leave out tls"


def _not_accepted(
    broker: Broker, error: ssl.SSLCertVerificationError, certificate: Certificate | None, now: datetime
) -> Refused:
    whose = f"the certificate of the broker at {broker}"
    clock = f"the clock of this machine says {now:%Y-%m-%d %H:%M} UTC"
    pin = f'fingerprint = "{certificate.fingerprint}"' if certificate else "its fingerprint"
    if error.verify_code == EXPIRED:
        when = f" on {certificate.not_after:%Y-%m-%d}" if certificate and certificate.not_after <= now else ""
        what = whose if when or certificate is None else f"the certificate of an authority behind {whose}"
        text = f"{what} expired{when}; {clock}"
        advice = "have it renewed; if that clock is wrong, set it (timedatectl)"
    elif error.verify_code == NOT_YET_VALID:
        begin = f" before {certificate.not_before:%Y-%m-%d %H:%M}" if certificate else " yet"
        text = f"{whose} is not valid{begin}; {clock}"
        advice = "if that clock is wrong, set it (timedatectl): a Raspberry Pi starts in the past until it is told"
    elif error.verify_code in (OTHER_NAME, OTHER_ADDRESS):
        names = ", ".join(certificate.names) if certificate and certificate.names else "other names"
        text = f"{whose} is made out to {names}, not to {broker.host}"
        advice = f"write one of these as host in {broker.table}, have {broker.host} put into it, or pin it: {pin}"
    else:
        signer = f"it is signed by {certificate.issuer}" if certificate else error.verify_message
        text = f"nobody whom this machine trusts vouches for {whose} ({signer})"
        advice = (
            f"write ca_file = the certificate of who signed it in {broker.table}; or, if the broker's administrator "
            f"confirms it, pin it: {pin}"
        )
    return Refused(text, advice, reason="certificate")


def _ours_refused(broker: Broker, reason: str, context: tls.Context, now: datetime) -> Refused:
    if context.own is None:
        return Refused(
            f"the broker at {broker} wants a certificate of ours",
            f"write certificate_file and key_file in {broker.table}, signed by an authority that it trusts",
            reason="own_certificate",
        )
    why = _OURS.get(reason, "it is not accepted")
    if context.own.not_after <= now:
        why = f"it expired on {context.own.not_after:%Y-%m-%d}"
    return Refused(
        f"the broker at {broker} refuses our certificate ({context.own.subject}): {why}",
        f"have another one made by an authority that the broker trusts, certificate_file in {broker.table}",
        reason="own_certificate",
    )


def _short(error: OSError) -> str:
    return (getattr(error, "reason", None) or error.strerror or str(error) or type(error).__name__).strip()
