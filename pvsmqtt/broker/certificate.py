"""What a certificate says, from its bytes (X.509, DER; RFC 5280, 4.1).

The ssl module tells nothing of a certificate that it did not accept, which is the one that people want to know about.

    Certificate ::= SEQUENCE { tbs, signature algorithm, signature }
    tbs ::= SEQUENCE { [0] version, serial, algorithm, issuer, validity, subject, key, …, [3] extensions }

Nothing here judges whether a signature is good. All that is read comes from whoever answers at a port.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

_SEQUENCE, _VERSION, _EXTENSIONS = 0x30, 0xA0, 0xA3
_UTC_TIME, _GENERALIZED_TIME, _UTF16 = 0x17, 0x18, 0x1E
_DNS, _ADDRESS = 0x82, 0x87
_PARTS = {b"\x55\x04\x03": "CN", b"\x55\x04\x0a": "O", b"\x55\x04\x0b": "OU"}
_ALTERNATIVE_NAMES = b"\x55\x1d\x11"
_LONGEST = 100
"""Characters of a text that anybody may have written."""

_MOST_NAMES = 20


@dataclass(frozen=True, slots=True)
class Certificate:
    """``names`` are the host names and addresses for which it is made out, ``fingerprint`` is its SHA-256 (64
    lower-case hexadecimal digits)."""

    subject: str
    issuer: str
    not_before: datetime
    not_after: datetime
    names: tuple[str, ...]
    fingerprint: str

    def days_left(self, now: datetime) -> int:
        """Whole days until it expires, below 0 when it has."""
        return (self.not_after - now).days


def fingerprint(der: bytes) -> str:
    """SHA-256 of a certificate, 64 lower-case hexadecimal digits."""
    return hashlib.sha256(der).hexdigest()


def read(der: bytes) -> Certificate:
    """What a certificate says.

    Raises:
        ValueError: when these bytes are none.
    """
    certificate = _only(der, _SEQUENCE)
    fields = list(_elements(next(_elements(certificate), (0, b""))[1]))
    if fields and fields[0][0] == _VERSION:
        fields = fields[1:]
    if len(fields) < 5:
        raise ValueError("too short for a certificate")
    issuer, validity, subject = (value for _, value in fields[2:5])
    times = [_time(tag, value) for tag, value in _elements(validity)]
    if len(times) != 2:
        raise ValueError("no validity")
    names = [name for tag, value in fields[5:] if tag == _EXTENSIONS for name in _alternative_names(value)]
    return Certificate(
        _name(subject), _name(issuer), times[0], times[1], tuple(names[:_MOST_NAMES]), fingerprint(der)
    )


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and content of what stands here one after the other."""
    at = 0
    while at < len(data):
        tag, at = data[at], at + 1
        if at >= len(data):
            raise ValueError("an element without a length")
        length, at = data[at], at + 1
        if length >= 0x80:
            digits = length & 0x7F
            if not 1 <= digits <= 4 or at + digits > len(data):
                raise ValueError("a length that cannot be")
            length, at = int.from_bytes(data[at : at + digits], "big"), at + digits
        if at + length > len(data):
            raise ValueError("an element is cut off")
        yield tag, data[at : at + length]
        at += length


def _only(data: bytes, wanted: int) -> bytes:
    tag, value = next(_elements(data), (0, b""))
    if tag != wanted:
        raise ValueError(f"element {tag:#x} where {wanted:#x} should be")
    return value


def _name(data: bytes) -> str:
    """``CN=broker.lan, O=Home``."""
    parts = []
    for _, relative in _elements(data):
        for _, pair in _elements(relative):
            (_, kind), (tag, value), *_ = [*_elements(pair), (0, b""), (0, b"")]
            if kind in _PARTS:
                parts.append((_PARTS[kind], _text(value, "utf-16-be" if tag == _UTF16 else "utf-8")))
    order = list(_PARTS.values())
    parts.sort(key=lambda part: order.index(part[0]))
    return ", ".join(f"{kind}={value}" for kind, value in parts) or "nobody"


def _text(data: bytes, encoding: str = "utf-8") -> str:
    text = data.decode(encoding, "replace")
    return "".join(c if c.isprintable() else "?" for c in text[:_LONGEST])


def _time(tag: int, value: bytes) -> datetime:
    text = value.decode("ascii", "replace")
    if tag == _UTC_TIME and len(text) == 13:
        text = ("19" if text[0] in "56789" else "20") + text
    elif tag != _GENERALIZED_TIME:
        raise ValueError("no time")
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _alternative_names(data: bytes) -> Iterator[str]:
    for _, extension in _elements(_only(data, _SEQUENCE)):
        (_, kind), *rest = [*_elements(extension), (0, b"")]
        if kind != _ALTERNATIVE_NAMES:
            continue
        for tag, value in _elements(_only(rest[-2][1], _SEQUENCE)):
            if tag == _DNS:
                yield _text(value)
            elif tag == _ADDRESS and len(value) in (4, 16):
                yield str(ipaddress.ip_address(value))
