"""A simulated RS-485 bus of a SunVault: one master, four units that answer, one that does not.

Nobody has published the registers of the boards of a SunVault. EVERY REGISTER ADDRESS OF UNITS 220, 221 AND 230
HERE IS INVENTED: what is learned from this simulator says nothing about a real bus. Only the quantities, their
resolutions and the unit numbers are those of real equipment; the values are those of `pvs.house`, so this bus and a
simulated PVS with the same house tell one story.

==============  =====================================================================================
`frames`        Modbus RTU frames: the only place of the product that builds any
`boards`        what units 220, 221 and 230 hold: tables of invented registers
`sunspec`       what unit 10 holds: a SunSpec chain
`units`         a unit that answers, and how it refuses
`master`        who is asked what, when, and again: exchanges with their times
`uart`          what a receiver at another speed makes of the same bits
`wire`          exchanges become bytes with times and truth, damaged on request
`adapters`      how the bytes arrive: cut into pieces by adapters and serial servers
`traffic`       all this without I/O: streams with their truth, for tests and benchmarks
`ends`          pseudo-terminal, TCP server, TCP client
`simulator`     all this in time, at one of the ends
==============  =====================================================================================

``simulated.toml`` is the map of the invented registers, less some that are left for `pvsmqtt learn` to find.
"""

from pathlib import Path

MAP = Path(__file__).with_name("simulated.toml")
"""The map file of the invented registers."""
