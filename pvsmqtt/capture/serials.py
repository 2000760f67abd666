"""What looks like the serial number of somebody's equipment, and bytes without it.

The rule: letters and digits without a gap, 8 or more of them with 4 digits or more; or shorter ones that begin as the
numbers of this maker do (ZT, SY, E00); or a MAC address in hexadecimal digits. Letters become X and digits 0, so the
length stays. Names of models and versions stay, because they have fewer digits or points between them.

Registers hold text in more than one way, so bytes are looked at in several: as they are, with the two bytes of each
register exchanged, and one character in each register. The last needs a letter: eight cells at 48 to 57 °C are no
serial number.

A text may be cut in two by the end of a read. A part of it that touches an edge counts from 4 characters on if it has
a letter and 2 digits, from 6 if it has only digits; so of a text of two reads a few characters stay, never all. In
what is no frame a text may be torn anywhere, by noise or because the recording began or ended there: then this goes
for every part.

Not found: numbers that are no text (binary, BCD), texts that are written one register in each frame, texts with
signs between short groups (865-1060-01 is a part number).
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable

_RUN = re.compile(rb"[0-9A-Za-z]{4,}")
_MAKER = re.compile(rb"(?:ZT|SY|SB|E00)\d{4,}|(?:TZ|YS|BS)\d{4,}")
_MAC = re.compile(rb"[0-9A-Fa-f]{2}(?:([:-])[0-9A-Fa-f]{2})(?:\1[0-9A-Fa-f]{2}){4}")
_BARE_MAC = re.compile(rb"[0-9A-F]{12}|[0-9a-f]{12}")
_NOT_DIGITS = bytes(sorted(set(range(256)) - set(b"0123456789")))
_LETTERS = string.ascii_letters.encode()
_NO_TEXT = bytes(sorted(set(_NOT_DIGITS) - set(_LETTERS)))
_BLANK = bytes.maketrans(b"0123456789" + _LETTERS, b"0" * 10 + b"X" * len(_LETTERS))


def blank(data: bytes) -> bytes:
    """Every letter X, every digit 0; everything else as it was."""
    return data.translate(_BLANK)


def without_serials(
    data: bytes,
    *,
    phases: Iterable[int] = (0,),
    edges: bool = False,
    torn: bool = False,
    before: bytes = b"",
    after: bytes = b"",
) -> bytes:
    """The bytes with everything serial-like blanked.

    Args:
        data: Any bytes.
        phases: Where registers may begin: 0, or (0, 1) where that is not known.
        edges: Whether a text may go on beyond the ends of the data.
        torn: Whether a text may be torn anywhere.
        before: What comes before the data and belongs to the same text; it decides, but is not part of the result.
        after: The same behind the data.
    """
    whole = before + data + after
    text = whole.translate(None, _NO_TEXT)
    if len(text) < 4 or (len(text) < 12 and not torn and not text.translate(None, _LETTERS)):
        return data  # the usual case: less text than any rule asks for
    whole = _in_view(whole, edges, torn)
    for phase in phases:
        whole = _exchanged(_in_view(_exchanged(whole, phase), edges, torn), phase)
    parted = bytearray(whole)
    for place in (0, 1):
        parted[place::2] = _in_view(bytes(parted[place::2]), edges, torn, letter=True)
    return bytes(parted[len(before) : len(before) + len(data)])


def _in_view(data: bytes, edges: bool, torn: bool, letter: bool = False) -> bytes:
    for found in _RUN.finditer(data):
        start, end = found.span()
        if _serial_like(found[0], torn or (edges and (start == 0 or end == len(data))), letter):
            data = data[:start] + blank(found[0]) + data[end:]
    for found in _MAC.finditer(data):
        data = data[: found.start()] + blank(found[0]) + data[found.end() :]
    return data


def _serial_like(run: bytes, part: bool, letter: bool) -> bool:
    digits = len(run.translate(None, _NOT_DIGITS))
    if digits == len(run):
        return not letter and digits >= (6 if part else 8)
    return (
        (len(run) >= 8 and digits >= 4)
        or (part and digits >= 2)
        or _MAKER.search(run) is not None
        or (digits >= 1 and _BARE_MAC.fullmatch(run) is not None)
    )


def _exchanged(data: bytes, phase: int) -> bytes:
    """The two bytes of each register exchanged; what is no whole register stays."""
    end = phase + (len(data) - phase) // 2 * 2
    swapped = bytearray(data)
    swapped[phase:end:2], swapped[phase + 1 : end : 2] = data[phase + 1 : end : 2], data[phase:end:2]
    return bytes(swapped)
