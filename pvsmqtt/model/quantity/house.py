"""The house as a whole, and how well it is known."""

from __future__ import annotations

from pvsmqtt.model.quantity.row import Quantity, energy, net_energy, power

ROWS = (
    power("pv_power", "PV power", "Production of all panels"),
    energy("pv_energy", "PV energy", "Production since installation"),
    power("grid_power", "Grid power", "+ import from the grid, − export to the grid"),
    net_energy("grid_net_energy", "Grid net energy", "Import minus export since installation"),
    energy("grid_import_energy", "Grid import energy", "Energy taken from the grid since installation"),
    energy("grid_export_energy", "Grid export energy", "Energy given to the grid since installation"),
    power("load_power", "Load power", "What the house uses"),
    energy("load_energy", "Load energy", "What the house used since installation"),
    power("battery_power", "Battery power", "+ discharging, − charging"),
    net_energy("battery_net_energy", "Battery net energy", "Discharge minus charge since installation"),
    energy("battery_charge_energy", "Battery charge energy", "Energy put into the battery since installation"),
    energy(
        "battery_discharge_energy",
        "Battery discharge energy",
        "Energy taken from the battery since installation",
    ),
    Quantity("backup_time", "Backup time", "How long the battery would last", "min", "duration", "measurement", 0),
    # Site and bridge: how well it is known
    Quantity(
        "devices_online",
        "Devices online",
        "Devices with live data",
        None,
        None,
        "measurement",
        0,
        diagnostic=True,
    ),
    *(
        Quantity(
            f"panels_{what}", f"Panels {what}", f"Inverters {told}", None, None, "measurement", 0, diagnostic=True
        )
        for what, told in (
            ("live", "with live data"),
            ("asleep", "that are silent in the dark"),
            ("lost", "that are silent while others produce"),
        )
    ),
    Quantity("devices_known", "Devices known", "Devices ever seen", None, None, "measurement", 0, diagnostic=True),
    Quantity("started_at", "Started", "Start of the service", device_class="timestamp", diagnostic=True, holds=True),
)
