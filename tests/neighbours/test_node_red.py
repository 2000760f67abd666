"""config/node-red-flow.json in a real Node-RED."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import urllib.request
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from harness import PATIENCE, ROOT, Bench, device_ids, free_port
from harness.processes import Process
from helpers_neighbours import text

from pvsmqtt.simulator.pvs.house.house import House

REPOSITORY = Path(__file__).parents[2]
NAME = "node-red-flow.json"
CORE = {"tab", "comment", "mqtt-broker", "mqtt in", "function", "http in", "http response", "inject", "debug"}
LONG = 180.0
"""Seconds that npm, and Node-RED on a busy machine, may take."""

SETTINGS = """module.exports = {{
  uiHost: "127.0.0.1", uiPort: {port}, httpAdminRoot: false, userDir: {folder}, flowFile: "flows.json",
  credentialSecret: false, externalModules: {{ autoInstall: false }}, telemetry: {{ enabled: false }},
  logging: {{ console: {{ level: "info" }} }}
}}
"""


def flow() -> list[dict[str, Any]]:
    nodes: list[dict[str, Any]] = json.loads(text(NAME))
    return nodes


def test_form() -> None:
    nodes = flow()
    assert {node["type"] for node in nodes} == CORE
    ids = [node["id"] for node in nodes]
    assert len(ids) == len(set(ids))
    for node in nodes:
        assert all(target in ids for output in node.get("wires", []) for target in output), node["id"]
        assert node["type"] not in ("mqtt in",) or node["broker"] == "pvsmqtt_broker"
    assert not any("credentials" in node for node in nodes)


def installed() -> str:
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed: apt install npm")
    done = subprocess.run([str(REPOSITORY / "script" / "node-red")], capture_output=True, text=True, timeout=LONG)
    if done.returncode == 3:
        pytest.skip(done.stderr.strip())
    if done.returncode and not os.environ.get("CI"):
        pytest.skip(f"Node-RED could not be installed: {done.stderr[-300:]}")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


class NodeRed:
    """The process, and what its flow answers."""

    def __init__(self, process: Process, port: int) -> None:
        self.process = process
        self._url = f"http://127.0.0.1:{port}/pvsmqtt"

    def _ask(self, query: str) -> tuple[int, Any]:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(f"{self._url}{query}", timeout=PATIENCE) as reply:
                assert reply.headers["Content-Type"].startswith("application/json")
                return reply.status, json.loads(reply.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    async def ask(self, query: str = "") -> tuple[int, Any]:
        return await asyncio.to_thread(self._ask, query)

    async def until(self, satisfied: Callable[[Any], object], what: str) -> Any:
        """Ask until the answer is as wanted: the flow tells nobody by itself when it changes."""
        answer: Any = None
        try:
            async with asyncio.timeout(PATIENCE * 2):
                while True:
                    _, answer = await self.ask()
                    if satisfied(answer):
                        return answer
                    await asyncio.sleep(0.1)
        except TimeoutError:
            tail = "\n".join(self.process.out.items[-20:])
            raise AssertionError(f"no {what}; the last answer: {str(answer)[:2000]}\n{tail}") from None


async def started(folder: Path, red: str, env: dict[str, str]) -> tuple[Process, int]:
    """Node-RED with a port, connected to the broker; another program may take a port that was free just now."""
    for _ in range(5):
        port = free_port()
        (folder / "settings.js").write_text(SETTINGS.format(port=port, folder=json.dumps(str(folder))), "utf-8")
        process = Process("node", red, "--settings", str(folder / "settings.js"), env=env)
        await process.start()
        try:
            said = await process.out.until(
                lambda out=process.out: next(  # type: ignore[misc]
                    (line for line in out.items if "Connected to broker" in line or "port in use" in line), None
                ),
                "connection of Node-RED",
                LONG,
            )
        except BaseException:
            await process.kill()
            raise
        if "port in use" not in said:
            return process, port
        await process.kill()
    raise AssertionError("five ports in a row were taken by others")


@asynccontextmanager
async def node_red(folder: Path, broker: int, **properties: float) -> AsyncIterator[NodeRed]:
    """The flow as it stands in the file, for another port of the broker; its own properties, and a faster clock."""
    red = await asyncio.to_thread(installed)
    nodes = flow()
    for node in nodes:
        if node["type"] == "mqtt-broker":
            node["port"] = str(broker)
        elif node["type"] == "inject":
            node["repeat"], node["onceDelay"] = "0.2", "0.1"
        elif node["type"] == "tab":
            for property_ in node["env"]:
                if property_["name"] in properties:
                    property_["value"] = str(properties.pop(property_["name"]))
    assert not properties
    folder = folder / "node-red"
    folder.mkdir()
    (folder / "flows.json").write_text(json.dumps(nodes), "utf-8")
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "NO_UPDATE_NOTIFIER": "1"}
    process, port = await started(folder, red, env)
    try:
        yield NodeRed(process, port)
        assert not [line for line in process.out.items if "[error]" in line]
    finally:
        await process.kill()


@pytest.mark.slow
async def test_the_flow_follows_every_device(bench: Bench, tmp_path: Path) -> None:
    broker, first = await bench.broker(), await bench.pvs()
    second = await bench.pvs(start=False, house=House(2, seed=2))
    recorder = await bench.recorder(broker.port)
    quick = {"SURPLUS_MINUTES": 0.01, "SURPLUS_WATTS": 500, "STALE_MINUTES": 20}
    async with node_red(tmp_path, broker.port, **quick) as flow:
        service = await bench.service(broker.port, first.port, second.port, patch={"pvsmqtt.service.TICK": 0.5})
        ids = {"site", "bridge", *device_ids(first)}
        await recorder.have("site", *device_ids(first))
        answer = await flow.until(
            lambda a: ids <= {i for i, d in a["devices"].items() if d["state"]} and a["service"] == "online",
            "state of every device",
        )
        panel = device_ids(first)[-1]
        seen = answer["devices"][panel]
        assert (seen["kind"], seen["online"]) == ("inverter", True)
        assert seen["state"] == recorder.last(f"{ROOT}/{panel}/state").json
        assert (await flow.ask("?device=nobody"))[0] == 404

        # Devices that appear later.
        await second.start()
        late = set(device_ids(second))
        await recorder.have(*late)
        answer = await flow.until(
            lambda a: late <= {i for i, d in a["devices"].items() if d["state"] and d["online"]}, "later device"
        )
        # The house adds up when both have answered.
        total = (await recorder.wait(f"{ROOT}/site/state", lambda m: m.json.get("pv_power"))).json["pv_power"]
        await flow.until(lambda a: a["devices"]["site"]["state"].get("pv_power") == total, "production of the house")
        assert (await flow.ask("?device=site"))[1]["state"]["pv_power"] == total
        assert answer["alert"] is None

        # The service ends: that is an alert, and no surplus.
        await service.kill()
        answer = await flow.until(lambda a: a["alert"], "alert")
        assert answer["alert"] == "pvsmqtt is offline"
        assert answer["surplus"] is False


@pytest.mark.slow
async def test_surplus_and_stale_data(bench: Bench, tmp_path: Path) -> None:
    broker = await bench.broker()
    house = await bench.recorder(broker.port)
    site = {"state_topic": f"{ROOT}/site/state", "status_topic": f"{ROOT}/site/status", "id": "site", "name": "House"}
    gone = {**site, "state_topic": f"{ROOT}/gone/state", "status_topic": f"{ROOT}/gone/status", "id": "gone"}

    async def say(what: str, value: object) -> None:
        text = value if isinstance(value, str) else json.dumps(value)
        await house.publish(f"{ROOT}/{what}", text, retain=True)

    await say("devices", [{**site, "kind": "site"}, {**gone, "kind": "inverter"}])
    await say("status", "online")
    await say("site/status", "online")
    await say("site/state", {"measured_at": None, "grid_power": -1499})
    await say("gone/state", {"power": 5})
    async with node_red(tmp_path, broker.port, SURPLUS_MINUTES=0.01, STALE_MINUTES=0.1) as flow:
        await flow.until(lambda a: a["devices"].get("gone", {}).get("state") == {"power": 5}, "state of a device")

        def debugged(topic: str) -> int:
            return sum(f"topic: '{topic}'" in line for line in flow.process.out.items)

        await say("site/state", {"grid_power": -1501})
        await flow.until(lambda a: a["surplus"], "surplus")
        await say("site/state", {"grid_power": None})
        answer = await flow.until(lambda a: not a["surplus"], "end of the surplus")
        await flow.process.out.until(lambda: True if debugged("surplus") == 2 else None, "two messages")

        # A device that has left the inventory is not followed any more.
        await say("devices", [{**site, "kind": "site"}])
        answer = await flow.until(lambda a: "gone" not in a["devices"], "end of a device")

        # Nothing comes: after STALE_MINUTES that is an alert, which ends with the next state.
        answer = await flow.until(lambda a: a["alert"], "alert")
        assert answer["alert"].startswith("site was last heard of at 2")
        await say("site/state", {"grid_power": 100})
        await flow.until(lambda a: a["alert"] is None, "end of the alert")
        await say("site/status", "offline")
        answer = await flow.until(lambda a: a["alert"] == "site has no live data", "alert of a site without data")
