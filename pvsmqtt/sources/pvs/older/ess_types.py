"""What each part of the storage report tells: the tables of ``energy-storage-system/status``.

One row is one path in the entry of a device, the quantity it gives, and the conversion to its unit. The text in
``unit`` is not trusted: units are those of the table. Signs: the equipment counts amperes of the battery + while
it charges, and power − while it charges; here both are + while it discharges.

Sources: schema ``EssStatusReport`` of the on-device interface description (swagger 2.3.1), krbaker/hass-sunpower.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from pvsmqtt.model.device import Kind
from pvsmqtt.model.quantity import CONTROLLER_STATES, OPERATING_MODES, PCS_MODES, PCS_STATES, RELAY
from pvsmqtt.sources.pvs.replies import flag
from pvsmqtt.sources.pvs.values import Convert, kilo, number, text


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """The words of an enum in the report, and what they are in the table of quantities. ``NONE`` is a word here."""

    words: Mapping[str, str]
    otherwise: str = "other"

    def __call__(self, raw: object) -> str | None:
        """Ours for theirs; ``otherwise`` for a word that is not listed; ``None`` where nothing is told."""
        word = _word(raw)
        if word in self.words:
            return self.words[word]
        return None if text(raw) is None else self.otherwise

    def lists(self, raw: object) -> bool:
        """Whether this word is in the table, or is none."""
        return _word(raw) in self.words or text(raw) is None


def _word(raw: object) -> str:
    return raw.strip().upper().replace(" ", "_") if isinstance(raw, str) else ""


def _same(options: tuple[str, ...], otherwise: str = "other") -> Words:
    """An enum whose words are ours, but for their case."""
    words = {option.upper(): option for option in options if option.lower() != "other"}
    return Words(words, otherwise)


def discharging(raw: object) -> float | None:
    """Amperes, + while charging -> + while discharging."""
    value = number(raw)
    return None if value is None else number(-value)


def moment(raw: object) -> datetime | None:
    """``2022-12-10 22:00:01`` (UTC, the PVS's clock)."""
    if not isinstance(raw, str):
        return None
    try:
        return datetime.strptime(raw.strip(), "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def error_count(raw: object) -> int | None:
    """How many errors are listed; a list of nothing but nulls tells nothing."""
    if not isinstance(raw, list):
        return None
    errors = [error for error in raw if error is not None]
    return len(errors) if errors or not raw else None


def last_error(raw: object) -> str | None:
    """The name, else the code, of the error that occurred last; of two at one time the later in the list."""
    errors = [error for error in raw if isinstance(error, dict)] if isinstance(raw, list) else []
    never = datetime.min.replace(tzinfo=UTC)
    latest = max(
        enumerate(errors), key=lambda at: (moment(at[1].get("last_occurrence")) or never, at[0]), default=None
    )
    return None if latest is None else text(latest[1].get("error_name")) or text(latest[1].get("error_code"))


Row = tuple[str, str, Convert]
"""Path in the entry, quantity key, conversion. Where two rows give one quantity, the first that has a value wins."""

_VOLTAGE_STATE = Words(
    {
        "METER_VOLTAGE_IN_RANGE": "in_range",
        "METER_VOLTAGE_OUT_RANGE": "out_of_range",
        "METER_PHASE_LOSS": "phase_loss",
        "METER_MISS_CONNECTION": "miss_connection",
    }
)
_FREQUENCY_STATE = Words({"METER_FREQ_IN_RANGE": "in_range", "METER_FREQ_OUT_RANGE": "out_of_range"})
_CONTACTOR_ERROR = Words(
    {
        "NONE": "none",
        "STUCK_OPEN": "stuck_open",
        "STUCK_CLOSED_OR_MM_OPEN": "stuck_closed_or_mm_open",
        "MM_CLOSED": "mm_closed",
        "MM_STUCK_OPEN": "mm_stuck_open",
        "MM_STUCK_CLOSED": "mm_stuck_closed",
        "UNKNOWN": "unknown",
    }
)

BATTERY: tuple[Row, ...] = (
    ("battery_voltage", "voltage", number),
    ("battery_amperage", "current", discharging),
    ("temperature", "temperature", number),
    ("system_state_of_charge", "state_of_charge", number),
    ("state_of_charge", "state_of_charge", number),
    ("customer_state_of_charge", "customer_state_of_charge", number),
)

ESS: tuple[Row, ...] = (
    ("ess_meter_reading.agg_power", "power", kilo),
    # The description gives no units for the legs; they are W by their size (−277 beside −0.555 kW together).
    ("ess_meter_reading.meter_a.reading.power", "power_l1", number),
    ("ess_meter_reading.meter_b.reading.power", "power_l2", number),
    ("ess_meter_reading.meter_a.reading.current", "current_l1", number),
    ("ess_meter_reading.meter_b.reading.current", "current_l2", number),
    ("ess_meter_reading.meter_a.reading.voltage", "voltage_l1", number),
    ("ess_meter_reading.meter_b.reading.voltage", "voltage_l2", number),
    ("enclosure_temperature", "temperature", number),
    ("enclosure_humidity", "humidity", number),
    # Told of the system, not of an entry: `ess_status` lays them beside the entry of the ESS.
    ("ess_state.operational_mode", "operating_mode", _same(OPERATING_MODES, "OTHER")),
    ("ess_state.storage_controller_status", "controller_status", _same(CONTROLLER_STATES)),
    ("ess_state.permission_to_operate", "permission_to_operate", flag),
    ("ess_state.pcs_mode", "pcs_mode", _same(PCS_MODES)),
    ("ess_state.pcs_status", "pcs_status", _same(PCS_STATES)),
    ("errors", "storage_errors", error_count),
    ("errors", "storage_last_error", last_error),
)

HUB_PLUS: tuple[Row, ...] = (
    ("contactor_position", "grid_relay", _same(RELAY, "unknown")),
    ("contactor_position", "grid_relay_raw", text),
    ("contactor_error", "contactor_error", _CONTACTOR_ERROR),
    ("grid_voltage_state", "grid_voltage_state", _VOLTAGE_STATE),
    ("load_voltage_state", "load_voltage_state", _VOLTAGE_STATE),
    ("grid_frequency_state", "grid_frequency_state", _FREQUENCY_STATE),
    ("load_frequency_state", "load_frequency_state", _FREQUENCY_STATE),
    ("hub_temperature", "temperature", number),
    ("hub_humidity", "humidity", number),
    ("grid_phase1_voltage", "grid_voltage_l1", number),
    ("grid_phase2_voltage", "grid_voltage_l2", number),
    ("load_phase1_voltage", "voltage_l1", number),
    ("load_phase2_voltage", "voltage_l2", number),
    ("main_voltage", "main_voltage", number),
    ("aux_port_voltage", "aux_port_voltage", number),
    ("jump_start_voltage", "jump_start_voltage", number),
    ("inverter_connection_voltage", "inverter_voltage", number),
)

STORAGE_INVERTER: tuple[Row, ...] = (
    ("ac_power", "power", kilo),
    ("ac_current", "current", number),
    ("phase_a_current", "current_l1", number),
    ("phase_b_current", "current_l2", number),
    ("a_n_voltage", "voltage_l1", number),
    ("b_n_voltage", "voltage_l2", number),
    ("temperature", "temperature", number),
)

SECTIONS: Mapping[str, tuple[Kind, tuple[Row, ...]]] = {
    "ess_status": (Kind.ESS, ESS),
    "hub_plus_status": (Kind.HUB_PLUS, HUB_PLUS),
    "inverter_status": (Kind.STORAGE_INVERTER, STORAGE_INVERTER),
    "battery_status": (Kind.BATTERY, BATTERY),
}
"""Key of the report -> the kind of device it lists, and its table. The ESS first: the others hang on it."""

PROPERTIES = frozenset({"serial_number", "last_updated"})
"""Keys of an entry, at any depth, that are no readings."""

NOT_READINGS = frozenset({"last_updated", "ess_state", "pcs_settings"})
"""Keys of the report that list no devices. ``pcs_settings`` are the ratings of breakers and bus bars, as wired."""
