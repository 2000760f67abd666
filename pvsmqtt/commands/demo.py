"""``pvsmqtt demo``: the main job with everything inside one process: a simulated PVS with a SunVault in fast motion,
the RS-485 bus of that SunVault, a broker, the service with its status page, and a subscriber that prints what came
through the broker."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sys
import tempfile
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pvsmqtt.commands import log
from pvsmqtt.model.device import LABELS, Kind
from pvsmqtt.sinks.mqtt import embedded
from pvsmqtt.sinks.mqtt.options import EMBEDDED

SPEED = 600
"""Seconds of the simulated day for each second of ours."""

POLL = 1.0
TICK = 0.5
BUS_INTERVAL = 1.0
"""Seconds from one burst on the bus to the next; a real supervisor polls it every 15 s."""

BAUDRATE = 19200
PAGE_PORT = 8485
"""Port of the status page where it is free."""

LINE = "rs485"
"""Name of the line."""

SITE_KEYS = ("pv_power", "grid_power", "battery_power", "pv_energy", "grid_import_energy", "grid_export_energy")


BUS_KEYS = {
    Kind.HUB_PLUS: ("grid_relay", "grid_voltage_l1", "grid_voltage_l2", "supply_voltage"),
    Kind.MIO: ("temperature", "humidity", "supply_voltage", "gateway_voltage"),
    Kind.PV_DISCONNECT: ("grid_voltage_l1", "grid_voltage_l2", "pv_voltage_l1", "pv_voltage_l2"),
}
"""What is shown of the boards on the bus."""


def demo(seconds: float | None, panels: int) -> int:
    """Run until Ctrl-C or for so many seconds. Exit status 0 only if readings really went through the broker."""
    log.set_up("info", shown="error")  # the status page has a log too
    if not embedded.available():
        print("pvsmqtt: the demo needs its own broker: pip install 'pvsmqtt[embedded]'", file=sys.stderr)  # noqa: T201
        return 1
    with tempfile.TemporaryDirectory(prefix="pvsmqtt-demo-") as folder:
        try:
            seen = asyncio.run(_demo(Path(folder), seconds, panels))
        except KeyboardInterrupt:
            return 0
    if not seen:
        print("pvsmqtt: no reading came through the broker", file=sys.stderr)  # noqa: T201
        return 1
    print(f"\n{seen} states came through the broker.")  # noqa: T201
    return 0


async def _demo(folder: Path, seconds: float | None, panels: int) -> int:
    from pvsmqtt.clock import FastMotion
    from pvsmqtt.modbus.setting import Setting
    from pvsmqtt.service import Service
    from pvsmqtt.settings import load
    from pvsmqtt.simulator.pvs.house.house import House
    from pvsmqtt.simulator.pvs.server import PvsSimulator
    from pvsmqtt.simulator.rs485 import MAP
    from pvsmqtt.simulator.rs485.simulator import BusSimulator

    # Half past seven in the morning at the simulated house (UTC−6): the sun has just risen.
    start = datetime.now(UTC).replace(hour=13, minute=30, second=0, microsecond=0) - timedelta(days=1)
    house = House(panels=panels, ess=True)
    simulator = PvsSimulator(house, live_port=0, speed=SPEED, start_at=start)
    await simulator.start()
    bus = BusSimulator(
        at="listen:127.0.0.1:0",
        house=house,
        line=Setting(BAUDRATE),
        interval=BUS_INTERVAL,
        clock=simulator.now,
        keeps=False,
    )
    await bus.start()
    port, page_port = _free_port(), _free_port(PAGE_PORT)
    environment = {
        "PVSMQTT_ALLOW_FAST_POLLING": "1",
        "PVSMQTT_STATE_DIR": str(folder),
        "PVSMQTT_MQTT__HOST": EMBEDDED,
        "PVSMQTT_MQTT__PORT": str(port),
        "PVSMQTT_PVS__0__HOST": simulator.url,
        "PVSMQTT_PVS__0__INTERVAL": str(POLL),
        "PVSMQTT_PVS__0__BATTERY_INTERVAL": str(POLL),
        "PVSMQTT_PVS__0__LIVE_URL": f"ws://127.0.0.1:{simulator.live_port}/",
        "PVSMQTT_PVS__0__LIVE_INTERVAL": str(POLL),
        "PVSMQTT_RS485__0__LINE": bus.url,
        "PVSMQTT_RS485__0__NAME": LINE,
        "PVSMQTT_RS485__0__BAUDRATE": str(BAUDRATE),
        "PVSMQTT_RS485__0__MAPS": json.dumps([str(MAP)]),
        "PVSMQTT_RS485__0__INTERVAL": str(BUS_INTERVAL),
        "PVSMQTT_WEB__LISTEN": f"127.0.0.1:{page_port}",
    }
    service = Service(load(environ=environment), clock=FastMotion(simulator.now, SPEED, TICK))
    print(f"A simulated PVS6 with {panels} panels answers at {simulator.url}, a broker at mqtt://127.0.0.1:{port}.")  # noqa: T201
    print(f"The RS-485 bus of its SunVault can be heard at {bus.url} (its registers are invented).")  # noqa: T201
    print(f"The status page is at http://127.0.0.1:{page_port}/.")  # noqa: T201
    print(f"One second here is {SPEED // 60} minutes there. Stop with Ctrl-C.\n")  # noqa: T201
    watcher = _Watcher(port)
    watching = asyncio.create_task(watcher.run())
    serving = asyncio.create_task(service.run())
    try:
        await asyncio.wait({serving, watching}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        service.stop()
        await serving
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
        await bus.stop()
        await simulator.stop()
    return watcher.states


class _Watcher:
    """A plain MQTT client, as anybody could write it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._devices = 0
        self._boards: dict[str, tuple[Kind, str]] = {}
        self._shown: set[str] = set()
        self.states = 0

    async def run(self) -> None:
        """Subscribe and print."""
        import aiomqtt

        while True:
            try:
                async with aiomqtt.Client("127.0.0.1", self._port) as client:
                    await client.subscribe([("pvsmqtt/home/#", 1), ("homeassistant/device/+/config", 1)])
                    async for message in client.messages:
                        if message.payload:
                            self._take(str(message.topic), bytes(message.payload))
            except aiomqtt.MqttError:
                await asyncio.sleep(0.2)

    def _take(self, topic: str, payload: bytes) -> None:
        if topic == "pvsmqtt/home/devices":
            self._inventory(json.loads(payload))
        elif topic.endswith("/state"):
            self.states += 1
            if topic == "pvsmqtt/home/site/state":
                self._site(json.loads(payload))
            elif topic in self._boards:
                self._board(topic, json.loads(payload))

    def _inventory(self, devices: list[dict[str, Any]]) -> None:
        for device in devices:
            if device["kind"] in BUS_KEYS and f"rs485 {LINE}" in device["sources"]:
                self._boards.setdefault(device["state_topic"], (Kind(device["kind"]), device["name"]))
        if len(devices) <= self._devices or len(devices) < 3:
            return
        self._devices = len(devices)
        print("Home Assistant would discover:")  # noqa: T201
        kinds = Counter(device["kind"] for device in devices)
        entities = Counter[str]()
        for device in devices:
            entities[device["kind"]] += len(device["quantities"])
        for kind, count in kinds.items():
            print(f"  {count:3} × {LABELS[Kind(kind)]:20} {entities[kind]:4} entities")  # noqa: T201
        print()  # noqa: T201

    def _board(self, topic: str, state: dict[str, Any]) -> None:
        """Once: the first time that all of it is known."""
        kind, name = self._boards[topic]
        values = [f"{key} {_plain(state.get(key))}" for key in BUS_KEYS[kind]]
        if topic not in self._shown and all(state.get(key) is not None for key in BUS_KEYS[kind]):
            self._shown.add(topic)
            print(f"On the RS-485 bus: {name}  {'  '.join(values)}", flush=True)  # noqa: T201

    def _site(self, state: dict[str, Any]) -> None:
        if state.get("pv_power") is None:
            return
        values = "  ".join(f"{key} {_shown(key, state.get(key))}" for key in SITE_KEYS)
        print(f"{state['measured_at']}  {values}", flush=True)  # noqa: T201


def _shown(key: str, value: object) -> str:
    if not isinstance(value, int | float):
        return "?"
    return f"{value:8.2f} kWh" if key.endswith("_energy") else f"{value:6.0f} W"


def _plain(value: object) -> object:
    return f"{value:.1f}" if isinstance(value, float) else value


def _free_port(wanted: int = 0) -> int:
    """A port that is free now: the one that is wanted, or any."""
    with contextlib.closing(socket.socket()) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", wanted))
        except OSError:
            sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
