"""The one table of quantities.

Discovery, the topic reference, the inventory topic and the tests all read this table. A key is for ever: Home
Assistant's history hangs on it. The unit is what is published; sources convert to it where they decode.

Signs: grid power + imports, − exports; battery power + discharges, − charges. ``total_increasing`` is a
lifetime counter of the equipment; ``total`` is a net counter, which may fall.

The rows stand in files by what tells of them; `row` says what a row is, `words` holds the texts of enums.
"""

from __future__ import annotations

from pvsmqtt.model.quantity import (
    boards,
    common,
    conext,
    house,
    line,
    place,
    storage,
    string_inverter,
    supervisor,
)
from pvsmqtt.model.quantity.row import Quantity, StateClass
from pvsmqtt.model.quantity.words import (
    CONTROLLER_STATES,
    LINE_STATES,
    METER_TYPES,
    OPERATING_MODES,
    PCS_MODES,
    PCS_STATES,
    RELAY,
    STATES,
)

__all__ = [
    "CONTROLLER_STATES",
    "LINE_STATES",
    "METER_TYPES",
    "OPERATING_MODES",
    "PCS_MODES",
    "PCS_STATES",
    "QUANTITIES",
    "RELAY",
    "STATES",
    "Quantity",
    "StateClass",
]

_ROWS: tuple[Quantity, ...] = (
    *common.ROWS,
    *string_inverter.ROWS,
    *supervisor.ROWS,
    *place.ROWS,
    *boards.ROWS,
    *storage.ROWS,
    *conext.ROWS,
    *line.ROWS,
    *house.ROWS,
)

QUANTITIES: dict[str, Quantity] = {row.key: row for row in _ROWS}
"""Every quantity by its key, in the order in which a device lists its entities."""
