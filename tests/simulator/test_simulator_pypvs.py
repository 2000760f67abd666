"""The official client reads the simulator: what it makes of the numbers are those of the house."""

import struct
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import aiohttp
import pytest

from pvsmqtt.simulator.pvs.house.house import House
from pvsmqtt.simulator.pvs.server import PvsSimulator

pypvs = pytest.importorskip("pypvs.pvs")

NOON = datetime(2026, 6, 21, 18, tzinfo=UTC)


def told(value: float) -> float:
    """A number as it comes over: a float32 with six decimals."""
    return round(float(struct.unpack("f", struct.pack("f", value))[0]), 6)


@pytest.fixture(params=["61845", "61846"])
async def simulator(request: pytest.FixtureRequest) -> AsyncIterator[PvsSimulator]:
    house = House(5, ess=True)
    simulator = PvsSimulator(house=house, clock=lambda: NOON, firmware=request.param, https_port=0)
    await simulator.start()
    yield simulator
    await simulator.stop()


@pytest.fixture
async def client(simulator: PvsSimulator) -> AsyncIterator[object]:
    async with aiohttp.ClientSession() as session:
        password = simulator.house.serials.supervisor[-5:]
        pvs = pypvs.PVS(session, host=f"127.0.0.1:{simulator.https_port}", password=password)
        await pvs.setup(password)
        yield pvs


async def test_it_logs_in_once_and_reads_everything(simulator: PvsSimulator, client: pypvs.PVS) -> None:
    data = await client.update()
    state = simulator.house.at(NOON)
    assert state.battery is not None
    assert state.storage is not None

    assert client.serial_number == state.supervisor.serial
    assert list(data.inverters) == [inverter.serial for inverter in state.inverters]
    for inverter in state.inverters:
        read = data.inverters[inverter.serial]
        assert read.last_report_kw == told(inverter.power)
        assert read.lte_kwh == told(inverter.energy)
        assert read.last_report_voltage_v == told(inverter.voltage)
        assert read.last_mppt_power_kw == told(inverter.dc_power)
        assert read.last_report_temperature_c == round(inverter.temperature)
        assert read.last_report_date == NOON.timestamp()

    production, consumption = data.meters[state.production.serial], data.meters[state.consumption.serial]
    assert production.power_3ph_kw == told(state.production.power)
    assert production.net_lte_kwh == told(state.production.energy)
    assert (production.i1_a, production.pos_lte_kwh) == (0, 0), "placeholders"
    assert consumption.power_3ph_kw == told(state.consumption.power)
    assert consumption.pos_lte_kwh == told(state.consumption.import_energy)
    assert consumption.neg_lte_kwh == told(state.consumption.export_energy)
    assert consumption.v1n_v == told(state.consumption.leg_voltage[0])

    battery = data.ess[state.battery.serial]
    assert battery.power_3ph_kw == told(state.battery.power)
    assert battery.soc_val == pytest.approx(state.battery.state_of_charge * 100, abs=1e-4)
    assert battery.pos_lte_kwh == told(state.battery.discharge_energy)
    assert battery.neg_lte_kwh == told(state.battery.charge_energy)
    assert battery.op_mode == state.battery.mode

    switch = data.transfer_switches[simulator.house.serials.storage.hub_plus]
    assert (switch.mid_state, switch.pvd1_state) == ("MID_STATE_CLOSED", "PVD_STATE_CLOSED")
    assert switch.v1n_grid_v == told(state.storage.grid_voltages[0])
    assert switch.temperature_c == round(state.storage.temperature)

    assert data.gateway.uptime_s == state.supervisor.uptime
    assert data.gateway.software_version == simulator.running.sw_rev
    assert data.gateway.model == "Storage"

    assert (simulator.stats.logins, simulator.stats.failed_logins, simulator.stats.writes) == (1, 0, [])
    assert all(request.secure for request in simulator.stats.requests)


async def test_it_logs_in_again_after_a_restart(simulator: PvsSimulator, client: pypvs.PVS) -> None:
    await client.update()
    await simulator.restart()
    again = await client.update()
    assert len(again.inverters) == 5
    assert again.gateway.uptime_s == 0
    assert simulator.stats.logins == 2


async def test_without_a_battery_it_finds_none(simulator: PvsSimulator, client: pypvs.PVS) -> None:
    simulator.house = House(2, ess=False)
    simulator.firmware = "61846"
    simulator.boot()
    password = simulator.house.serials.supervisor[-5:]
    client.fcgi_client.auth_password = password
    data = await client.update()
    assert (len(data.inverters), len(data.meters), data.ess, data.transfer_switches) == (2, 2, {}, {})
    assert data.gateway.model == "PV-only"


async def test_a_wrong_password_is_refused(simulator: PvsSimulator) -> None:
    async with aiohttp.ClientSession() as session:
        pvs = pypvs.PVS(session, host=f"127.0.0.1:{simulator.https_port}", password="A0000x")
        with pytest.raises(pypvs.PVSAuthenticationError):
            await pvs.setup("A0000x")
    assert (simulator.stats.logins, simulator.stats.failed_logins) == (0, 1)


async def test_live_data_are_switched_on(simulator: PvsSimulator, client: pypvs.PVS) -> None:
    simulator.settings["/sys/telemetryws/enable"] = "0"
    assert not simulator.live_enabled
    await client.enable_telemetry_websocket()
    assert simulator.live_enabled
    assert [write.name for write in simulator.stats.writes] == ["/sys/telemetryws/enable"]
