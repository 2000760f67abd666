"""What a framer heard, in numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Counters:
    """What was heard since the framer was made, over all resets."""

    bytes: int = 0
    frames: int = 0
    requests: int = 0
    responses: int = 0
    exceptions: int = 0
    echoes: int = 0
    vendor: int = 0
    """Frames of vendor-defined functions."""
    junk_bytes: int = 0
    """Bytes that belong to no frame."""
    crc_failures: int = 0
    """Places where a frame was due, one would fit, and its CRC was wrong."""
    doubted: int = 0
    """Weak shapes of strangers that were not believed."""
