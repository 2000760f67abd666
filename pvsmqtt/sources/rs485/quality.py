"""How well a line is heard, and what to do about it when it is not. Pure.

Where frames are found, the line is good, and only the errors between them are judged. Where none are, the bytes tell
what is wrong, for a UART makes the same mistakes everywhere. Shares as a model UART has them for polls of a SunVault,
8N1 and 8E1, 9600 to 115200 baud (tests/helpers_uart.py):

=======================================  ========  =============  ===========  ============
what is wrong                            odd       coarse         0x00         0xFF
=======================================  ========  =============  ===========  ============
nothing                                  0.38      0.33           0.33         0.00
set too fast, twice or more              **0.00**  0.37 to 1.00   0.00 to 1.0  0.00
set much too slow                        0.1 0.9   **0.6 to 0.9**  few bytes   0.0 to 0.8
set too slow by 2 to 4                   0.1 0.8   0.1 to 0.4     0.0 to 0.2   0.00 to 0.11
set too slow by 6                        0.1 0.8   0.1 to 0.3     0.0 to 0.1   up to 0.16
A and B swapped, speed right             **0.7 up**  0.3          0.00 to 0.04  **0.17 up**
=======================================  ========  =============  ===========  ============

*Coarse* are the bytes with a single change of level. A UART that is twice too fast sees each bit at least twice, so
the first data bit repeats the start bit: no byte is odd. With A and B swapped the many zeros of register values are
ones; the bytes are not just complemented, since each begins at another edge, and cannot be put right again.
"""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import Any

from pvsmqtt.modbus.frame import Frame
from pvsmqtt.modbus.setting import Setting

COARSE = bytes((0x00, 0x80, 0xC0, 0xE0, 0xF0, 0xF8, 0xFC, 0xFE, 0xFF))
ENOUGH = 64
"""Bytes from which on their shares say something."""
FOREIGN = (b"\x7e\xff\x03\x40\x41", b"\xaa\xaa\x68")
"""How telegrams of SMANet and SMAData1 begin, which older SMA inverters speak."""

EVEN_AT_LEAST, COARSE_AT_LEAST = 0.97, 0.6
SWAPPED_ODD, SWAPPED_ONES, SWAPPED_ZEROS = 0.65, 0.165, 0.06
NOISY = 0.001
"""CRC failures among what should be frames."""
HALF_WRONG = 0.1
"""Framing errors among bytes from which on the parity is set wrongly: where a parity bit is read as stop bit, about
half of all characters have one, and the frames are good all the same."""


class Symptom(StrEnum):
    """What a line looks like."""

    SILENT = "silent"
    TOO_LITTLE = "too_little"
    GOOD = "good"
    ECHO = "echo"
    PARITY = "parity"
    NOISY = "noisy"
    MIXED = "mixed"
    FOREIGN = "foreign"
    TOO_FAST = "too_fast"
    TOO_SLOW = "too_slow"
    SWAPPED = "swapped"
    UNREADABLE = "unreadable"


HEARD = (Symptom.GOOD, Symptom.ECHO, Symptom.NOISY, Symptom.PARITY, Symptom.MIXED)
"""Frames are found."""

ADVICE: dict[Symptom, str] = {
    Symptom.SILENT: "nothing is heard at all. Check that A and B of the adapter are connected to the line and that "
    "its ground is, that this is the right port, and that the equipment is awake: a SunVault is polled about every "
    "15 s, but not while its supervisor restarts",
    Symptom.TOO_LITTLE: "only a few bytes were heard, too few to judge; wait for more",
    Symptom.GOOD: "",
    Symptom.ECHO: "each request is heard twice: the adapter repeats what it hears, or a second tap is on the line. "
    "The repetition is left out; nothing needs to be done",
    Symptom.PARITY: "frames are good, but the driver counts errors in many characters: the parity is set wrongly "
    'here. Try parity = "E", then "O", then "N"',
    Symptom.NOISY: "some frames are damaged: check that the ground is connected, keep the lead to the adapter short, "
    "and take away its termination resistor if both ends of the line have theirs",
    Symptom.MIXED: "frames are found, but most bytes belong to none: something else talks on the line too, at "
    "another speed or in another protocol, or the line is very noisy. Check ground and termination",
    Symptom.FOREIGN: "these are telegrams of SMA (SMANet), not Modbus: older SMA inverters are on this line. They "
    "are read with yasdi2mqtt, not here",
    Symptom.TOO_FAST: "the speed set here is too fast for this line: nearly all bytes are even, as when each bit is "
    "seen twice or more. Set a lower baud rate",
    Symptom.TOO_SLOW: "the speed set here is much too slow for this line: characters run together into 0x00 and "
    "0xFF. Set a higher baud rate",
    Symptom.SWAPPED: "A and B seem to be swapped: the bytes have ones where Modbus has zeros. Exchange the two wires "
    "at the adapter (this does no harm; not all makers mean the same by A and B). If that does not help, the speed "
    "may be set too slow, by six times or so",
    Symptom.UNREADABLE: "there are plenty of bytes, but no Modbus frame: the speed is set too slow, or the parity is "
    "another one, or A and B are swapped, or this is not Modbus RTU",
}
ORDERED = '. With baudrate = "auto" and parity = "auto" it is searched for'
IN_THE_SERVER = " (in the serial server: the speed of this line cannot be set from here)"
ABOUT_SPEED = frozenset({Symptom.TOO_FAST, Symptom.TOO_SLOW, Symptom.UNREADABLE, Symptom.PARITY})


class Quality:
    """Counts of one line at one setting. Feed it the bytes and the frames that were found in them.

    ``changeable``: the speed can be set from here, not only in the serial server.
    """

    def __init__(self, setting: Setting | None = None, changeable: bool = True) -> None:
        self.setting = setting
        self.changeable = changeable
        self.bytes = 0
        self.frames = 0
        self.framed_bytes = 0
        self.pairs = 0
        """Responses whose request was heard."""
        self.crc_failures = 0
        self.echo = False
        self.driver: dict[str, int] = {}
        self.foreign = 0
        self._histogram: Counter[int] = Counter()
        self._tail = b""

    def hear(self, data: bytes) -> None:
        """Bytes came."""
        self.bytes += len(data)
        self._histogram.update(data)
        stream = self._tail + data
        begin = len(self._tail)
        self.foreign += sum(stream.count(mark, max(0, begin - len(mark) + 1)) for mark in FOREIGN)
        self._tail = stream[-max(map(len, FOREIGN)) + 1 :]

    def frame(self, frame: Frame, request: Frame | None) -> None:
        """A frame was found in them; ``request`` is what it answers, if it does."""
        self.frames += 1
        self.framed_bytes += len(frame.adu)
        self.pairs += request is not None

    def count(self, crc_failures: int = 0, echo: bool = False, driver: dict[str, int] | None = None) -> None:
        """What framer and driver have counted, each since the beginning of this quality."""
        self.crc_failures, self.echo, self.driver = crc_failures, echo, driver or {}

    def share(self, which: bytes) -> float:
        """The share of these bytes among all, 0 to 1."""
        return sum(self._histogram[byte] for byte in which) / self.bytes if self.bytes else 0.0

    @property
    def wrong_characters(self) -> float:
        """The share of characters in which the driver counts an error of framing or parity, 0 to 1."""
        wrong = self.driver.get("framing", 0) + self.driver.get("parity", 0)
        return min(1.0, wrong / self.bytes) if self.bytes else 0.0

    @property
    def symptom(self) -> Symptom:
        """What this looks like."""
        return next(symptom for symptom, fits in _RULES if fits(self))

    def advice(self) -> str:
        """What is wrong, what it means and what to do, in plain words; empty when all is well."""
        symptom = self.symptom
        text = ADVICE[symptom]
        if symptom is Symptom.NOISY:
            text = f"{self.crc_failures} of {self.frames + self.crc_failures} frames were damaged: {text}"
        return text + (IN_THE_SERVER if symptom in ABOUT_SPEED and not self.changeable else "")

    def histogram(self, most: int = 8) -> list[tuple[int, float]]:
        """The most frequent bytes with their shares."""
        return [(byte, count / self.bytes) for byte, count in self._histogram.most_common(most)]

    def report(self) -> dict[str, Any]:
        """For a health report or ``--json``."""
        return {
            "setting": None if self.setting is None else str(self.setting),
            "bytes": self.bytes,
            "frames": self.frames,
            "pairs": self.pairs,
            "crc_failures": self.crc_failures,
            "driver": self.driver,
            "histogram": {f"{byte:02X}": round(share, 3) for byte, share in self.histogram()},
            "symptom": str(self.symptom),
            "advice": self.advice(),
        }


_ODD = bytes(range(1, 256, 2))
_RULES = (
    (Symptom.SILENT, lambda q: q.bytes == 0),
    (Symptom.PARITY, lambda q: q.frames > 0 and q.bytes >= ENOUGH and q.wrong_characters >= HALF_WRONG),
    (Symptom.MIXED, lambda q: q.pairs > 0 and q.framed_bytes < q.bytes / 2),
    (Symptom.ECHO, lambda q: q.pairs > 0 and q.echo),
    (Symptom.NOISY, lambda q: q.pairs > 0 and q.crc_failures > NOISY * (q.frames + q.crc_failures)),
    (Symptom.GOOD, lambda q: q.pairs > 0 or (q.frames >= 3 and q.framed_bytes >= q.bytes / 2)),
    (Symptom.FOREIGN, lambda q: q.foreign > 1),
    (Symptom.TOO_LITTLE, lambda q: q.bytes < ENOUGH),
    (Symptom.TOO_FAST, lambda q: q.share(_ODD) <= 1 - EVEN_AT_LEAST),
    (Symptom.TOO_SLOW, lambda q: q.share(COARSE) >= COARSE_AT_LEAST),
    (
        Symptom.SWAPPED,
        lambda q: (
            q.share(_ODD) >= SWAPPED_ODD and q.share(b"\xff") >= SWAPPED_ONES and q.share(b"\x00") <= SWAPPED_ZEROS
        ),
    ),
    (Symptom.UNREADABLE, lambda _: True),
)
"""The first that fits."""
