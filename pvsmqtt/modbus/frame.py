"""One Modbus RTU frame as it was heard on a line."""

from __future__ import annotations

from typing import NamedTuple


class Frame(NamedTuple):
    """A frame with a good CRC, whole: ``adu`` is unit, function code, data and CRC, 4 to 256 bytes.

    Behind TCP there is no CRC: see `mbap.frame_of`.
    """

    offset: int
    """Of its first byte, counted in bytes since the framer was reset."""
    adu: bytes
    unit: int
    """0 (broadcast) to 255."""
    function: int
    """Function code, without the bit that marks an exception."""
    is_response: bool
    exception: int | None
    """The exception code; None for everything but an exception."""
    when: float
    """When its last byte arrived."""
    echo: bool = False
    """A request that is only the echo of the one before it."""

    @property
    def data(self) -> bytes:
        """What stands between function code and CRC."""
        return self.adu[2:-2]
