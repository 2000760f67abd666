"""Every known trap of the equipment, and the tests that walk into it; or why there is none.

The names are those of `rows.txt`, which has the rows of chapter 6 of the notes about the equipment, in their order.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Because:
    """No test here, for a reason."""

    reason: str


Tests = tuple[str, ...]
"""``file::test``, below the folder of the tests."""

COVERED: dict[str, Tests | Because] = {
    "Slow DeviceList": ("traps/test_load.py::test_a_slow_device_list_is_waited_for_and_asked_once_at_a_time",),
    "Reboots from polling": (
        "traps/test_night.py::test_the_supervisor_reboots_are_counted",
        "traps/test_load.py::test_polling_faster_than_the_equipment_can_bear_is_refused",
    ),
    "Polling below data cadence is useless": (
        "traps/test_load.py::test_polling_faster_than_the_equipment_can_bear_is_refused",
    ),
    "Nightly restart": (
        "traps/test_night.py::test_a_night_with_a_restart_and_a_sunrise_panel_by_panel",
        "traps/test_devices.py::test_indices_and_cached_sets_that_are_lost_cost_nothing",
    ),
    "Memory leak": ("traps/test_load.py::test_memory_is_told",),
    "503 / connection reset": (
        "traps/test_load.py::test_refusals_while_it_is_busy_change_nothing",
        "traps/test_generation.py::test_no_failure_of_newer_firmware_makes_it_an_old_one",
    ),
    "Flash fills with request logs": (
        "traps/test_flash.py::test_a_flash_that_is_nearly_full_of_request_logs_is_a_problem",
    ),
    "Flash wear": (
        "traps/test_flash.py::test_flash_wear_is_told_and_a_worn_flash_is_a_problem",
        "traps/test_flash.py::test_flash_wear_that_hangs_costs_nothing_but_itself",
    ),
    "Spurious 403": ("traps/test_generation.py::test_no_failure_of_older_firmware_makes_it_a_new_one",),
    "Inverters at night": ("traps/test_night.py::test_a_night_with_a_restart_and_a_sunrise_panel_by_panel",),
    "varserver loses inverters after nightly restart": (
        "traps/test_night.py::test_a_night_with_a_restart_and_a_sunrise_panel_by_panel",
        "traps/test_devices.py::test_devices_that_are_missing_stay_known_and_come_back",
    ),
    "Total jumps at sunrise": ("traps/test_night.py::test_a_night_with_a_restart_and_a_sunrise_panel_by_panel",),
    "Lifetime counter blips": (
        "traps/test_counters.py::test_a_counter_that_reads_0_once_never_reaches_a_state",
        "traps/test_counters.py::test_a_counter_that_stays_low_is_believed_in_the_end",
    ),
    "Hold-last-value hides outages": (
        "traps/test_night.py::test_last_powers_do_not_stand_for_ever_when_the_pvs_is_gone",
        "traps/test_live.py::test_without_anything_live_the_site_shows_what_the_meters_say",
    ),
    "Ghost power at night": ("traps/test_night.py::test_a_night_with_a_restart_and_a_sunrise_panel_by_panel",),
    "Negative production at night": ("traps/test_night.py::test_a_production_meter_below_zero_at_night",),
    "Net counter falls": ("traps/test_load.py::test_a_net_counter_falls_while_the_house_exports",),
    "No consumption meter / no CT": (
        "traps/test_meters.py::test_without_a_consumption_meter_there_is_no_grid_and_no_load",
        "traps/test_meters.py::test_the_panels_stand_in_for_a_dead_production_meter",
        "traps/test_live.py::test_live_data_without_current_transformers_are_no_measurement",
    ),
    "Line-side gross meter": (
        "traps/test_meters.py::test_a_meter_of_the_load_gives_the_grid_by_difference",
        "traps/test_meters.py::test_a_meter_that_nothing_is_known_of_is_not_taken_for_the_grid",
    ),
    "Zero dropped as missing": ("traps/test_night.py::test_a_night_with_a_restart_and_a_sunrise_panel_by_panel",),
    "Meters missing till reboot": ("traps/test_meters.py::test_a_meter_that_is_missing_leaves_its_totals_unknown",),
    "Clock skew": (
        "traps/test_clock.py::test_a_clock_that_is_off_is_told_and_keeps_nothing_from_being_read",
        "traps/test_clock.py::test_a_clock_that_jumps_in_mid_run",
    ),
    'Bad timestamp turned into "now"': ("traps/test_counters.py::test_times_that_are_none_stay_unknown",),
    "Staleness": ("traps/test_night.py::test_last_powers_do_not_stand_for_ever_when_the_pvs_is_gone",),
    "IP changes": ("traps/test_load.py::test_another_address_is_the_same_house",),
    "Virtual meter id from IP": ("traps/test_load.py::test_another_address_is_the_same_house",),
    "Duplicate / odd serials": (
        "traps/test_devices.py::test_ghosts_and_doubles_are_no_devices",
        "traps/test_devices.py::test_ten_thousand_devices_are_refused_and_the_next_poll_works",
    ),
    "Two PVS on one site": ("traps/test_devices.py::test_two_supervisors_on_one_site",),
    "LAN1 DHCP": Because("a matter of how the machine is connected; this service opens connections and nothing else"),
    "Replaced inverter": ("traps/test_devices.py::test_a_replaced_inverter_is_another_device",),
    "False update notices": Because("no notices of updates are made out of version numbers: firmware is a text"),
    "Secrets in logs": (
        "traps/test_secrets.py::test_no_secret_is_published_logged_or_kept",
        "traps/test_secrets.py::test_a_password_from_the_configuration_is_nowhere_else",
    ),
}
