"""The service hears mirrored traffic: a capture grows in a FIFO, values arrive at the broker."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from harness import ROOT, Bench, Recorder, is_online
from helpers_packets import GATEWAY, Talk, capture, frames


class Tcpdump:
    """What tcpdump writes: polls of a gateway, and what is commanded."""

    def __init__(self, fifo: Path) -> None:
        self.power = 1500
        self.limit = 7550
        self._fifo = fifo
        self._descriptor = -1
        self._talk = Talk()
        self._task: asyncio.Task[None] | None = None
        self._runs = 0

    async def start(self) -> None:
        """A capture that begins with a connection."""
        self._runs += 1
        self._talk = Talk(client_port=40000 + self._runs).open()
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    async def _run(self) -> None:
        while self._descriptor < 0:
            try:
                self._descriptor = os.open(self._fifo, os.O_WRONLY | os.O_NONBLOCK)
            except OSError:  # nobody reads yet
                await asyncio.sleep(0.05)
        data = capture(self._talk.packets)
        while True:
            try:
                os.write(self._descriptor, data)
            except BrokenPipeError:  # the service was killed: tcpdump ends, and is started again
                os.close(self._descriptor)
                self._descriptor = -1
                asyncio.get_running_loop().call_soon(self._again)
                return
            await asyncio.sleep(0.1)
            done = len(self._talk.packets)
            self._poll()
            data = frames(self._talk.packets[done:])

    def _again(self) -> None:
        self._runs += 1
        self._talk = Talk(client_port=40000 + self._runs).open()
        self._task = asyncio.create_task(self._run())

    def _poll(self) -> None:
        values = [0] * 26
        values[0:2], values[2], values[25] = (124, 24), 6000, 0xFFFE
        values[12], values[13] = self.limit, 2500  # what was written is what is read
        self._talk.poll(1, 10, 40070, 102, 50).poll(2, 10, 40084, self.power & 0xFFFF, 0)
        self._talk.poll(3, 10, 40208, *values).write(4, 10, 40220, self.limit, 2500)


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    path = tmp_path / "mirror.pcap"
    os.mkfifo(path)
    return path


async def told(recorder: Recorder, since: int = 0, **values: Any) -> None:
    await recorder.wait(
        f"{ROOT}/modbus_tap_10/state",
        lambda m: all(m.json.get(key) == value for key, value in values.items()),
        since,
    )


async def test_a_capture_that_grows(bench: Bench, fifo: Path) -> None:
    broker = await bench.broker()
    recorder = await bench.recorder(broker.port)
    tcpdump = Tcpdump(fifo)
    service = await bench.service(
        broker.port,
        modbus_tap=[{"capture": str(fifo), "interval": 0.3, "stale_after": 30}],
        patch={"pvsmqtt.service.TICK": 0.3, "pvsmqtt.service.HEALTH_EVERY": 0.3},
    )
    try:
        await recorder.have("modbus_tap")
        await tcpdump.start()
        await recorder.have("modbus_tap", "modbus_tap_10")
        await told(recorder, power=1500, commanded_discharge_limit=75.5, commanded_charge_limit=25)
        tcpdump.power, tcpdump.limit = -900, 5000
        await told(recorder, power=-900, commanded_discharge_limit=50)
        line = await recorder.wait(f"{ROOT}/modbus_tap/state", lambda m: (m.json.get("frames") or 0) > 20)
        assert line.json["line_state"] == "listening"
        assert line.json["units_heard"] == 1
        health = await recorder.wait(f"{ROOT}/health", lambda m: m.json["sources"][0]["state"] == "ok")
        (source,) = health.json["sources"]
        assert source["kind"] == "modbus_tap"
        unit = source["servers"][f"{GATEWAY}:502"]["units"]["10"]
        assert list(unit["written"]) == ["holding 40220"]
        inventory = {entry["id"]: entry["kind"] for entry in recorder.last(f"{ROOT}/devices").json}
        assert inventory["modbus_tap_10"] == "storage_inverter"
        await recorder.wait("homeassistant/device/pvsmqtt_home_modbus_tap/config")

        mark = recorder.mark()
        await tcpdump.stop()
        await recorder.wait(
            f"{ROOT}/health", lambda m: m.json["sources"][0]["trouble"] == "capture_writer_gone", mark
        )
        tcpdump.power = 77
        await tcpdump.start()
        await told(recorder, mark, power=77)

        mark = recorder.mark()
        await service.kill()
        tcpdump.power = 88
        await service.start()
        await recorder.wait(f"{ROOT}/status", is_online, mark)
        await told(recorder, mark, power=88)
    finally:
        await tcpdump.stop()


async def test_nothing_that_is_no_capture_stops_the_service(bench: Bench, fifo: Path, tmp_path: Path) -> None:
    """A FIFO that nobody writes, a file that is none, a file that is missing: each by itself."""
    (tmp_path / "bad.pcap").write_bytes(b"\0" * 100)
    broker = await bench.broker()
    recorder = await bench.recorder(broker.port)
    captures = {"silent": fifo, "bad": tmp_path / "bad.pcap", "missing": tmp_path / "missing.pcap", "standard": "-"}
    service = await bench.service(
        broker.port,
        modbus_tap=[{"capture": str(path), "name": name, "interval": 0.3} for name, path in captures.items()],
        patch={"pvsmqtt.service.HEALTH_EVERY": 0.3},
    )
    wanted = {"silent": None, "bad": "capture_no_pcap", "missing": "capture_missing"}
    await recorder.wait(
        f"{ROOT}/health",
        lambda m: wanted.items() <= {one["name"].split()[-1]: one["trouble"] for one in m.json["sources"]}.items(),
    )
    await recorder.have(*captures)
    assert service.running
