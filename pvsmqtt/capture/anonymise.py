"""Frames and junk without serial numbers: what they carry is rewritten in place, and the CRC is made right again.

Nothing changes its place or length, and nothing that framing goes by is touched: only what a frame carries. Where
that is in a frame of each function code, `_CARRIES` says. Fields that name a device are blanked whatever they hold
where SunSpec shows them (`named_fields`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pvsmqtt.capture.named_fields import NamedFields
from pvsmqtt.capture.segments import Segment
from pvsmqtt.capture.serials import blank, without_serials
from pvsmqtt.modbus.crc import sealed
from pvsmqtt.modbus.frame import Frame
from pvsmqtt.modbus.functions import READS_OF_REGISTERS

HOW = (
    "serial numbers and MAC addresses in texts are blanked (letters X, digits 0) and the CRC of their frames is made "
    "right again; numbers that are no text are as they were"
)
"""For the header of a recording."""

_Spans = Iterator[tuple[int, int]]


def _from(start: int) -> Callable[[bytes], _Spans]:
    return lambda data: iter(((start, len(data)),))


def _records_read(data: bytes) -> _Spans:
    """Function 20, response: length u8, then (length u8, type u8, registers) each."""
    at = 1
    while at < len(data):
        yield at + 2, at + 1 + data[at]
        at += 1 + data[at]


def _records_written(data: bytes) -> _Spans:
    """Function 21: length u8, then (type u8, file u16, record u16, count u16, registers) each."""
    at = 1
    while at + 7 <= len(data):
        end = at + 7 + 2 * int.from_bytes(data[at + 5 : at + 7], "big")
        yield at + 7, end
        at = end


def _identification(data: bytes) -> _Spans:
    """Function 43/14, response: 6 bytes, then (id u8, length u8, text) each."""
    at = 6 if data[:1] == b"\x0e" else len(data)
    while at + 2 <= len(data):
        yield at + 2, at + 2 + data[at + 1]
        at += 2 + data[at + 1]


_NO_TEXT = frozenset((1, 2, 3, 4, 5, 6, 7, 11, 12, 15, 16, 17, 20, 22, 23, 24, 43))
"""Function codes that carry text in one direction at most: the one that `_CARRIES` has."""
_CARRIES: dict[tuple[int, bool], Callable[[bytes], _Spans]] = {
    (3, True): _from(1),
    (4, True): _from(1),
    (8, False): _from(2),
    (8, True): _from(2),
    (16, False): _from(5),
    (17, True): _from(1),
    (20, True): _records_read,
    (21, False): _records_written,
    (21, True): _records_written,
    (23, False): _from(9),
    (23, True): _from(1),
    (24, True): _from(4),
    (43, True): _identification,
}
"""(function code, response?) -> which bytes of the frame's data are registers or text. Others, of which nobody knows
what they carry: all."""
_REGISTERS = frozenset((3, 4, 16, 20, 21, 23, 24))


class Anonymiser:
    """Rewrites segments of one stream; remembers where a unit has fields that name it."""

    def __init__(self) -> None:
        self.changed = 0
        """Segments that had something to hide."""
        self._fields = NamedFields()
        self._asked: dict[int, tuple[int, int, int]] = {}
        """unit -> function, address and count of the latest request to read registers."""

    def rewrite(self, segment: Segment) -> Segment:
        """The segment without serial numbers, as long as before."""
        frame = segment.frame
        if frame is None:
            data = without_serials(segment.data, phases=(0, 1), torn=True, before=segment.before, after=segment.after)
        elif frame.exception is not None:
            return segment
        else:
            data = self._frame(frame)
        if data == segment.data:
            return segment
        self.changed += 1
        return segment._replace(data=data, frame=frame and frame._replace(adu=data))

    def _frame(self, frame: Frame) -> bytes:
        data = bytearray(frame.data)
        carries = _CARRIES.get((frame.function, frame.is_response))
        if carries is None:
            carries = _from(len(data) if frame.function in _NO_TEXT else 0)
        registers = frame.function in _REGISTERS
        for start, end in carries(frame.data):
            data[start:end] = without_serials(
                bytes(data[start:end]), phases=(0,) if registers else (0, 1), edges=registers
            )
        if frame.function in READS_OF_REGISTERS:
            if frame.is_response:
                read = frame.data[1:]
                for start, end, is_text in self._fields.find(frame.unit, frame.function, self._address(frame), read):
                    data[1 + start : 1 + end] = blank(read[start:end]) if is_text else bytes(end - start)
            elif len(data) == 4:
                self._asked[frame.unit] = (
                    frame.function,
                    int.from_bytes(data[:2], "big"),
                    int.from_bytes(data[2:], "big"),
                )
        if data == frame.data:
            return frame.adu
        return sealed(frame.adu[:2] + data)

    def _address(self, frame: Frame) -> int | None:
        """Where the registers of this response begin, as far as the latest request tells."""
        function, address, count = self._asked.get(frame.unit, (0, 0, 0))
        return address if function == frame.function and frame.adu[2] == 2 * count else None
