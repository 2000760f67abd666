"""Every accepted reading reaches a real broker, whatever happens to network, broker, disk and process."""

import asyncio
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness import ROOT, Bench, Recorder, Seen, retained
from helpers_journal import readings as made_up
from helpers_polls import Polls, in_order, once, without_gaps

from pvsmqtt.sinks.mqtt.journal.batch import Batch, pack
from pvsmqtt.sinks.mqtt.journal.store import Limits, Store

TOPIC = f"{ROOT}/readings"
HEALTH = f"{ROOT}/health"
QUICK: dict[str, object] = {
    "pvsmqtt.sinks.mqtt.sink.FIRST_PAUSE": 0.1,
    "pvsmqtt.sinks.mqtt.sink.LONGEST_PAUSE": 0.3,
    "pvsmqtt.broker.connection._TIMEOUT": 2.0,
    "pvsmqtt.sinks.mqtt.journal.journal.COLLECT": 0.05,
    "pvsmqtt.sinks.mqtt.journal.journal.RETRY": 0.3,
    "pvsmqtt.service.TICK": 0.2,
    "pvsmqtt.service.HEALTH_EVERY": 0.2,
}
FAST_REPLAY = {"replay_rate": 10000}


def on_topic(*recorders: Recorder) -> list[dict[str, Any]]:
    return [message.json for recorder in recorders for message in recorder.on(TOPIC)]


async def health(recorder: Recorder, since: int = 0, **wanted: Any) -> dict[str, Any]:
    """The journal's part of the health topic, once it has these members."""

    def has(message: Seen) -> bool:
        journal = message.json["journal"]
        return all(journal[key] == value for key, value in wanted.items())

    return dict((await recorder.wait(HEALTH, has, since)).json["journal"])


async def caught_up(recorder: Recorder, polls: Polls) -> None:
    """Wait until a reading of a poll from now on has arrived."""
    after = polls.count + 1
    await polls.more(3)
    wanted = {identity for number in range(after, polls.count + 1) for identity in polls.readings(number)}
    await recorder.wait(TOPIC, lambda m: (m.json["device"], m.json["measured_at"]) in wanted)


async def test_a_reading_as_it_is_published(bench: Bench) -> None:
    broker, pvs = await bench.broker(), await bench.pvs()
    polls = Polls(pvs)
    recorder = await bench.recorder(broker.port)
    service = await bench.service(broker.port, pvs.port, patch=QUICK)
    await caught_up(recorder, polls)
    first = recorder.on(TOPIC)[0]
    assert (first.retain, first.qos) == (False, 1)
    assert first.properties["ContentType"] == "application/json"
    assert "MessageExpiryInterval" not in first.properties
    assert list(first.json) == ["stream", "sequence", "device", "source", "measured_at", "accepted_at", "values"]
    assert first.json["source"] == f"pvs 127.0.0.1:{pvs.port}"
    got = on_topic(recorder)
    in_order(got)
    without_gaps(got)
    arrived = polls.arrived(got)
    assert arrived == set(range(min(arrived), max(arrived) + 1))
    assert TOPIC not in await retained(broker.port)
    assert (await health(recorder, state="ok", pending=0))["dropped"] == {}
    await service.stop()


async def test_an_outage_of_the_network_loses_nothing(bench: Bench) -> None:
    broker, pvs = await bench.broker(), await bench.pvs()
    polls, line = Polls(pvs), await bench.proxy(broker.port)
    recorder = await bench.recorder(broker.port)
    service = await bench.service(line.port, pvs.port, patch=QUICK, journal=FAST_REPLAY)
    await caught_up(recorder, polls)
    for _ in range(2):
        line.set("reset")
        await polls.more(5)
        line.set("pass")
        await caught_up(recorder, polls)
    got = once(on_topic(recorder))
    in_order(got)
    without_gaps(got)
    arrived = polls.arrived(got)
    assert arrived == set(range(min(arrived), max(arrived) + 1)), "no poll is missing"
    await service.stop()


async def test_a_broker_that_is_killed_gets_the_rest(bench: Bench) -> None:
    broker, pvs = await bench.broker(), await bench.pvs()
    polls, line = Polls(pvs), await bench.proxy(broker.port)
    first = await bench.recorder(broker.port)
    await bench.service(line.port, pvs.port, patch=QUICK, journal=FAST_REPLAY)
    await caught_up(first, polls)
    line.set("reset")
    await first.fence()
    await broker.kill()
    await polls.more(5)
    await broker.start()
    second = await bench.recorder(broker.port)
    line.set("pass")
    await caught_up(second, polls)
    got = once(on_topic(first, second))
    in_order(got)
    without_gaps(got)
    polls.arrived(got)


@pytest.mark.slow
async def test_a_frozen_broker(bench: Bench) -> None:
    broker, pvs = await bench.broker(), await bench.pvs()
    polls = Polls(pvs)
    recorder = await bench.recorder(broker.port)
    service = await bench.service(broker.port, pvs.port, patch=QUICK, journal=FAST_REPLAY, mqtt={"keepalive": 5})
    await caught_up(recorder, polls)
    broker.freeze()
    await service.says("connection to the broker lost", timeout=40)
    await polls.more(3)
    broker.wake()
    await caught_up(recorder, polls)
    got = once(on_topic(recorder))
    in_order(got)
    without_gaps(got)
    polls.arrived(got)


async def test_killed_at_any_instant(bench: Bench) -> None:
    seed = int(os.environ.get("PVSMQTT_SEED", random.randrange(10**6)))
    print(f"PVSMQTT_SEED={seed}")  # noqa: T201  shown when it fails
    dice = random.Random(seed)
    broker, pvs = await bench.broker(), await bench.pvs()
    polls = Polls(pvs)
    recorder = await bench.recorder(broker.port, TOPIC)
    service = bench.make_service(bench.settings(broker.port, pvs.port, journal=FAST_REPLAY), patch=QUICK)
    lost: set[int] = set()
    for _ in range(6):
        before = polls.count
        await service.start()
        await polls.more(dice.randrange(1, 4))
        await asyncio.sleep(dice.uniform(0.0, 0.3))  # the instant is what the test is about
        await service.kill()
        lost |= set(range(before, polls.count + 1))
    await service.start()
    await caught_up(recorder, polls)
    await service.stop()
    await recorder.fence()
    got = once(on_topic(recorder))
    in_order(got)
    without_gaps(got)
    arrived = polls.arrived(got)
    written = {line.rpartition(" ")[2] for line in service.said("written up to")}
    numbers = {(one["stream"], one["sequence"]) for one in got}
    for mark in written:
        stream, _, sequence = mark.partition("/")
        assert (stream, int(sequence)) in numbers, f"{mark} was on disk"
    assert len({stream for stream, _ in numbers}) == 1
    assert len(arrived) >= 6


async def test_a_stop_while_the_broker_is_away_loses_nothing(bench: Bench) -> None:
    broker, pvs = await bench.broker(), await bench.pvs()
    polls, line = Polls(pvs), await bench.proxy(broker.port)
    recorder = await bench.recorder(broker.port)
    line.set("hole")
    slow = {**QUICK, "pvsmqtt.sinks.mqtt.journal.journal.COLLECT": 60.0}
    service = await bench.service(line.port, pvs.port, patch=slow, journal=FAST_REPLAY)
    await polls.more(6)
    asked = polls.count
    await service.stop()
    line.set("pass")
    await service.start()
    meter = pvs.house.serials.production_meter.lower()
    last = {moment for device, moment in polls.readings(asked - 2) if device == meter}
    await recorder.wait(TOPIC, lambda m: m.json["measured_at"] in last and m.json["device"] == meter)
    await service.kill()
    got = once(on_topic(recorder))
    in_order(got)
    without_gaps(got)
    arrived = polls.arrived(got)
    assert set(range(min(arrived), asked - 1)) <= arrived
    assert min(arrived) <= 1


def backlog(state_dir: Path, count: int) -> None:
    """A journal with so many readings that were not sent."""
    state_dir.mkdir(exist_ok=True)
    store = Store(state_dir / "journal.db")
    stream = store.contents().stream
    batches = [Batch(n + 1, stream, 10 * n + 1, 10, 2.0 * n, pack(made_up(10 * n, 10))) for n in range(count // 10)]
    store.write(batches, 0, count + 1, 600.0, Limits(10**8, 10**8))
    store.close()


async def test_states_do_not_wait_for_the_replay(bench: Bench) -> None:
    broker, pvs = await bench.broker(), await bench.pvs()
    polls = Polls(pvs)
    recorder = await bench.recorder(broker.port)
    settings = bench.settings(broker.port, pvs.port, journal={"replay_rate": 100})
    backlog(Path(settings["state_dir"]), 3000)
    service = bench.make_service(settings, patch=QUICK)
    await service.start()
    await recorder.wait(TOPIC)
    assert (await health(recorder, replaying=True))["pending"] > 1000
    await polls.more(4)
    mark = recorder.mark()
    at = {moment for number in range(polls.count, polls.count + 100) for _, moment in polls.readings(number)}
    meter = pvs.house.serials.production_meter.lower()
    await recorder.wait(f"{ROOT}/{meter}/state", lambda m: m.json["measured_at"] in at, mark)
    last = on_topic(recorder)[-1]
    assert last["sequence"] < 3000, "the replay is still under way"
    await service.kill()


async def test_a_damaged_file(bench: Bench) -> None:
    broker, pvs = await bench.broker(), await bench.pvs()
    polls = Polls(pvs)
    recorder = await bench.recorder(broker.port)
    settings = bench.settings(broker.port, pvs.port)
    folder = Path(settings["state_dir"])
    backlog(folder, 1000)
    damaged = bytearray((folder / "journal.db").read_bytes())
    damaged[2000:] = os.urandom(len(damaged) - 2000)
    (folder / "journal.db").write_bytes(damaged)
    service = bench.make_service(settings, patch=QUICK)
    await service.start()
    await service.says("It is set aside as journal.db.bad-")
    await caught_up(recorder, polls)
    (aside,) = folder.glob("journal.db.bad-*Z")
    assert aside.read_bytes() == damaged
    assert (await health(recorder, set_aside=1))["state"] == "ok"
    without_gaps(on_topic(recorder))
    await service.stop()


async def test_two_processes_with_one_state_dir(bench: Bench) -> None:
    broker, pvs = await bench.broker(), await bench.pvs()
    polls = Polls(pvs)
    recorder = await bench.recorder(broker.port)
    first = await bench.service(broker.port, pvs.port, patch=QUICK)
    await caught_up(recorder, polls)
    second = await bench.service(broker.port, pvs.port, patch=QUICK, mqtt={"client_id": "second"})
    await second.says("another process uses it")
    await first.stop()
    await second.says("are kept in")
    await second.stop()
    assert not second.said("Traceback")
    once(on_topic(recorder))


async def test_without_a_folder_readings_go_from_memory(bench: Bench) -> None:
    broker, pvs = await bench.broker(), await bench.pvs()
    polls, line = Polls(pvs), await bench.proxy(broker.port)
    settings = bench.settings(line.port, pvs.port, journal=FAST_REPLAY)
    Path(settings["state_dir"]).write_text("in the way")
    service = bench.make_service(settings, patch=QUICK)
    recorder = await bench.recorder(broker.port)
    await service.start()
    await caught_up(recorder, polls)
    line.set("reset")
    await polls.more(5)
    line.set("pass")
    await caught_up(recorder, polls)
    got = once(on_topic(recorder))
    in_order(got)
    without_gaps(got)
    polls.arrived(got)
    assert len(service.said("readings cannot be kept in")) == 1, "said once"
    assert (await health(recorder, state="read_only"))["message"]
    await service.stop()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 1 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = shutil.which("mount", path="/bin:/usr/bin:/sbin")
    if mount is None or subprocess.run([mount, "-t", "tmpfs", "-o", "size=1m", "none", place]).returncode:
        pytest.skip("this user may not mount a file system")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def fill(ballast: Path) -> None:
    """Until nothing goes on this disk any more."""
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass


async def test_a_full_disk(bench: Bench, small_disk: Path) -> None:
    broker, pvs = await bench.broker(), await bench.pvs()
    polls, line = Polls(pvs), await bench.proxy(broker.port)
    recorder = await bench.recorder(broker.port)
    state_dir = str(small_disk / "state")
    service = await bench.service(line.port, pvs.port, patch=QUICK, journal=FAST_REPLAY, state_dir=state_dir)
    await caught_up(recorder, polls)
    ballast = small_disk / "ballast"
    fill(ballast)
    complaint = await service.says("readings cannot be kept in", timeout=60)
    assert "the disk is full" in complaint
    line.set("reset")
    await polls.more(4)
    line.set("pass")
    mark = recorder.mark()
    meter = pvs.house.serials.production_meter.lower()
    await recorder.wait(f"{ROOT}/{meter}/state", since=mark)
    await caught_up(recorder, polls)
    assert (await health(recorder, state="disk_full"))["message"]
    ballast.unlink()
    await service.says("again (it was: the disk is full)")
    await caught_up(recorder, polls)
    await service.stop()
    await recorder.fence()
    got = once(on_topic(recorder))
    in_order(got)
    without_gaps(got)
    arrived = polls.arrived(got)
    assert arrived == set(range(min(arrived), max(arrived) + 1))
    assert len(service.said("readings cannot be kept in")) == 1, "said once"


async def test_switched_off_and_on_again(bench: Bench) -> None:
    broker, pvs = await bench.broker(), await bench.pvs()
    polls = Polls(pvs)
    recorder = await bench.recorder(broker.port)
    service = await bench.service(broker.port, pvs.port, patch=QUICK, journal={"enabled": False})
    await polls.more(3)
    message = await recorder.wait(HEALTH)
    assert message.json["journal"] is None
    assert not recorder.on(TOPIC)
    assert not (service.state_dir / "journal.db").exists()
    await service.reload(journal={"enabled": True})
    await caught_up(recorder, polls)
    mark = recorder.mark()
    await service.reload(journal={"enabled": False})
    await recorder.wait(HEALTH, lambda m: m.json["journal"] is None, mark)  # behind what was under way
    mark = recorder.mark()
    await polls.more(3)
    assert not recorder.on(TOPIC, mark)
    await service.reload(journal={"enabled": True})
    await caught_up(recorder, polls)
    got = once(on_topic(recorder))  # what was under way when it was switched off may come again
    in_order(got)
    without_gaps(got)
    service.signal(signal.SIGTERM)
    assert await service.exit() == 0


async def test_what_is_ignored_is_no_reading(bench: Bench) -> None:
    broker, pvs = await bench.broker(), await bench.pvs()
    polls = Polls(pvs)
    panel = pvs.house.serials.inverters[0]
    recorder = await bench.recorder(broker.port)
    await bench.service(broker.port, pvs.port, patch=QUICK, ignore=[panel])
    await caught_up(recorder, polls)
    assert panel.lower() not in {json.loads(m.text)["device"] for m in recorder.on(TOPIC)}
