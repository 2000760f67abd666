"""What the shipped maps make of the simulated gateway is what its house has: neither knows the other."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers_modbus_tcp import NOON, Watch

from pvsmqtt.simulator.conext.simulator import ConextSimulator
from pvsmqtt.simulator.rs485.traffic import house_of
from pvsmqtt.sources.modbus_tcp.options import ModbusTcpOptions
from pvsmqtt.sources.modbus_tcp.setup import source


@pytest.mark.parametrize("both", [False, True])
async def test_energies_of_the_storage_inverter_are_those_of_the_battery(tmp_path: Path, both: bool) -> None:
    house = house_of(1)
    now = house.at(NOON)
    assert now.battery is not None
    simulator = ConextSimulator(house=house, clock=Watch())
    await simulator.start()
    ports = [simulator.sunspec_port, simulator.native_port] if both else [simulator.native_port]
    asked = source(ModbusTcpOptions(host="127.0.0.1", ports=ports, units=[10], timeout=20, pause=0), tmp_path)
    try:
        told = next(one.values for one in await asked.cycle() if one.device.modbus_unit == 10)
    finally:
        await asked.close()
        await simulator.stop()
    assert told["charge_energy"] == pytest.approx(now.battery.charge_energy, abs=0.01)
    assert told["discharge_energy"] == pytest.approx(now.battery.discharge_energy, abs=0.01)
    assert told["import_energy"] == pytest.approx(now.consumption.import_energy, abs=0.01)
    assert told["export_energy"] == pytest.approx(now.consumption.export_energy, abs=0.01)
