"""SunSpec without asking: what a unit that describes itself says, from whatever somebody else reads of it.

==============  =====================================================================================
`definitions`   models: what stands where, from JSON files, read when needed
`layout`        a definition laid over the length on the wire: addresses of points, repeated groups
`chain`         where models stand: the mark, headers, what was remembered, what is pinned
`fingerprint`   what a unit may have, when no header was ever heard: guesses for a person
`points`        values: holes, "not implemented", scale factors that change
`profiles`      layouts known beforehand
`view`          all of it for one unit: `SunSpecView`
`asking`        what to read, for somebody who may ask
==============  =====================================================================================

Sources: SunSpec Device Information Model Specification V1.1 (chain, types, scale factors), the model files of the
SunSpec Alliance, SunSpec models 1 to 809. Values are published with the basis on which their place is known.
"""

from pvsmqtt.modbus.sunspec.chain import Basis, ModelAt
from pvsmqtt.modbus.sunspec.fingerprint import Guess
from pvsmqtt.modbus.sunspec.points import Point
from pvsmqtt.modbus.sunspec.profiles import parse_pin, pin, profile
from pvsmqtt.modbus.sunspec.view import Identity, SunSpecView

__all__ = ["Basis", "Guess", "Identity", "ModelAt", "Point", "SunSpecView", "parse_pin", "pin", "profile"]
