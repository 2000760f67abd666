"""What a certificate says is what its maker wrote."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from harness.authority import Authority
from hypothesis import given
from hypothesis import strategies as st

from pvsmqtt.broker.certificate import read

KEY = ec.generate_private_key(ec.SECP256R1())


def test_names_times_and_fingerprint(tmp_path: Path) -> None:
    signed = Authority(tmp_path).server("broker.lan", "192.0.2.7", "2001:db8::7")
    found = read(signed.der)
    assert found.subject == "CN=broker.test, O=Home"
    assert found.issuer == "CN=Test authority, O=Home"
    assert found.not_before == signed.x509.not_valid_before_utc
    assert found.not_after == signed.x509.not_valid_after_utc
    assert found.names == ("broker.lan", "192.0.2.7", "2001:db8::7")
    assert found.fingerprint == signed.fingerprint
    assert found.days_left(found.not_after - timedelta(days=3)) == 3
    assert found.days_left(found.not_after + timedelta(hours=1)) == -1


def made(name: str, begin: datetime, end: datetime) -> bytes:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(KEY.public_key())
    builder = builder.serial_number(1).not_valid_before(begin).not_valid_after(end)
    return builder.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


@given(st.text(min_size=1, max_size=64), st.integers(-600_000_000, 200_000_000_000))
def test_any_name_and_time(name: str, seconds: int) -> None:
    begin = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    try:
        der = made(name, begin, begin + timedelta(days=1))
    except ValueError:
        return  # it cannot be written in a certificate
    found = read(der)
    assert (found.not_before, found.not_after) == (begin, begin + timedelta(days=1))
    assert found.subject == "CN=" + "".join(c if c.isprintable() else "?" for c in name)
    assert found.names == ()


WHOLE = made("broker", datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))


@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 255))
def test_a_damaged_one_is_read_or_refused(at: int, byte: int) -> None:
    for data in (WHOLE[:at], WHOLE[:at] + bytes([byte]) + WHOLE[at + 1 :]):
        with suppress(ValueError):
            assert read(data).subject.isprintable()


@given(st.binary(max_size=200))
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        read(data)
