"""How a line or connection does over which Modbus is heard or spoken; the last counters tell the same of one unit.

Everything counts from the start of the service.
"""

from __future__ import annotations

from pvsmqtt.model.quantity.row import Quantity, count, enum
from pvsmqtt.model.quantity.words import LINE_STATES

ROWS = (
    enum("line_state", "State", "Whether anything is understood on the line", LINE_STATES),
    Quantity("frame_rate", "Frame rate", "Frames heard", "frames/s", None, "measurement", 1, diagnostic=True),
    Quantity(
        "bus_load",
        "Bus load",
        "Share of the time in which the line carries characters",
        "%",
        None,
        "measurement",
        1,
        diagnostic=True,
    ),
    Quantity("baud_rate", "Baud rate", "Speed of the line", "bit/s", "data_rate", "measurement", 0, diagnostic=True),
    count("units_heard", "Units heard", "Units that answered", "measurement"),
    count("known_registers", "Known registers", "Registers heard whose meaning is known", "measurement"),
    count("unknown_registers", "Unknown registers", "Registers heard whose meaning nobody has found", "measurement"),
    count("frames", "Frames", "Frames heard"),
    count("crc_failures", "CRC failures", "What looked like a frame, but bore a wrong checksum"),
    Quantity(
        "junk_bytes",
        "Junk",
        "Bytes that belong to no frame",
        "B",
        "data_size",
        "total_increasing",
        0,
        diagnostic=True,
    ),
    count("requests", "Requests", "Requests that were sent"),
    count("timeouts", "Time-outs", "Requests that were not answered"),
    count("exceptions", "Exceptions", "Requests that were refused"),
)
