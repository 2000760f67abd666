"""The registers of HUB+ (unit 220), MIO (221) and PV disconnect (230). ALL THEIR ADDRESSES ARE INVENTED.

A row is an address, what stands there, and where it comes from in the state of the house. Resolutions are those in
which the supervisor tells the same quantity: whole °C and %, mV of a supply with steps of 11 mV, 0.1 V of the PV
disconnect, unrounded volts of the HUB+. Rows named ``_…`` are not in ``simulated.toml``: they are there so that some
registers are unknown, as on a real bus.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

from pvsmqtt.simulator.pvs.house.state import HouseState, Storage
from pvsmqtt.simulator.rs485.frames import READ_HOLDING, READ_INPUT

HUB_PLUS, MIO, PV_DISCONNECT = 220, 221, 230
ABSENT = 222
"""A second cabinet that this house does not have; its master asks for it all the same."""

Row = tuple[int, str, Callable[[Storage], tuple[int, ...]]]


@dataclass(frozen=True, slots=True)
class Board:
    """One board: the function code that reads it, its registers, and how many are read from the first one on."""

    unit: int
    function: int
    first: int
    count: int
    rows: tuple[Row, ...]

    def image(self, state: HouseState) -> dict[int, int]:
        """Its registers in this state; those between the rows are there and 0."""
        registers = dict.fromkeys(range(self.first, self.first + self.count), 0)
        if state.storage is not None:
            for address, _, words in self.rows:
                registers.update(enumerate(words(state.storage), address))
        return registers


def _whole(value: float) -> tuple[int, ...]:
    return (round(value) & 0xFFFF,)


def _float(value: float) -> tuple[int, ...]:
    return struct.unpack(">HH", struct.pack(">f", value))


def _long(value: int) -> tuple[int, ...]:
    return (value >> 16 & 0xFFFF, value & 0xFFFF)


def _seconds(storage: Storage) -> int:
    return int(storage.measured_at.timestamp())


CLOSED = 2
"""Of a relay of the HUB+; 1 is open. Live data tell the state of the grid relay as 2 while it is closed."""

BOARDS = (
    Board(
        HUB_PLUS,
        READ_INPUT,
        100,
        28,
        (
            (100, "grid_relay", lambda _: (CLOSED,)),
            (101, "pv_relay", lambda _: (CLOSED,)),
            (102, "_temperature", lambda storage: _whole(storage.temperature)),
            (103, "humidity", lambda storage: _whole(storage.humidity + 11)),
            (104, "grid_voltage_l1", lambda storage: _float(storage.grid_voltages[0])),
            (106, "grid_voltage_l2", lambda storage: _float(storage.grid_voltages[1])),
            (108, "_voltage_l1", lambda storage: _float(storage.pv_voltages[0])),
            (110, "_voltage_l2", lambda storage: _float(storage.pv_voltages[1])),
            (112, "supply_voltage", lambda storage: _whole(storage.supply_voltages[1] * 1000)),
            (113, "inverter_voltage", lambda storage: _whole(storage.supply_voltages[2] * 1000)),
            (114, "aux_port_voltage", lambda _: (0,)),
            (115, "jump_start_voltage", lambda _: (0,)),
            (120, "_a clock", lambda storage: _long(_seconds(storage))),
            (122, "_a counter", lambda storage: (_seconds(storage) // 13 & 0xFFFF,)),
            (124, "_never changes", lambda _: (0x0722, 0x1500, 0xA5A5)),
        ),
    ),
    Board(
        MIO,
        READ_HOLDING,
        200,
        18,
        (
            (200, "firmware_error", lambda _: (0,)),
            (201, "event_history", lambda storage: (storage.events & 0xFFFF,)),
            (202, "temperature", lambda storage: _whole(storage.temperature)),
            (203, "humidity", lambda storage: _whole(storage.humidity)),
            (204, "dcdc_supply_voltage", lambda storage: _whole(storage.supply_voltages[0] * 1000)),
            (205, "supply_voltage", lambda storage: _whole(storage.supply_voltages[1] * 1000)),
            (206, "gateway_voltage", lambda storage: _whole(storage.supply_voltages[2] * 1000)),
            (207, "fan_active", lambda storage: (int(storage.fan_on),)),
            (210, "_temperature in 0.1 K", lambda storage: _whole((storage.temperature + 273.15) * 10)),
            (212, "_a counter", lambda storage: _long(_seconds(storage) * 3)),
            (216, "_heartbeat of the master", lambda _: (0,)),
        ),
    ),
    Board(
        PV_DISCONNECT,
        READ_HOLDING,
        0,
        16,
        (
            (0, "relay_mode", lambda _: (0,)),
            (1, "relay1_state", lambda _: (1,)),
            (2, "relay2_state", lambda _: (1,)),
            (3, "relay1_error", lambda _: (0,)),
            (4, "relay2_error", lambda _: (0,)),
            (5, "firmware_error", lambda _: (0,)),
            (6, "event_history", lambda storage: (storage.events // 60 & 0xFFFF,)),
            (8, "grid_voltage_l1", lambda storage: _whole(storage.grid_voltages[0] * 10)),
            (9, "grid_voltage_l2", lambda storage: _whole(storage.grid_voltages[1] * 10)),
            (10, "pv_voltage_l1", lambda storage: _whole(storage.pv_voltages[0] * 10)),
            (11, "pv_voltage_l2", lambda storage: _whole(storage.pv_voltages[1] * 10)),
            (14, "_never changes", lambda _: (0x0213, 0x0200)),
        ),
    ),
)

HEARTBEAT = 216
"""Register of the MIO that the master writes."""
