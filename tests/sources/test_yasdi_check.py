"""What ``pvsmqtt check`` says of yasdi2mqtt, at a real broker."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from harness import Bench, Mosquitto, Recorder, free_port

from pvsmqtt.broker.options import Broker
from pvsmqtt.sources.base import Finding
from pvsmqtt.sources.yasdi import check as check_module
from pvsmqtt.sources.yasdi.check import check
from pvsmqtt.sources.yasdi.memory import Memory
from pvsmqtt.sources.yasdi.options import YasdiOptions


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with Bench(tmp_path).open() as bench:
        yield bench


def options(port: int, **more: str) -> YasdiOptions:
    return YasdiOptions(host="127.0.0.1", port=port, **more)  # type: ignore[arg-type]


async def said(bench: Bench, mosquitto: Mosquitto, *payloads: str, folder: Path | None = None) -> list[Finding]:
    """What check finds while these are published again and again."""
    recorder = await bench.recorder(mosquitto.port)
    checking = asyncio.create_task(check(options(mosquitto.port), folder, listen=20))
    while not checking.done():
        for payload in payloads:
            await recorder.publish("/solar/inverter/7", payload)
        await asyncio.wait({checking}, timeout=0.05)
    return checking.result()


def message(**values: object) -> str:
    return json.dumps({"sn": 7, "time": time.time(), "values": values})


async def test_what_is_heard(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_module, "SETTLE", 0.3)
    findings = await said(bench, await bench.broker(), message(Pac=5, Neu=1))
    assert all(finding.ok for finding in findings)
    assert [finding.text for finding in findings][1:] == ["7", "not described yet: Neu"]


async def test_silence_by_day(bench: Bench, tmp_path: Path) -> None:
    mosquitto = await bench.broker()
    listening, silent = await check(options(mosquitto.port), tmp_path, listen=0.2)
    assert listening.ok
    assert not silent.ok
    assert "MQTT_TOPIC_PREFIX" in silent.advice


async def test_silence_of_somebody_who_has_spoken(bench: Bench, tmp_path: Path) -> None:
    mosquitto = await bench.broker()
    asked = options(mosquitto.port)
    Memory(tmp_path, str(asked.subject)).set("heard", True)
    before = sorted(tmp_path.iterdir())
    _, silent = await check(asked, tmp_path, listen=0.2)
    assert silent.ok
    assert sorted(tmp_path.iterdir()) == before, "a check leaves nothing behind"


async def test_what_is_no_message_of_yasdi2mqtt(bench: Bench) -> None:
    mosquitto = await bench.broker()
    recorder: Recorder = await bench.recorder(mosquitto.port)
    checking = asyncio.create_task(check(options(mosquitto.port), None, listen=1.0))
    while not checking.done():
        await recorder.publish("solar/inverter/7", "online")
        await asyncio.wait({checking}, timeout=0.05)
    findings = checking.result()
    assert findings[0].ok
    assert (findings[1].ok, findings[1].text) == (False, "a message is not JSON")
    assert "mosquitto_sub" in findings[1].advice


async def test_no_broker() -> None:
    (finding,) = await check(options(free_port()), None)
    assert not finding.ok
    assert "[[yasdi]]" in finding.advice


async def test_the_broker_inside_the_service() -> None:
    inside = YasdiOptions()
    inside._shared = Broker("127.0.0.1", free_port(), protocol="3.1.1", embedded=True)
    (finding,) = await check(inside, None)
    assert finding.ok
    assert "health" in finding.text
