"""The bench: everything of one test, started together and ended in order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from harness.basics import NOON, free_port
from harness.nats import NatsCluster
from harness.processes import Mosquitto, Process, Service, environment, pvsmqtt
from harness.proxy import Overhear, Proxy
from harness.subscriber import Recorder
from pvsmqtt.simulator.pvs.house.house import House
from pvsmqtt.simulator.pvs.server import PvsSimulator


class Bench:
    """Starts things in a folder of its own; what it started ends with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.simulators: list[PvsSimulator] = []
        """Every simulated PVS of this process."""
        self._stack = AsyncExitStack()
        self._services = 0

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Bench]:
        async with self._stack:
            yield self

    async def broker(self, users: Mapping[str, str] | None = None, start: bool = True, extra: str = "") -> Mosquitto:
        broker = Mosquitto(self.folder, users, extra)
        self._stack.push_async_callback(broker.kill)
        if start:
            await broker.start()
        return broker

    async def nats(self) -> NatsCluster:
        """Three nats-servers that are one; the test is skipped where there is none."""
        cluster = NatsCluster(self.folder)
        self._stack.push_async_callback(cluster.kill)
        await cluster.start()
        return cluster

    async def pvs(self, start: bool = True, **how: Any) -> PvsSimulator:
        """A simulated PVS inside this process; four panels at noon unless told otherwise.

        ``https=True`` and ``live=True`` take a free port each; firmware, traps and faults go to `PvsSimulator`.
        """
        for port in ("https", "live"):
            if how.pop(port, False):
                how[f"{port}_port"] = free_port()
        simulator = PvsSimulator(**{"house": House(4), "clock": lambda: NOON, "port": free_port(), **how})
        self.simulators.append(simulator)
        self._stack.push_async_callback(simulator.stop)
        if start:
            await simulator.start()
        return simulator

    async def pvs_process(self, *arguments: str, port: int) -> Process:
        """``pvsmqtt simulate pvs`` as a process that listens."""
        process = pvsmqtt("simulate", "pvs", "--port", str(port), "--panels", "4", *arguments)
        self._stack.push_async_callback(process.kill)
        await process.start()
        await process.out.until(lambda: True if process.out.items else None, "word of the simulator")
        return process

    def settings(
        self, broker: int, *pvs: int | str | Mapping[str, Any], interval: float | None = 0.3, **tables: Any
    ) -> dict[str, Any]:
        """A configuration for a broker's port and PVSs: a port, a URL or (parts of) a table each.

        Other tables add to it or replace parts of it. Live data are off unless a table asks for them: by default
        they are looked for at port 9002 of this machine.
        """
        pace: dict[str, Any] = {"live": "off"} | ({} if interval is None else {"interval": interval})
        document: dict[str, Any] = {
            "state_dir": str(self.folder / "state"),
            "log_level": "debug",
            "mqtt": {"host": "127.0.0.1", "port": broker, **tables.pop("mqtt", {})},
            "pvs": [pace | _table(one) for one in pvs],
        }
        return {**document, **tables}

    def make_service(
        self,
        settings: Mapping[str, Any],
        fast: bool = True,
        patch: Mapping[str, object] | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Service:
        self._services += 1
        file = self.folder / f"pvsmqtt-{self._services}.toml"
        service = Service(file, settings, environment(fast, **(env or {})), patch)
        self._stack.push_async_callback(service.kill)
        return service

    async def service(self, broker: int, *pvs: int | str | Mapping[str, Any], **how: Any) -> Service:
        """A running service. What `make_service` takes goes there, the rest into its configuration."""
        of_process = {key: how.pop(key) for key in ("fast", "patch", "env") if key in how}
        service = self.make_service(self.settings(broker, *pvs, **how), **of_process)
        await service.start()
        return service

    async def recorder(self, port: int, *filters: str, **login: Any) -> Recorder:
        recorder = Recorder(port, *filters, **login)
        self._stack.push_async_callback(recorder.stop)
        await recorder.start()
        return recorder

    async def proxy(self, target: int, start: bool = True, overheard: Overhear | None = None) -> Proxy:
        """A line that can be spoilt; not started, its port refuses connections."""
        proxy = Proxy(target, free_port(), overheard)
        self._stack.push_async_callback(proxy.stop)
        if start:
            await proxy.start()
        return proxy


def _table(pvs: int | str | Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(pvs, Mapping):
        return dict(pvs)
    return {"host": pvs if isinstance(pvs, str) else f"127.0.0.1:{pvs}"}


def device_ids(pvs: PvsSimulator) -> list[str]:
    """The ids of the devices of a simulated house: supervisor, meters, panels."""
    serials = pvs.house.serials
    all_of_them: Iterable[str] = (
        serials.supervisor,
        serials.production_meter,
        serials.consumption_meter,
        *serials.inverters,
    )
    return [serial.lower() for serial in all_of_them]
