"""What systemd feels of the service: readiness, the watchdog, the status line; real processes."""

from __future__ import annotations

import asyncio
import re
import signal
from pathlib import Path

import pytest
from harness import Bench, device_ids
from harness.notified import Notified, systemd

TICK = "pvsmqtt.service.TICK"
SERVICE_ENDS = 5.0


class Code:
    """For `patch`: a name gets the value of this expression; ``m`` is its module."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def hanging(name: str, method: str) -> Code:
    """The class of this name whose method never comes to an end."""
    never = "lambda *_, **__: __import__('asyncio').Event().wait()"
    return Code(f"type({name!r}, (m.{name},), {{{method!r}: {never}}})")


async def fed(notified: Notified, times: int) -> None:
    mark = notified.mark()
    for _ in range(times):
        await notified.told("WATCHDOG=1", mark)
        mark = notified.mark()


async def test_fed_while_nobody_is_there(bench: Bench, tmp_path: Path) -> None:
    """PVS, gateway, line, broker: none of them answers, for many times as long as a step may take."""
    async with systemd(tmp_path) as (address, notified):
        service = await bench.service(
            1,
            1,
            modbus_tcp=[{"host": "127.0.0.1", "ports": [2], "interval": 0.2, "timeout": 0.2}],
            rs485=[{"line": "tcp://127.0.0.1:1", "name": "bus"}],
            yasdi=[{"host": "127.0.0.1", "port": 1}],
            modbus_tap=[{"capture": str(tmp_path / "nothing.pcap"), "name": "tap"}],
            env={"NOTIFY_SOCKET": str(address)},
            patch={
                TICK: 0.1,
                "pvsmqtt.sources.pvs.source.LONGEST_CYCLE": 2.0,
                "pvsmqtt.sources.modbus_master.source.LONGEST_STEP": 2.0,
                "pvsmqtt.sources.rs485.tap.LONGEST_STEP": 2.0,
                "pvsmqtt.sources.modbus_tap.tap.LONGEST_STEP": 2.0,
                "pvsmqtt.broker.subscription.LONGEST_STEP": 2.0,
                "pvsmqtt.sinks.mqtt.sink.LONGEST_STEP": 2.0,
                **{
                    f"pvsmqtt.{module}.{name}": 0.3
                    for module in ("sources.rs485.tap", "sources.modbus_tap.tap", "broker.subscription")
                    for name in ("FIRST_PAUSE", "LONGEST_PAUSE")
                },
            },
        )
        await notified.told("READY=1")
        status = await notified.told("STATUS=0 of ")
        await notified.told("STATUS=0 of 0 devices online; no broker (")
        await fed(notified, 60)
        assert not service.said(" hangs")
        assert notified.feed.items.index("READY=1") < notified.feed.items.index(status)


async def test_what_the_status_says(bench: Bench, tmp_path: Path) -> None:
    broker, pvs = await bench.broker(), await bench.pvs()
    async with systemd(tmp_path) as (address, notified):
        await bench.service(broker.port, pvs.port, env={"NOTIFY_SOCKET": str(address)}, patch={TICK: 0.1})
        told = await notified.told(f"STATUS={len(device_ids(pvs))} of {len(device_ids(pvs))} devices online, PV ")
        assert re.fullmatch(r"STATUS=7 of 7 devices online, PV \d+(\.\d)? k?W", told)
        mark = notified.mark()
        pvs.fault = "http-503"
        assert f"pvs 127.0.0.1:{pvs.port} fails (busy)" in await notified.told("STATUS=", mark)
        mark = notified.mark()
        pvs.fault = None
        assert "fails" not in await notified.told("STATUS=", mark)


HANGS = [
    ("sources.pvs.source", "LONGEST_CYCLE", "LegacyReader", "cycle", "pvs 127.0.0.1:", " _poll, "),
    ("sinks.mqtt.sink", "LONGEST_STEP", "Publisher", "changes", "mqtt", " _serve"),
]


@pytest.mark.parametrize(("module", "bound", "name", "method", "who", "where"), HANGS)
async def test_what_hangs_stops_the_feeding(
    bench: Bench, tmp_path: Path, module: str, bound: str, name: str, method: str, who: str, where: str
) -> None:
    """One task waits for ever; everything else goes on as ever."""
    broker, pvs = await bench.broker(), await bench.pvs()
    async with systemd(tmp_path) as (address, notified):
        service = await bench.service(
            broker.port,
            pvs.port,
            env={"NOTIFY_SOCKET": str(address)},
            patch={
                TICK: 0.1,
                f"pvsmqtt.{module}.{bound}": 3.0,
                f"pvsmqtt.{module}.{name}": hanging(name, method),
            },
        )
        await notified.told("WATCHDOG=1")
        said = await service.says(" hangs: no sign of life for ")
        assert who in said
        assert where in said
        assert "watchdog of systemd is not fed" in said
        mark = notified.mark()
        with pytest.raises(AssertionError, match="no WATCHDOG"):
            await notified.told("WATCHDOG=1", mark, 1.0)
        assert len(service.said(" hangs: ")) == 1, "once, not on every look"
        await service.stop()


async def test_a_service_that_is_ended_by_the_watchdog_says_where_it_was(bench: Bench) -> None:
    """SIGABRT is what systemd sends: places in the code, no values."""
    service = await bench.service(1, 1)
    await service.says(" runs, ")
    service.signal(signal.SIGABRT)
    assert await service.exit(SERVICE_ENDS) == -signal.SIGABRT
    assert service.said("Fatal Python error: Aborted")
    assert any("run.py" in line for line in service.log.items)


async def test_lines_of_the_journal_have_their_priority(bench: Bench, tmp_path: Path) -> None:
    """systemd gives a service a socket as standard error, and says which."""
    code = (
        "import os, sys; s = os.fstat(2); os.environ['JOURNAL_STREAM'] = f'{s.st_dev}:{s.st_ino}';"
        "os.execv(sys.executable, [sys.executable, '-m', 'pvsmqtt', *sys.argv[1:]])"
    )
    service = bench.make_service(bench.settings(1, 1))
    service.command = (service.command[0], "-c", code, *service.command[3:])
    await service.start()
    assert (await service.says(" runs, ")).startswith("<6>pvsmqtt: pvsmqtt ")
    assert (await service.says("cannot connect to ")).startswith("<4>pvsmqtt.pvs 127.0.0.1:1: ")
    assert all(re.match(r"<[3467]>\S", line) for line in service.log.items)
    since = len(service.log.items)
    await service.reload(says="is not used", log_level="loud")
    await service.says("loud", since)
    assert all(line.startswith("<3>") for line in service.said("loud", since)), "every line of a message"
    await service.stop()


async def test_a_bad_configuration_is_an_error_in_the_journal(bench: Bench) -> None:
    code = (
        "import os, sys; s = os.fstat(2); os.environ['JOURNAL_STREAM'] = f'{s.st_dev}:{s.st_ino}';"
        "os.execv(sys.executable, [sys.executable, '-m', 'pvsmqtt', *sys.argv[1:]])"
    )
    service = bench.make_service(bench.settings(1, 1, log_level="loud"))
    service.command = (service.command[0], "-c", code, *service.command[3:])
    await service.start()
    assert await service.exit() == 2
    assert len(service.log.items) > 1
    assert all(line.startswith("<3>") for line in service.log.items)


async def test_elsewhere_lines_have_their_time(bench: Bench) -> None:
    """The variable is inherited by what is started from a service; the journal is not."""
    service = await bench.service(1, 1, env={"JOURNAL_STREAM": "8:12345"})
    assert re.match(r"\d{4}-\d\d-\d\d ", await service.says(" runs, "))
    await asyncio.sleep(0)
    await service.stop()
