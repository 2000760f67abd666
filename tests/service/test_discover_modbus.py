"""``pvsmqtt discover --modbus`` as a process, against equipment on the loopback network."""

import json
import tomllib
from collections.abc import AsyncIterator

import pytest
from harness import free_port, pvsmqtt

from pvsmqtt.simulator.conext.simulator import ConextSimulator


@pytest.fixture
async def gateway() -> AsyncIterator[ConextSimulator]:
    simulator = ConextSimulator()
    await simulator.start()
    yield simulator
    await simulator.stop()


async def discover(*arguments: str) -> tuple[int, str, str]:
    return await pvsmqtt("discover", "--modbus", *arguments).run()


async def test_a_gateway_with_both_ports(gateway: ConextSimulator) -> None:
    ports = (gateway.sunspec_port, gateway.native_port)
    hosts = [argument for port in ports for argument in ("--host", f"127.0.0.1:{port}")]
    status, out, log = await discover(*hosts)
    assert (status, log) == (0, "")
    assert out.startswith("Conext Gateway at 127.0.0.1\n")
    assert f"  port {ports[0]:<5} SunSpec" in out
    assert f"  port {ports[1]:<5} native registers" in out
    assert "  unit 230   bms, SP1, serial number" in out
    document = tomllib.loads(out[out.index("[[modbus_tcp]]") :])
    assert document["modbus_tcp"] == [{"host": "127.0.0.1", "ports": list(ports)}]
    assert gateway.writes == 0


async def test_for_a_machine(gateway: ConextSimulator) -> None:
    status, out, _ = await discover("--json", "--host", f"127.0.0.1:{gateway.sunspec_port}")
    assert status == 0
    answer = json.loads(out)
    assert [unit["unit"] for unit in answer["found"][0]["units"]] == [1, 10, 230]
    assert answer["found"][0]["profile"] == "sunspec"
    assert tomllib.loads(answer["configuration"])["modbus_tcp"][0]["units"] == [1, 10, 230]


async def test_nobody_answers() -> None:
    status, out, log = await discover("--host", f"127.0.0.1:{free_port()}")
    assert (status, out) == (1, "")
    assert log.startswith("pvsmqtt: nothing answers Modbus at 127.0.0.1:")
    assert "switched on" in log


async def test_without_a_network_of_a_pvs_nothing_is_tried() -> None:
    status, out, log = await discover()
    assert (status, out) == (1, "")
    assert "172.27.153.50 to 172.27.153.99" in log
    assert "--host" in log
