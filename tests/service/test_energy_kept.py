"""Totals over kills, stops and damaged files: a real service, a real broker, a house whose time runs fast."""

import json
import time
from datetime import timedelta

import pytest
from harness import NOON, ROOT, Bench, Recorder, Service
from harness.processes import environment, pvsmqtt

from pvsmqtt.simulator.pvs.house.house import House

SITE = f"{ROOT}/site/state"
OFTEN = {
    "pvsmqtt.service.TICK": 0.1,
    "pvsmqtt.site.totals.ledger.EVERY": 0.5,
    "pvsmqtt.site.totals.account.LAST_RESORT": 0.0,
}
SPEED = 600
"""Seconds of the house in one."""


def fast_clock():
    began = time.monotonic()
    return lambda: NOON + timedelta(seconds=SPEED * (time.monotonic() - began))


def energies(recorder: Recorder) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for message in recorder.messages:
        if message.topic == SITE:
            for key, value in message.json.items():
                if key.endswith("energy") and "net" not in key and value is not None:
                    found.setdefault(key, []).append(value)
    return found


def kept(service: Service) -> dict:
    return json.loads((service.state_dir / "energy.json").read_text())["sites"]["site"]


async def grows(recorder: Recorder, mark: int, times: int = 3) -> None:
    """Wait until the production was told to be more, so many times."""

    def enough():
        told = {m.json.get("pv_energy") for m in recorder.messages[mark:] if m.topic == SITE}
        return True if len(told - {None}) > times else None

    await recorder.feed.until(enough, "production that grows")


async def test_kills_and_stops_never_make_a_total_fall(bench: Bench) -> None:
    broker, pvs = await bench.broker(), await bench.pvs(clock=fast_clock())
    recorder = await bench.recorder(broker.port)
    service = await bench.service(broker.port, pvs.port, patch=OFTEN)
    for end in ("kill", "kill", "stop", "kill"):
        await grows(recorder, recorder.mark())
        await (service.kill() if end == "kill" else service.stop())
        await service.start()
    await grows(recorder, recorder.mark())
    await service.stop()
    told = energies(recorder)
    assert {"pv_energy", "load_energy"} <= told.keys()
    for key, values in told.items():
        assert values == sorted(values), key
    accounts = kept(service)
    assert accounts["pv_energy"]["counts"] == {}
    assert accounts["pv_energy"]["ceiling"] >= told["pv_energy"][-1]
    made = House(4).at(pvs.clock()).production.energy
    assert told["pv_energy"][-1] <= made + 0.1, "nothing was counted twice"
    command = pvsmqtt("energy", "--json", "--config", str(service.file), env=environment(fast=True))
    await command.start()
    assert await command.exit() == 0
    shown = json.loads("\n".join(command.out.items))["sites"]["site"]
    assert shown["pv_energy"]["lifetime"]["kwh"] == pytest.approx(told["pv_energy"][-1], abs=0.5)
    assert shown["pv_energy"]["today"]["kwh"] is not None


@pytest.mark.parametrize("damage", [b"", b"\x00" * 4096, b'{"format": 99}', b'{"format": 1, "sites": 5}', b"[1]"])
async def test_damaged_files_of_totals(bench: Bench, damage: bytes) -> None:
    broker, pvs = await bench.broker(), await bench.pvs()
    settings = bench.settings(broker.port, pvs.port)
    service = bench.make_service(settings, patch=OFTEN)
    service.state_dir.mkdir(parents=True, exist_ok=True)
    for name in ("energy.json", "energy-days.json"):
        (service.state_dir / name).write_bytes(damage)
    recorder = await bench.recorder(broker.port)
    await service.start()
    await recorder.have("site")
    assert len(service.said("set aside")) == 2
    await service.stop()
    assert (service.state_dir / "energy.json").exists(), "\n".join(service.log.items)
    assert kept(service)["pv_energy"]["total"] > 0
    assert not service.said("Traceback")
