"""TLS to a broker: what is trusted, who we are, and what was seen.

Files are read for every connection, so that a renewed certificate is taken up by itself. Trust is in the authorities
of this machine, or of ``ca_file``, and then the name counts; or in one certificate alone, by its fingerprint, and
then neither name nor issuer nor date do: whoever has its key is the broker. There is no way to trust everybody.
"""

from __future__ import annotations

import hmac
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pvsmqtt.broker.certificate import Certificate, fingerprint, read
from pvsmqtt.broker.options import Tls

LOOK = 5.0
"""Seconds that a look at somebody's certificate may take."""


EXPIRES_SOON = 14
"""Days before its end at which a certificate should have been renewed."""


class Unusable(Exception):
    """A file of the configuration cannot be used; ``advice`` says what to do."""

    def __init__(self, text: str, advice: str) -> None:
        super().__init__(f"{text}: {advice}")
        self.text, self.advice = text, advice


class OtherFingerprint(OSError):
    """The certificate is not the pinned one."""


@dataclass(frozen=True, slots=True)
class Handshake:
    """What was agreed on: ``TLSv1.3``, ``TLS_AES_256_GCM_SHA384``, the certificate of the broker (DER), and ours
    if we have one."""

    version: str
    cipher: str
    der: bytes
    own: Certificate | None = None

    @property
    def certificate(self) -> Certificate | None:
        """What the broker's says, if it can be read."""
        return _read(self.der)

    def told(self, now: datetime) -> str:
        """In words, with the fingerprint."""
        certificate = self.certificate
        if certificate is None:
            return f"{self.version} with {self.cipher}, fingerprint {fingerprint(self.der)}"
        valid = f"valid until {certificate.not_after:%Y-%m-%d} ({certificate.days_left(now)} days)"
        return (
            f"{self.version} with {self.cipher}; certificate of {certificate.subject}, "
            f"signed by {certificate.issuer}, {valid}, fingerprint {certificate.fingerprint}"
        )

    def warnings(self, now: datetime) -> Iterator[str]:
        """What expires soon or has expired: the broker's certificate, ours."""
        for whose, certificate in (("the broker's certificate", self.certificate), ("our certificate", self.own)):
            if certificate is not None and (left := certificate.days_left(now)) < EXPIRES_SOON:
                when = f"expired on {certificate.not_after:%Y-%m-%d}" if left < 0 else f"expires in {left} days"
                yield f"{whose} ({certificate.subject}) {when}: have it renewed"


class Context(ssl.SSLContext):
    """Keeps what is seen on its connection: ``began`` when there is somebody to speak to, ``handshake`` when it has
    worked, ``trouble`` when it or anything after it has not. ``own`` is our certificate."""

    pin: str | None = None
    began = False
    handshake: Handshake | None = None
    trouble: OSError | None = None
    own: Certificate | None = None


class _Socket(ssl.SSLSocket):
    """Notes on its context how it goes. With TLS 1.3 a broker refuses our certificate after the handshake: that comes
    as an error of the first `recv`, of which paho tells only that there was one."""

    context: Context

    def do_handshake(self, block: bool = False) -> None:
        context = self.context
        context.began = True
        try:
            super().do_handshake(block)
            der = self.getpeercert(binary_form=True) or b""
            if context.pin is not None and not hmac.compare_digest(fingerprint(der), context.pin):
                raise OtherFingerprint(fingerprint(der))
        except OSError as error:
            context.trouble = error
            self.close()
            raise
        cipher = self.cipher()
        context.handshake = Handshake(self.version() or "TLS", cipher[0] if cipher else "", der, context.own)

    def recv(self, *args: Any) -> bytes:
        try:
            return super().recv(*args)
        except OSError as error:
            self._note(error)
            raise

    def send(self, *args: Any) -> int:
        try:
            return super().send(*args)
        except OSError as error:
            self._note(error)
            raise

    def _note(self, error: OSError) -> None:
        if not isinstance(error, ssl.SSLWantReadError | ssl.SSLWantWriteError | BlockingIOError):
            self.context.trouble = self.context.trouble or error


def context(tls: Tls, table: str) -> Context:
    """A context for one connection. It reads files: not for the event loop.

    Raises:
        Unusable: when a file is missing or does not hold what it should.
    """
    # Not `create_default_context`: its strict checks of Python 3.13 refuse authorities that people made themselves.
    made = Context(ssl.PROTOCOL_TLS_CLIENT)
    made.sslsocket_class = _Socket
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls.fingerprint is not None:
        made.pin = tls.fingerprint
        made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    elif tls.ca_file is not None:
        _trust(made, tls.ca_file, table)
    else:
        made.load_default_certs(ssl.Purpose.SERVER_AUTH)
    if tls.certificate_file is not None:
        _show(made, tls, tls.certificate_file, table)
    return made


def look(host: str, port: int) -> bytes | None:
    """The certificate (DER) that is shown at a port, whatever it is worth; None where no TLS is spoken. It blocks."""
    anybody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection((host, port), LOOK) as line,
            anybody.wrap_socket(line, server_hostname=host) as secured,
        ):
            return secured.getpeercert(binary_form=True)
    except (OSError, ValueError):
        return None


def seen(host: str, port: int) -> Certificate | None:
    """What the certificate says that is shown at a port. It blocks."""
    der = look(host, port)
    return None if der is None else _read(der)


def _read(der: bytes) -> Certificate | None:
    try:
        return read(der)
    except ValueError:
        return None


def _trust(made: Context, file: Path, table: str) -> None:
    content = _content(file, "ca_file", table)
    try:
        made.load_verify_locations(cadata=content.decode("ascii", "ignore"))
    except (ssl.SSLError, ValueError):
        raise Unusable(
            f"ca_file {file} holds no certificate in PEM form",
            f"it should begin with -----BEGIN CERTIFICATE-----; write another ca_file in {table}",
        ) from None
    made.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN


def _show(made: Context, tls: Tls, file: Path, table: str) -> None:
    content = _content(file, "certificate_file", table)
    key = tls.key_file or file
    if tls.key_file is not None:
        _content(tls.key_file, "key_file", table)
    asked = False

    def password() -> str:
        nonlocal asked
        asked = True
        return tls.key_password.get_secret_value() if tls.key_password else ""

    try:
        made.load_cert_chain(file, key, password)
    except (ssl.SSLError, ValueError, OSError) as error:
        raise _unusable_key(error, asked, tls, file, key, table) from None
    try:
        made.own = read(ssl.PEM_cert_to_DER_cert(_first_certificate(content)))
    except ValueError:
        made.own = None


def _unusable_key(error: Exception, asked: bool, tls: Tls, file: Path, key: Path, table: str) -> Unusable:
    if asked and tls.key_password is None:
        return Unusable(f"the key in {key} is encrypted", f"write key_password or key_password_file in {table}")
    if asked:
        return Unusable(f"the password of the key in {key} is wrong", f"check key_password in {table}")
    if getattr(error, "reason", None) == "KEY_VALUES_MISMATCH":
        return Unusable(
            f"the key in {key} does not belong to the certificate in {file}",
            f"check certificate_file and key_file in {table}; while both are being renewed this passes by itself",
        )
    return Unusable(
        f"{file} and {key} do not hold a certificate and its key in PEM form",
        f"check certificate_file and key_file in {table}; a key in the certificate's own file needs no key_file",
    )


def _content(file: Path, option: str, table: str) -> bytes:
    try:
        return file.read_bytes()
    except PermissionError:
        raise Unusable(
            f"{option} {file} may not be read by the user that runs pvsmqtt",
            "give it to that user, or hand it over with LoadCredential= under systemd",
        ) from None
    except OSError as error:
        raise Unusable(
            f"{option} {file} cannot be read ({error.strerror})", f"correct the path in {table} or create the file"
        ) from None


def _first_certificate(content: bytes) -> str:
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    _, _, rest = content.decode("ascii", "replace").partition(begin)
    return f"{begin}{rest.partition(end)[0]}{end}"
