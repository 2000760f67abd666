"""What the simulated bus says: judged by pymodbus, by pysunspec2, and by what the simulated PVS tells."""

import json
import struct
from datetime import timedelta
from itertools import islice, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymodbus.framer.rtu import FramerRTU
from pymodbus.pdu import DecodePDU, ExceptionResponse
from sunspec2.modbus.client import SunSpecModbusClientModel

from pvsmqtt.modbus.framer import PassiveFramer
from pvsmqtt.simulator.pvs.house.house import House
from pvsmqtt.simulator.pvs.machine import Machine
from pvsmqtt.simulator.rs485 import boards, sunspec
from pvsmqtt.simulator.rs485.frames import Request
from pvsmqtt.simulator.rs485.traffic import START, house_of, stream, traffic
from pvsmqtt.simulator.rs485.units import of_house
from pvsmqtt.simulator.rs485.wire import Damage, TrueFrame

BURSTS = 40


def test_the_same_seed_gives_the_same_bytes() -> None:
    assert stream(3, 5, noise=0.01) == stream(3, 5, noise=0.01)
    assert stream(3, 5) != stream(4, 5)


def test_pymodbus_reads_every_frame() -> None:
    data, frames = stream(1, BURSTS)
    assert b"".join(frame.adu for frame in frames) == data
    decoders = {False: DecodePDU(is_server=True), True: DecodePDU(is_server=False)}
    for frame in frames:
        assert frame.intact
        assert data[frame.offset : frame.offset + frame.length] == frame.adu
        assert FramerRTU.compute_CRC(frame.adu[:-2]).to_bytes(2, "big") == frame.adu[-2:]
        pdu = decoders[frame.is_response].decode(frame.adu[1:-2])
        assert pdu is not None
        assert isinstance(pdu, ExceptionResponse) == (frame.exception is not None)


def test_there_is_all_that_a_bus_has() -> None:
    _, frames = stream(1, BURSTS)
    assert {frame.function for frame in frames} == {3, 4, 6, 16}
    assert {frame.unit for frame in frames if frame.is_response} == {10, 220, 221, 230}
    absent = [frame for frame in frames if frame.unit == boards.ABSENT]
    assert len(absent) % 2 == 0, "asked again once"
    assert absent
    assert any(frame.exception == 2 for frame in frames)
    assert [frame.when for frame in frames] == sorted(frame.when for frame in frames)


def test_bursts_and_silence() -> None:
    _, frames = stream(1, 5)
    pauses = [later.when - sooner.when for sooner, later in pairwise(frames)]
    assert sum(pause > 5 for pause in pauses) == 4


def test_the_passive_framer_finds_every_frame() -> None:
    data, frames = stream(2, BURSTS)
    framer = PassiveFramer()
    found = [(frame.offset, frame.adu, frame.is_response) for frame in framer.feed(data, 0.0) + framer.flush(1.0)]
    assert found == [(frame.offset, frame.adu, frame.is_response) for frame in frames]


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 1000), st.floats(0, 0.2), st.floats(0, 0.3), st.booleans())
def test_the_truth_about_damaged_frames(seed: int, noise: float, truncation: float, echo: bool) -> None:
    for wire in islice(traffic(seed, damage=Damage(noise, truncation, echo), house=house_of(1)), 3):
        assert len(wire.times) == len(wire.data)
        end = 0
        for frame in wire.frames:
            assert frame.offset == end, "every byte belongs to a frame"
            end += frame.length
            assert frame.intact == (wire.data[frame.offset : end] == frame.adu)
        assert end == len(wire.data)


def test_noise_and_truncation_are_as_often_as_asked_for() -> None:
    _, clean = stream(1, 200)
    _, noisy = stream(1, 200, noise=0.01)
    _, short = stream(1, 200, truncation=0.1)
    length = sum(len(frame.adu) for frame in clean)
    expected = sum(1 - 0.99 ** len(frame.adu) for frame in clean)
    assert length > 50_000
    assert 0.8 * expected < sum(not frame.intact for frame in noisy) < 1.2 * expected
    assert {frame.length - len(frame.adu) for frame in noisy} >= {-1, 0, 1}
    cut = [frame for frame in short if not frame.intact]
    assert 0.08 < len(cut) / len(short) < 0.12
    assert all(1 <= frame.length <= len(frame.adu) - 3 for frame in cut)


def test_an_echo_is_every_request_again() -> None:
    _, frames = stream(1, 10, echo=True)
    copies = [(sooner, later) for sooner, later in pairwise(frames) if later.echo]
    assert len(copies) == sum(not frame.is_response for frame in frames) / 2
    assert all(sooner.adu == later.adu and not later.is_response for sooner, later in copies)
    _, clean = stream(1, 10)
    assert [frame.adu for frame in frames if not frame.echo] == [frame.adu for frame in clean]


def registers(frame: TrueFrame) -> list[int]:
    return [word for (word,) in struct.iter_unpack(">H", frame.adu[3:-2])]


def test_the_chain_is_read_by_pysunspec2() -> None:
    """Every model of it, by a reader that knows the published models from elsewhere."""
    house = house_of(1)
    image = sunspec.image(state := house.at(START), house.serials.storage)
    assert state.battery is not None
    assert sorted(image) == list(range(40000, 40320))
    models, address = {}, 40002
    while image[address] != 0xFFFF:
        model, length = image[address], image[address + 1]
        words = [image[at] for at in range(address, address + 2 + length)]
        if model != 20001:
            read = SunSpecModbusClientModel(
                model_id=model,
                model_addr=address,
                model_len=length,
                data=struct.pack(f">{len(words)}H", *words),
                mb_device=None,
            )
            assert not read.error_info
            models[model] = read
        address += 2 + length
    assert list(models) == [1, 102, 120, 121, 123, 124, 802]
    assert models[1].SN.value == house.serials.storage.storage_inverter
    battery = state.battery
    shown = {
        (102, "W"): battery.power * 1000,
        (102, "Hz"): state.consumption.frequency,
        (102, "PhVphA"): battery.leg_voltage[0],
        (102, "WH"): battery.discharge_energy * 1000,
        (102, "TmpCab"): battery.inverter_temperature,
        (124, "ChaState"): battery.state_of_charge * 100,
        (124, "InBatV"): battery.battery_voltage,
        (802, "SoC"): battery.state_of_charge * 100,
        (802, "V"): battery.battery_voltage,
        (802, "CellVMax"): battery.cell_voltage[1],
    }
    for (model, point), value in shown.items():
        assert getattr(models[model], point).cvalue == pytest.approx(value, abs=0.5, rel=0.002), (model, point)
    assert sunspec.point(124, "OutWRte") == 40220, "where it was seen"


async def test_the_bus_says_what_the_supervisor_says() -> None:
    """At the same time in the same house: DeviceList of older firmware, fields of newer firmware."""
    house, when = House(seed=5, ess=True), START + timedelta(hours=5, seconds=17)
    machine = Machine(house, clock=lambda: when)
    entries = {entry["DEVICE_TYPE"]: entry for entry in json.loads(machine.device_list())["devices"]}
    units, state = of_house(house), house.at(when)

    def read(unit: int, address: int, function: int = 3, count: int = 1) -> int:
        adu = units[unit].answer(Request(unit, function, address, count), state)
        return int.from_bytes(adu[3:-2], "big")

    hub, relay = entries["ESS Hub"], entries["PV Disconnect"]
    assert read(221, 202) == int(hub["t_degc"])
    assert read(221, 203) == int(hub["humidity"])
    assert read(221, 205) / 1000 == pytest.approx(float(hub["v_spply_v"]))
    assert read(221, 207) == int(hub["fan_actv_fl"])
    assert read(221, 201) == int(hub["event_history"])
    for address, key in enumerate(("v1n_grid_v", "v2n_grid_v", "v1n_pv_v", "v2n_pv_v"), 8):
        assert read(230, address) / 10 == pytest.approx(float(relay[key]))
    assert hub["slave"] == boards.MIO
    assert relay["slave"] == boards.PV_DISCONNECT
    assert state.storage is not None
    (volts,) = struct.unpack(">f", read(220, 104, 4, 2).to_bytes(4, "big"))
    assert volts == pytest.approx(state.storage.grid_voltages[0])


def test_units_refuse_as_the_standard_says() -> None:
    house = house_of(1)
    units, state = of_house(house), house.at(START)
    refused = {
        Request(221, 4, 200, 1): 1,
        Request(230, 6, 0, values=(1,)): 1,
        Request(221, 3, 199, 2): 2,
        Request(221, 6, 200, values=(1,)): 2,
        Request(221, 3, 200, 126): 3,
    }
    for request, code in refused.items():
        answer = units[request.unit].answer(request, state)
        assert answer[1:3] == bytes((request.function | 0x80, code))


def test_what_is_written_is_read_again() -> None:
    house = house_of(1)
    units, state = of_house(house), house.at(START)
    assert units[10].answer(write := Request(10, 16, 40220, values=(77, 78)), state)[:6] == write.adu[:6]
    assert units[10].answer(Request(10, 3, 40220, 2), state)[3:7] == bytes((0, 77, 0, 78))
