"""Register maps: what the registers of a unit mean, as data in TOML, one row for each value.

A map that somebody publishes is used without a change of code, and what nobody knows stays visible (`unknown`).

==========  =====================================================================
`entry`     `RegisterMap`, `Entry`: what a map says
`keys`      the keys of the file: what each may be
`parse`     `load`: a file to a map, or a `MapError` that names everything wrong
`write`     `dump`: a map to a file
`apply`     `decode`: a map and an image to values; `unknown`
==========  =====================================================================

The form::

    name = "Example board"
    source = "where the facts come from"
    units = [220, "221-229"]        # for all rows that do not say otherwise: units, table, kind, word_order
    table = "holding"               # holding, input, coils, discrete_inputs
    kind = "mio"                    # of device (model/device.py)
    registers = [
        { address = 0x0000, name = "device_name", type = "string", bytes = 16 },
        { address = 0x0040, name = "state", type = "uint16", enum = { 2 = "safe", 3 = "operating" } },
        { address = 0x0042, name = "faults", type = "bits", bits = { 0 = "fan", 3 = "supply" } },
        { address = 0x0043, name = "relay", type = "bool", bit = 3, enum = { 0 = "open", 1 = "closed" } },
        { address = 0x0050, name = "supply", type = "uint32", scale = 0.001, quantity = "supply_voltage" },
        { address = 0x0056, name = "cabinet", type = "int16", scale = 0.01, offset = -273, unit = "°C", max = 120 },
    ]

Value = raw × ``scale`` + ``offset``, in ``unit``. Types are ``int16 uint16 int32 uint32 int64 uint64 float32 float64
string bits bool``. A ``bool`` is a coil or discrete input, or ``bit`` of a register, counted from the lowest, 0.
``bits`` and ``string`` have a ``length`` in registers (a ``string`` may have ``bytes`` instead); other lengths follow
from the type. ``missing`` are raw numbers that mean "no value"; outside ``min`` to ``max`` there is no value either.
"""

from pvsmqtt.modbus.mapfile.apply import Decoded, decode, unknown
from pvsmqtt.modbus.mapfile.entry import Entry, RegisterMap
from pvsmqtt.modbus.mapfile.keys import MapError
from pvsmqtt.modbus.mapfile.parse import load, loads, shipped
from pvsmqtt.modbus.mapfile.write import dump

__all__ = ["Decoded", "Entry", "MapError", "RegisterMap", "decode", "dump", "load", "loads", "shipped", "unknown"]
