"""Register maps: what the registers of a unit mean, as data in TOML, one row for each value.

A map that somebody publishes is used without a change of code, and what nobody knows stays visible (`unknown`).

==========  =====================================================================
`entry`     `RegisterMap`, `Entry`: what a map says
`keys`      the keys of the file: what each may be
`parse`     `load`: a file to a map, or a `MapError` that names everything wrong
`write`     `dump`: a map to a file
`apply`     `decode`: a map and an image to values; `unknown`
`device`    `facts`: who a unit says it is; `of_product`: which maps count for it
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
        { address = 0x0060, name = "serial", type = "string", bytes = 16, fact = "serial" },
        { address = 0x0070, name = "spare", type = "uint16", live = false },
    ]

Value = raw × ``scale`` + ``offset``, in ``unit``. Types are ``int16 uint16 int32 uint32 int64 uint64 float32 float64
string bits bool``. A ``bool`` is a coil or discrete input, or ``bit`` of a register, counted from the lowest, 0.
``bits`` and ``string`` have a ``length`` in registers (a ``string`` may have ``bytes`` instead); other lengths follow
from the type. ``missing`` are raw numbers that mean "no value"; outside ``min`` to ``max`` there is no value either.
``fact`` is what a text says of the device: ``serial model manufacturer sw_version hw_version``. ``live = false`` is
for registers that are described, but that no equipment is known to fill: read only when their owner wants everything.

A file may say besides: ``transport``, how its units are reached, ``rtu`` (an RS-485 line; so when nothing is said) or
``conext`` (the native port of a Conext Gateway); and ``products = ["865-6848"]``, how the product ids of the
equipment begin that it is for: a unit that tells its product id is read by them, whatever its number.
"""

from pvsmqtt.modbus.mapfile.apply import Decoded, decode, unknown
from pvsmqtt.modbus.mapfile.device import facts, of_product
from pvsmqtt.modbus.mapfile.entry import Entry, Fact, RegisterMap, Transport
from pvsmqtt.modbus.mapfile.keys import MapError
from pvsmqtt.modbus.mapfile.parse import load, loads, shipped
from pvsmqtt.modbus.mapfile.write import dump

__all__ = [
    "Decoded",
    "Entry",
    "Fact",
    "MapError",
    "RegisterMap",
    "Transport",
    "decode",
    "dump",
    "facts",
    "load",
    "loads",
    "of_product",
    "shipped",
    "unknown",
]
