"""An authority that signs certificates for one test."""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = datetime.timedelta(days=1)
HERE = ("localhost", "127.0.0.1")


@dataclass(frozen=True)
class Signed:
    """A certificate and its key, in files."""

    certificate: Path
    key: Path
    x509: x509.Certificate

    @property
    def der(self) -> bytes:
        return self.x509.public_bytes(serialization.Encoding.DER)

    @property
    def fingerprint(self) -> str:
        return self.x509.fingerprint(hashes.SHA256()).hex()


class Authority:
    """Signs what it is asked to; its own certificate is ``ca``."""

    def __init__(self, folder: Path, name: str = "Test authority") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = name
        self.ca = self._write(name, self._key, self._sign(name, self._key, self._key, name, ca=True), None)

    def server(
        self, *names: str, days: tuple[float, float] = (-1, 30), own: bool = False, file: str = "server"
    ) -> Signed:
        """For a broker with these names, valid from and to so many days from now; ``own``: signed by itself."""
        return self._made(file, "broker.test", names or HERE, days, own, None)

    def client(
        self, name: str = "solar", days: tuple[float, float] = (-1, 30), password: str | None = None
    ) -> Signed:
        return self._made(name, name, (), days, False, password)

    def _made(
        self, file: str, name: str, names: tuple[str, ...], days: tuple[float, float], own: bool, password: str | None
    ) -> Signed:
        key = ec.generate_private_key(ec.SECP256R1())
        signer, issuer = (key, name) if own else (self._key, self.ca_name)
        return self._write(file, key, self._sign(name, key, signer, issuer, names=names, days=days), password)

    @property
    def ca_name(self) -> str:
        (name,) = self.ca.x509.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return str(name.value)

    def _sign(
        self,
        name: str,
        key: ec.EllipticCurvePrivateKey,
        signer: ec.EllipticCurvePrivateKey,
        issuer: str,
        ca: bool = False,
        names: tuple[str, ...] = (),
        days: tuple[float, float] = (-1, 30),
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
        builder = (
            x509.CertificateBuilder()
            .subject_name(_named(name))
            .issuer_name(_named(issuer))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + days[0] * DAY)
            .not_valid_after(now + days[1] * DAY)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName([_alternative(n) for n in names]), False)
        if not ca:
            usage = [ExtendedKeyUsageOID.SERVER_AUTH if names else ExtendedKeyUsageOID.CLIENT_AUTH]
            builder = builder.add_extension(x509.ExtendedKeyUsage(usage), False)
        return builder.sign(signer, hashes.SHA256())

    def _write(
        self, name: str, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate, password: str | None
    ) -> Signed:
        stem = name.replace(" ", "_")
        signed = Signed(self._folder / f"{stem}.crt", self._folder / f"{stem}.key", certificate)
        signed.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        lock: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if password is not None:
            lock = serialization.BestAvailableEncryption(password.encode())
        signed.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock))
        return signed


def _named(name: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, name), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Home")]
    )


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
