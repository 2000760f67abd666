"""The password of the status page as a hash: scrypt of the standard library. Pure.

    scrypt$16384$8$1$<salt, Base64>$<hash, Base64>        n, r, p

Figures are bounded on both sides, so that a configuration can ask for neither a weak hash nor all memory.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
import unicodedata
from typing import NamedTuple

SHORTEST, LONGEST = 8, 1024
"""Characters of a password."""

_N, _R, _P = 2**14, 8, 1
"""16 MB and about a tenth of a second on a Raspberry Pi 4 for each try."""

_SALT, _LENGTH = 16, 32
_LIMITS = {"n": (2**14, 2**17), "r": (8, 16), "p": (1, 4)}
_FORM = re.compile(r"scrypt\$(\d{1,7})\$(\d{1,3})\$(\d{1,3})\$([A-Za-z0-9+/=]{16,200})\$([A-Za-z0-9+/=]{16,200})")

WRONG_FORM = "this is no hash of a password; allowed: what pvsmqtt web-password prints, scrypt$…"


class Hash(NamedTuple):
    """A hash and how it was made."""

    n: int
    r: int
    p: int
    salt: bytes
    hash: bytes


def parse(text: str) -> Hash:
    """Read what `make` wrote.

    Raises:
        ValueError: when it is something else; the message is for people and does not tell the text.
    """
    found = _FORM.fullmatch(text)
    if found is None:
        raise ValueError(WRONG_FORM)
    try:
        salt, wanted = (base64.b64decode(part, validate=True) for part in found.groups()[3:])
    except binascii.Error:
        raise ValueError(WRONG_FORM) from None
    n, r, p = map(int, found.groups()[:3])
    within = all(_LIMITS[key][0] <= value <= _LIMITS[key][1] for key, value in (("n", n), ("r", r), ("p", p)))
    if not within or n & (n - 1) or len(salt) < _SALT or len(wanted) < _LENGTH:
        raise ValueError(WRONG_FORM)
    return Hash(n, r, p, salt, wanted)


def make(password: str) -> str:
    """The hash of a password, with a salt of its own."""
    salt = secrets.token_bytes(_SALT)
    made = _derived(password, Hash(_N, _R, _P, salt, b"\0" * _LENGTH))
    return "$".join(
        ["scrypt", str(_N), str(_R), str(_P), *(base64.b64encode(part).decode() for part in (salt, made))]
    )


def matches(password: str, wanted: Hash) -> bool:
    """Whether it is the password, in constant time. Takes its time: not for the event loop."""
    return len(password) <= LONGEST and hmac.compare_digest(_derived(password, wanted), wanted.hash)


def _derived(password: str, how: Hash) -> bytes:
    # A phone and a computer may write the same letter in two ways.
    data = unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
    most = 129 * how.n * how.r * how.p + 2**20
    return hashlib.scrypt(data, salt=how.salt, n=how.n, r=how.r, p=how.p, dklen=len(how.hash), maxmem=most)
