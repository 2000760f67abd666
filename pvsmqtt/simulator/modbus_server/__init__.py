"""Units that answer Modbus requests, over TCP or on a serial line, and what goes wrong on the way.

    client -> transport (tcp, serial) -> station: fault? -> answers (pymodbus) -> unit: registers of the house now

==============  =====================================================================================
`answers`       the only module that names pymodbus: requests out of bytes, answers into bytes
`codes`         numbers of the protocol
`units`         registers of a unit, and what it refuses
`story`         the house in time
`requests`      the log of what was asked
`faults`        what goes wrong, switched while it runs
`station`       a request in, the bytes to send back out
`tcp`           a TCP port: connections, the byte-level faults, a port that is closed for a while
`serial`        a slave on a pseudo-terminal, for a master that somebody else is
`control`       switching it over http, for people
`served`        what every device with such ports has
==============  =====================================================================================

pymodbus reads requests and makes every answer (its framers and PDU classes); its own server is not used, since the
faults are below what it can be told. Nothing is ever stored: a write is counted and refused.
"""
