"""Which https certificate counts: a PVS signs its own, so the one seen first is pinned.

Pinning does not prove that the first one was right; it makes sure that the login never goes to anybody else later.
"""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from functools import lru_cache
from urllib.parse import urlsplit

import aiohttp

from pvsmqtt.sources.pvs.memory import Memory
from pvsmqtt.sources.pvs.refusal import Refusal, Refused

HANDSHAKE = 15.0
KEY = "certificate"

Trust = ssl.SSLContext | aiohttp.Fingerprint | bool
"""What aiohttp takes as its ``ssl``."""


class Certificate:
    """``wanted`` is ``pin``, ``any``, ``verify`` or a SHA-256 fingerprint in hexadecimal digits.

    The fingerprint that was pinned is kept in ``memory``.
    """

    def __init__(self, wanted: str, memory: Memory) -> None:
        self._wanted = wanted
        self._memory = memory

    async def trust(self, base: str, secret: bool) -> Trust:
        """What to hold the certificate of this https address against; the first time that something ``secret`` is to
        be sent it is looked at and pinned. Until then any will do: there is nothing to protect, and an update that
        brings the login may bring another certificate.

        Raises:
            Refused: when it cannot be looked at.
        """
        if self._wanted in ("any", "verify"):
            return self._wanted == "verify"
        if self._wanted != "pin":
            return _must_be(self._wanted)
        pinned = self._memory.get(KEY)
        if not isinstance(pinned, str):
            if not secret:
                return False
            pinned = await fingerprint(base)
            self._memory.set(KEY, pinned)
        try:
            return _must_be(pinned)
        except ValueError:
            self._memory.set(KEY, None)
            raise Refused(Refusal.CERTIFICATE, "the pinned fingerprint was damaged and is forgotten") from None


@lru_cache(maxsize=16)
def _must_be(wanted: str) -> aiohttp.Fingerprint:
    """Always the same object for the same fingerprint: only then aiohttp uses a connection again."""
    return aiohttp.Fingerprint(bytes.fromhex(wanted))


def changed(got: bytes) -> Refused:
    """The refusal of a certificate that is not the pinned one."""
    return Refused(Refusal.CERTIFICATE, f"its certificate is not the known one (now {got.hex()})")


def no_tls(base: str, error: OSError) -> Refused:
    """The refusal of an https address where somebody answers, and not by TLS."""
    why = (getattr(error, "reason", None) or type(error).__name__).replace("_", " ").lower()
    return Refused(Refusal.NO_TLS, f"no TLS with {base} ({why})")


async def fingerprint(base: str) -> str:
    """SHA-256 of the certificate that an https address shows, in hexadecimal digits.

    Raises:
        Refused: when there is no TLS to be had.
    """
    parts = urlsplit(base)
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        async with asyncio.timeout(HANDSHAKE):
            _, writer = await asyncio.open_connection(parts.hostname, parts.port or 443, ssl=context)
            try:
                shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
            finally:
                writer.transport.abort()
    except TimeoutError:
        raise Refused(Refusal.TIMEOUT, f"no TLS with {base} in {HANDSHAKE:g} s") from None
    except ssl.SSLError as error:
        raise no_tls(base, error) from None
    except (OSError, ValueError) as error:
        raise Refused(Refusal.UNREACHABLE, f"no TLS with {base} ({type(error).__name__})") from None
    if not shown:
        raise Refused(Refusal.CERTIFICATE, f"{base} shows no certificate")
    return hashlib.sha256(shown).hexdigest()
