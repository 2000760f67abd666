"""The official client and pvsmqtt read the same PVS: what is published are the same numbers."""

from typing import Any

import aiohttp
import pytest
from harness import ROOT, Bench, device_ids
from traps.tools import plant

from pvsmqtt.simulator.pvs.house.house import House

pypvs = pytest.importorskip("pypvs.pvs")

K = 1000
INVERTER = {
    "power": ("last_report_kw", K),
    "energy": ("lte_kwh", 1),
    "voltage": ("last_report_voltage_v", 1),
    "current": ("last_report_current_a", 1),
    "frequency": ("last_report_frequency_hz", 1),
    "temperature": ("last_report_temperature_c", 1),
    "dc_power": ("last_mppt_power_kw", K),
    "dc_voltage": ("last_mppt_voltage_v", 1),
    "dc_current": ("last_mppt_current_a", 1),
}
METER = {
    "power": ("power_3ph_kw", K),
    "reactive_power": ("q3phsum_kvar", K),
    "apparent_power": ("s3phsum_kva", K),
    "power_factor": ("tot_pf_ratio", 1),
    "frequency": ("freq_hz", 1),
    "voltage": ("v12_v", 1),
    "ct_rating": ("ct_scale_factor", 1),
}
PRODUCTION = {**METER, "energy": ("net_lte_kwh", 1)}
CONSUMPTION = {
    **METER,
    "net_energy": ("net_lte_kwh", 1),
    "import_energy": ("pos_lte_kwh", 1),
    "export_energy": ("neg_lte_kwh", 1),
    "power_l1": ("p1_kw", K),
    "power_l2": ("p2_kw", K),
    "current_l1": ("i1_a", 1),
    "current_l2": ("i2_a", 1),
    "voltage_l1": ("v1n_v", 1),
    "voltage_l2": ("v2n_v", 1),
}
STORAGE = {
    "power": ("power_3ph_kw", K),
    "discharge_energy": ("pos_lte_kwh", 1),
    "charge_energy": ("neg_lte_kwh", 1),
    "state_of_charge": ("soc_val", 1),
    "customer_state_of_charge": ("customer_soc_val", 1),
    "battery_voltage": ("v_batt_v", 1),
    "voltage_l1": ("v1n_v", 1),
    "voltage_l2": ("v2n_v", 1),
    "inverter_temperature": ("t_invtr_degc", 1),
    "charge_power_limit": ("chrg_limit_pmax_kw", K),
    "discharge_power_limit": ("dischrg_lim_pmax_kw", K),
    "cell_voltage_min": ("min_v_batt_cell_v", 1),
    "cell_voltage_max": ("max_v_batt_cell_v", 1),
    "cell_temperature_min": ("min_t_batt_cell_degc", 1),
    "cell_temperature_max": ("max_t_batt_cell_degc", 1),
}
SWITCH = {
    "temperature": ("temperature_c", 1),
    "grid_voltage_l1": ("v1n_grid_v", 1),
    "grid_voltage_l2": ("v2n_grid_v", 1),
    "voltage_l1": ("v1n_v", 1),
    "voltage_l2": ("v2n_v", 1),
    "supply_voltage": ("v_supply_v", 1),
}
"""Our quantity -> the official client's attribute, and the factor to our unit."""


def same(published: dict[str, Any], theirs: object, table: dict[str, tuple[str, int]]) -> None:
    ours = {key: published[key] for key in table}
    assert ours == pytest.approx(
        {key: getattr(theirs, name) * factor for key, (name, factor) in table.items()}, rel=1e-6, abs=6e-3
    )


async def test_what_is_published_is_what_the_official_client_reads(bench: Bench) -> None:
    it = await plant(bench, "61845", house=House(5, ess=True))
    serials = it.pvs.house.serials
    switch, storage = serials.storage.hub_plus.lower(), serials.storage.ess.lower()
    await it.recorder.have("site", *device_ids(it.pvs), switch, storage)
    password = serials.supervisor[-5:]
    async with aiohttp.ClientSession() as session:
        client = pypvs.PVS(session, host=it.pvs.https_url.removeprefix("https://"), password=password)
        await client.setup(password)
        theirs = await client.update()
    states = {device: it.last(device) for device in (*device_ids(it.pvs), switch, storage)}
    assert len(theirs.inverters) == 5
    for serial, inverter in theirs.inverters.items():
        same(states[serial.lower()], inverter, INVERTER)
    same(states[serials.production_meter.lower()], theirs.meters[serials.production_meter], PRODUCTION)
    same(states[serials.consumption_meter.lower()], theirs.meters[serials.consumption_meter], CONSUMPTION)
    same(states[storage], theirs.ess[serials.storage.ess], STORAGE)
    same(states[switch], theirs.transfer_switches[serials.storage.hub_plus], SWITCH)
    assert states[storage]["operating_mode"] == theirs.ess[serials.storage.ess].op_mode
    site = it.last("site")
    assert site["pv_energy"] == states[serials.production_meter.lower()]["energy"]
    assert it.recorder.on(f"{ROOT}/{storage}/state")
