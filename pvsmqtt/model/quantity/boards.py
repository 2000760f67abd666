"""What the boards on the RS-485 bus of a SunVault tell: ESS hub (MIO), PV disconnect, HUB+."""

from __future__ import annotations

from pvsmqtt.model.quantity.row import Quantity, enum, raw, voltage
from pvsmqtt.model.quantity.words import CONTACTOR_ERRORS, FREQUENCY_STATES, RELAY, VOLTAGE_STATES

ROWS = (
    voltage("dcdc_supply_voltage", "DC-DC supply voltage", "Supply after the DC-DC converter", diagnostic=True),
    voltage("supply_voltage", "Supply voltage", "Supply voltage", diagnostic=True),
    voltage("gateway_voltage", "Gateway voltage", "Supply of the gateway", diagnostic=True),
    Quantity("fan_active", "Fan", "Whether the fan runs", device_class="running", switch=True),
    raw("firmware_error", "Firmware error", "Firmware error as the board gives it"),
    raw("event_history", "Event history", "Event history of the board, as given"),
    raw("relay_mode", "Relay mode", "Mode of the relays, as given"),
    raw("relay1_state", "Relay 1 state", "Relay 1, as given"),
    raw("relay2_state", "Relay 2 state", "Relay 2, as given"),
    raw("relay1_error", "Relay 1 error", "Error of relay 1, as given"),
    raw("relay2_error", "Relay 2 error", "Error of relay 2, as given"),
    voltage("grid_voltage_l1", "Grid voltage L1", "Grid side, leg 1 to neutral"),
    voltage("grid_voltage_l2", "Grid voltage L2", "Grid side, leg 2 to neutral"),
    voltage("pv_voltage_l1", "PV voltage L1", "PV side, leg 1 to neutral"),
    voltage("pv_voltage_l2", "PV voltage L2", "PV side, leg 2 to neutral"),
    enum("grid_relay", "Grid relay", "Whether the house is connected to the grid", RELAY, diagnostic=False),
    enum("pv_relay", "PV relay", "Whether the panels are connected", RELAY, diagnostic=False),
    raw("grid_relay_raw", "Grid relay, raw", "Grid relay in the words of the equipment", enabled=False),
    raw("pv_relay_raw", "PV relay, raw", "PV relay in the words of the equipment", enabled=False),
    voltage("main_voltage", "Main voltage", "Main supply of the HUB+", diagnostic=True),
    voltage("aux_port_voltage", "Auxiliary port voltage", "Auxiliary port of the HUB+", diagnostic=True),
    voltage("jump_start_voltage", "Jump start voltage", "Jump start port of the HUB+", diagnostic=True),
    voltage("inverter_voltage", "Inverter voltage", "Connection of the inverter at the HUB+", diagnostic=True),
    enum("contactor_error", "Contactor error", "Fault of the grid contactor", CONTACTOR_ERRORS),
    enum("grid_voltage_state", "Grid voltage state", "Grid voltage within its range", VOLTAGE_STATES),
    enum("grid_frequency_state", "Grid frequency state", "Grid frequency within its range", FREQUENCY_STATES),
    enum("load_voltage_state", "Load voltage state", "House voltage within its range", VOLTAGE_STATES),
    enum("load_frequency_state", "Load frequency state", "House frequency within its range", FREQUENCY_STATES),
)
