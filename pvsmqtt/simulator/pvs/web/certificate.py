"""The certificate of a supervisor: self-signed, CN ``pvs.local``, issued by SunStrong Management.

Needs the ``cryptography`` package, which is imported only when a certificate is made.
"""

from __future__ import annotations

import hashlib
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

NAME = "pvs.local"
ISSUER = "SunStrong Management"
VALID = timedelta(days=3650)


@dataclass(frozen=True, slots=True)
class Certificate:
    """Certificate and key, PEM."""

    certificate: bytes
    key: bytes

    @property
    def der(self) -> bytes:
        """As it goes over the wire."""
        return ssl.PEM_cert_to_DER_cert(self.certificate.decode())

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, 64 lower-case hexadecimal digits."""
        return hashlib.sha256(self.der).hexdigest()

    def load_into(self, context: ssl.SSLContext) -> None:
        """Show this certificate on every connection made from now on."""
        with TemporaryDirectory(prefix="pvsmqtt-") as folder:  # the ssl module reads files only
            path = Path(folder) / "certificate.pem"
            path.touch(0o600)
            path.write_bytes(self.key + self.certificate)
            context.load_cert_chain(path)


def make() -> Certificate:
    """A new certificate with a new key; raises ModuleNotFoundError without ``cryptography``."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, ISSUER), x509.NameAttribute(NameOID.COMMON_NAME, NAME)]
    )
    begin = datetime.now(UTC) - timedelta(days=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + VALID)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Certificate(
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
    )
