"""The service listens to a line: bytes on a pseudo-terminal or from a serial server, values at the broker."""

from __future__ import annotations

import asyncio
import json
import os
import tty
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from harness import ROOT, Bench, Recorder, free_port, is_offline, is_online, pvsmqtt
from helpers_modbus import read, registers

MAP = """
name = "test"
source = "invented"
units = [221, 7]
kind = "mio"
table = "holding"
registers = [
  { address = 100, name = "temperature", type = "int16", unit = "°C", quantity = "temperature" },
  { address = 101, name = "supply", type = "uint16", scale = 0.001, unit = "V", quantity = "supply_voltage" },
]
"""


def burst(temperature: int) -> bytes:
    """One poll of MIO and HUB+."""
    return read(221, 100, 2) + registers(221, temperature, 11375) + read(220, 0, 1) + registers(220, 1)


class SerialServer:
    """A transparent serial server; its bus is polled all the time."""

    def __init__(self) -> None:
        self.port = free_port()
        self.temperature = 36
        self.received = b""
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            for writer in self._writers:
                writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        listening = asyncio.create_task(self._listen(reader))
        try:
            while True:
                writer.write(burst(self.temperature))
                await writer.drain()
                await asyncio.sleep(0.1)
        except OSError:
            pass
        finally:
            listening.cancel()
            self._writers.discard(writer)
            writer.close()

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        while data := await reader.read(100):
            self.received += data


@asynccontextmanager
async def serial_server() -> AsyncIterator[SerialServer]:
    server = SerialServer()
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


@pytest.fixture
def maps(tmp_path: Path) -> list[str]:
    (tmp_path / "test.toml").write_text(MAP, encoding="utf-8")
    return [str(tmp_path / "test.toml")]


def table(line: str, **options: Any) -> dict[str, Any]:
    return {"line": line, "interval": 0.3, **options}


async def temperature(recorder: Recorder, value: int, since: int = 0) -> None:
    await recorder.wait(f"{ROOT}/rs485_221/state", lambda m: m.json.get("temperature") == value, since)


async def test_values_of_a_line_arrive(bench: Bench, maps: list[str]) -> None:
    broker = await bench.broker()
    recorder = await bench.recorder(broker.port)
    async with serial_server() as server:
        line = f"tcp://127.0.0.1:{server.port}"
        await bench.service(
            broker.port,
            rs485=[table(line, maps=maps, baudrate=9600)],
            patch={"pvsmqtt.service.TICK": 0.3, "pvsmqtt.service.HEALTH_EVERY": 0.3},
        )
        await recorder.have("rs485", "rs485_221")
        await temperature(recorder, 36)
        state = recorder.last(f"{ROOT}/rs485_221/state").json
        assert state["supply_voltage"] == 11.375
        server.temperature = 41
        await temperature(recorder, 41)
        found = await recorder.wait(f"{ROOT}/rs485/state", lambda m: (m.json.get("frames") or 0) > 20)
        assert found.json["line_state"] == "listening"
        assert found.json["units_heard"] == 2
        assert found.json["crc_failures"] == 0
        assert (found.json["known_registers"], found.json["unknown_registers"]) == (2, 1)
        health = await recorder.wait(f"{ROOT}/health", lambda m: m.json["sources"][0]["state"] == "ok")
        assert health.json["sources"][0]["kind"] == "rs485"
        assert health.json["sources"][0]["units"]["220"]["unknown"] == {"holding": ["0"]}
        await recorder.wait("homeassistant/device/pvsmqtt_home_rs485/config")
        inventory = {entry["id"]: entry["kind"] for entry in recorder.last(f"{ROOT}/devices").json}
        assert inventory["rs485_220"] == "hub_plus"
        assert server.received == b"", "nothing is ever written to a line"


async def test_the_status_page_shows_the_registers(bench: Bench, maps: list[str]) -> None:
    broker, port = await bench.broker(), free_port()
    recorder = await bench.recorder(broker.port)
    async with serial_server() as server:
        line = table(f"tcp://127.0.0.1:{server.port}", maps=maps, baudrate=9600)
        service = await bench.service(broker.port, rs485=[line], web={"listen": f"127.0.0.1:{port}"})
        await service.says("the status page listens on")
        await temperature(recorder, 36)
        mark, server.temperature = recorder.mark(), 37
        await temperature(recorder, 37, mark)
        async with aiohttp.request("GET", f"http://127.0.0.1:{port}/api/registers") as response:
            (told,) = (await response.json())["lines"]
    unit = next(unit for unit in told["units"] if unit["unit"] == 221)
    assert unit["device"] == "rs485_221"
    first, second = unit["registers"]
    assert (first["table"], first["address"], first["value"], first["name"]) == ("holding", 100, 37, "temperature")
    assert first["reading"] == "37 °C"
    assert first["changed_at"] is not None
    assert second["changed_at"] is None, "it never did"


async def test_a_serial_server_comes_back(bench: Bench, maps: list[str]) -> None:
    broker = await bench.broker()
    recorder = await bench.recorder(broker.port)
    async with serial_server() as server:
        options = table(f"tcp://127.0.0.1:{server.port}", maps=maps, stale_after=5)
        patch = {"pvsmqtt.service.TICK": 0.3, "pvsmqtt.sources.rs485.tap.LONGEST_PAUSE": 0.3}
        service = await bench.service(broker.port, rs485=[options], patch=patch)
        await temperature(recorder, 36)
        mark = recorder.mark()
        await server.stop()
        await service.says("the serial server")
        await recorder.wait(f"{ROOT}/rs485/state", lambda m: m.json["line_state"] == "lost", mark)
        await recorder.wait(f"{ROOT}/rs485_221/status", is_offline, mark)
        mark = recorder.mark()
        server.temperature = 12
        await server.start()
        await recorder.wait(f"{ROOT}/rs485_221/status", is_online, mark)
        await temperature(recorder, 12, mark)
        await service.says("works again")


@pytest.fixture
def terminal() -> Iterator[tuple[int, str]]:
    """A pseudo-terminal: the end of the bus, and the name of the end of the listener."""
    bus, adapter = os.openpty()
    tty.setraw(bus)
    with closing(os.fdopen(adapter, "rb")), closing(os.fdopen(bus, "wb")):
        yield bus, os.ttyname(adapter)


async def test_an_adapter_and_its_speed(bench: Bench, maps: list[str], terminal: tuple[int, str]) -> None:
    bus, device = terminal
    broker = await bench.broker()
    recorder = await bench.recorder(broker.port)

    async def talk() -> None:
        while True:
            os.write(bus, burst(21))
            await asyncio.sleep(0.1)

    talking = asyncio.create_task(talk())
    try:
        service = await bench.service(broker.port, rs485=[table(f"serial://{device}", maps=maps)])
        await service.says("searches for the speed")
        await temperature(recorder, 21)
        state = await recorder.wait(f"{ROOT}/rs485/state", lambda m: m.json.get("baud_rate") is not None)
        assert state.json["baud_rate"] == 115200, "a pseudo-terminal is heard at any speed"
        checking = pvsmqtt("check", "--config", str(service.file), "--json", env=service.env)
        status, out, _ = await checking.run()
        findings = {finding["subject"]: finding for finding in json.loads(out)["findings"]}
        assert status == 0
        assert "If that is the pvsmqtt service, all is well" in findings["rs485 rs485"]["text"]
        await service.stop()
        remembered = json.loads((service.state_dir / "rs485-rs485.json").read_text())
        assert remembered["setting"] == {"line": f"serial://{device}", "setting": "115200 8N1"}
        since = len(service.log.items)
        await service.start()
        await service.says("listens to", since)
        assert not service.said("searches", since)
    finally:
        talking.cancel()


async def test_a_sniffed_value_lands_on_the_polled_device(bench: Bench, tmp_path: Path) -> None:
    """The PVS lists its HUB+ with unit 220 of its serial port: what is heard of 220 is the same device."""
    from pvsmqtt.simulator.pvs.house.house import House

    (tmp_path / "hub.toml").write_text(
        MAP.replace("[221, 7]", "[220]").replace('"mio"', '"hub_plus"').replace("100", "0"), encoding="utf-8"
    )
    broker = await bench.broker()
    pvs = await bench.pvs(house=House(4, ess=True))
    recorder = await bench.recorder(broker.port)
    async with serial_server() as server:
        options = table(f"tcp://127.0.0.1:{server.port}", maps=[str(tmp_path / "hub.toml")])
        await bench.service(broker.port, pvs.port, rs485=[options])
        device = await recorder.wait(f"{ROOT}/devices", lambda m: _hub(m.json))
        await recorder.wait(f"{ROOT}/{_hub(device.json)}/state", lambda m: m.json.get("temperature") == 1)


def _hub(inventory: list[dict[str, Any]]) -> str | None:
    return next((e["id"] for e in inventory if e["kind"] == "hub_plus" and not e["id"].startswith("rs485")), None)


async def test_a_map_is_taken_up_while_the_service_runs(bench: Bench, maps: list[str]) -> None:
    broker = await bench.broker()
    recorder = await bench.recorder(broker.port)
    map_file = Path(maps[0])
    async with serial_server() as server:
        service = await bench.service(
            broker.port,
            rs485=[table(f"tcp://127.0.0.1:{server.port}", maps=maps)],
            patch={"pvsmqtt.service.TICK": 0.3},
        )
        await temperature(recorder, 36)
        map_file.write_text("name = 5\n", encoding="utf-8")
        await service.reload("the old one stays in force")
        assert service.said(map_file.name)
        mark = recorder.mark()
        await temperature(recorder, 36, mark)
        map_file.write_text(MAP.replace('type = "int16"', 'type = "int16", scale = 5'), encoding="utf-8")
        await service.reload()
        await temperature(recorder, 180, mark)
