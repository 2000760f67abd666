"""The journal with a disk and a broker that fail."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from helpers_journal import Broker, Lost, Run, reading, readings

from pvsmqtt.broker.message import Message
from pvsmqtt.sinks.mqtt.journal import journal as journal_module
from pvsmqtt.sinks.mqtt.journal import queue
from pvsmqtt.sinks.mqtt.journal.store import Store
from pvsmqtt.sinks.mqtt.journal.trouble import FULL, Trouble, Unusable

Start = Callable[..., Any]


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
async def start(tmp_path: Path, broker: Broker) -> AsyncIterator[Start]:
    runs: list[Run] = []

    async def start(**how: Any) -> Run:
        run = Run(how.pop("folder", tmp_path), broker, **how)
        runs.append(run)
        await run.journal.open()
        return run

    yield start
    for run in runs:
        await run.journal.close()


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> dict[str, bool]:
    """A disk that is full while ``full["now"]``."""
    state = {"now": False}
    write = Store.write

    def maybe(*arguments: Any) -> Any:
        if state["now"]:
            raise Trouble(FULL, "no space left on device")
        return write(*arguments)

    monkeypatch.setattr(Store, "write", maybe)
    return state


async def test_everything_in_order_with_its_number(start: Start, broker: Broker) -> None:
    run = await start()
    for first in range(0, 60, 20):
        await run.accept(*readings(first, 20))
    await run.send()
    assert broker.numbers == list(range(60))
    assert [one["sequence"] for one in broker.taken] == list(range(1, 61))
    assert {one["stream"] for one in broker.taken} == {run.report["stream"]}
    assert {(m.topic, m.qos, m.retain, m.expiry, m.is_json) for m in broker.messages} == {
        ("readings", 1, False, None, True)
    }
    assert (run.report["written"], run.report["published"], run.pending) == (60, 60, 0)


async def test_nothing_is_published_before_it_is_on_disk(
    start: Start, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await start()
    sending = asyncio.create_task(run.sender.run("readings", broker.publish))
    written: list[int] = []
    write = Store.write

    def slow(store: Store, *arguments: Any) -> Any:
        written.append(len(broker.messages))
        return write(store, *arguments)

    monkeypatch.setattr(Store, "write", slow)
    for first in range(0, 50, 5):
        await run.accept(*readings(first, 5))
        while run.pending:  # noqa: ASYNC110
            await asyncio.sleep(0)
    assert written == list(range(0, 50, 5))
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)


async def test_a_lost_connection_repeats_what_was_not_acknowledged_and_nothing_else(
    start: Start, broker: Broker
) -> None:
    run = await start()
    await run.accept(*readings(0, 30))
    broker.room = 11
    await run.send()
    assert broker.numbers == list(range(11))
    assert run.pending == 30 - 8, "what was in flight counts as not there"
    broker.room = None
    await run.send()
    assert broker.numbers == [*range(11), *range(8, 30)]


async def test_a_clean_restart_repeats_nothing_and_numbers_go_on(start: Start, broker: Broker) -> None:
    run = await start()
    await run.accept(*readings(0, 10))
    await run.accept(*readings(10, 10))
    broker.room = 16
    await run.send()
    broker.room = None
    await run.journal.close()
    run = await start()
    assert run.pending == 10
    await run.accept(*readings(20, 1))
    await run.send()
    assert broker.numbers[16:] == list(range(10, 21)), "a batch is repeated from its beginning"
    assert [one["sequence"] for one in broker.taken[16:]] == list(range(11, 22))


async def test_readings_are_removed_with_the_next_write_or_after_a_while(start: Start, broker: Broker) -> None:
    now = 0.0
    run = await start(clock=lambda: now)
    await run.accept(*readings(0, 10))
    await run.send()
    await run.accept(*readings(10, 10))
    assert [batch.first for batch in run.journal._store.read(0, 9)] == [11]
    await run.send()
    assert not run.journal._due()
    now = journal_module.REMOVE_AFTER
    assert run.journal._due()
    await run.journal.flush()
    assert run.journal._store.read(0, 9) == []
    assert not run.journal._due()


async def test_a_long_outage_is_read_from_disk(start: Start, broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "MOST_RECENT", 2000)
    run = await start()
    for first in range(0, 1000, 10):
        await run.accept(*readings(first, 10))
    assert len(run.journal._queue.recent) < 20
    await run.send()
    assert broker.numbers == list(range(1000))


async def test_what_had_to_wait_goes_at_a_bounded_rate(
    start: Start, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    run = await start(clock=lambda: now, replay_rate=4.0)
    pauses = []
    sleep = asyncio.sleep

    async def note(seconds: float) -> None:
        if seconds:
            pauses.append((seconds, run.report["replaying"]))
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", note)
    await run.accept(*readings(0, 20))
    now = 60.0
    await run.send()
    assert pauses == [(2.0, True), (2.0, True), (1.0, True)]
    pauses.clear()
    await run.accept(*readings(20, 20))
    await run.send()
    assert pauses == [], "what is fresh does not wait"
    assert run.report["replaying"] is False


async def test_a_full_disk(
    start: Start, broker: Broker, full: dict[str, bool], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    run = await start()
    await run.accept(*readings(0, 10))
    full["now"] = True
    await run.accept(*readings(10, 10))
    await run.accept(*readings(20, 10))
    assert run.report["state"] == "disk_full"
    assert "make room" in run.report["message"]
    assert [record.levelname for record in caplog.records].count("ERROR") == 1
    await run.send()
    assert broker.numbers == list(range(30)), "they go from memory"
    full["now"] = False
    await run.journal.flush()
    assert run.report["state"] == "ok"
    assert "it was: the disk is full" in caplog.text
    await run.accept(*readings(30, 10))
    await run.send()
    assert broker.numbers == list(range(40))
    streams = [one["stream"] for one in broker.taken]
    assert streams[:10] == streams[30:]
    assert set(streams[10:30]).isdisjoint(streams[:10]), "what is in memory only must not use up numbers of the disk"
    assert [one["sequence"] for one in broker.taken] == [*range(1, 11), *range(1, 21), *range(11, 21)]


async def test_what_was_held_is_written_when_there_is_room(
    start: Start, broker: Broker, full: dict[str, bool]
) -> None:
    run = await start()
    full["now"] = True
    await run.accept(*readings(0, 10))
    full["now"] = False
    await run.journal.close()
    run = await start()
    assert run.pending == 10
    await run.send()
    assert broker.numbers == list(range(10))


async def test_memory_is_bounded(
    start: Start, broker: Broker, full: dict[str, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "MOST_HELD", 3000)
    run = await start()
    full["now"] = True
    for first in range(0, 500, 10):
        await run.accept(*readings(first, 10))
    lost = run.report["dropped"]["memory"]
    assert run.pending == 500 - lost
    await run.send()
    assert broker.numbers == list(range(lost, 500))
    assert run.pending == 0


async def test_a_disk_that_refuses_is_tried_now_and_then(start: Start, full: dict[str, bool]) -> None:
    now = 0.0
    run = await start(clock=lambda: now)
    full["now"] = True
    await run.accept(reading(0))
    assert not run.journal._due()
    now = journal_module.RETRY
    assert run.journal._due()


async def test_too_many_at_once_leave_a_gap_in_the_numbers(start: Start, broker: Broker) -> None:
    run = await start()
    await run.accept(*readings(0, 10))
    await run.accept(*readings(10, 1300))
    await run.send()
    assert run.report["dropped"] == {"overrun": 300}
    assert [one["sequence"] for one in broker.taken] == [*range(1, 11), *range(311, 1311)]
    assert broker.numbers == [*range(10), *range(310, 1310)]


async def test_limits_leave_a_gap_and_are_said(
    start: Start, broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    now = 0.0
    run = await start(clock=lambda: now, max_age=1.0)
    await run.accept(*readings(0, 10))
    now = 50_000.0
    await run.accept(*readings(10, 10))
    now = 100_000.0
    await run.accept(*readings(20, 10))
    assert run.report["dropped"] == {"age": 10}
    assert (run.pending, run.report["oldest_age"]) == (20, 50_000)
    assert "max_age" in caplog.text
    await run.send()
    assert [one["sequence"] for one in broker.taken] == list(range(11, 31))


async def test_time_in_which_the_service_did_not_run_does_not_count(start: Start, broker: Broker) -> None:
    now = 1000.0
    run = await start(clock=lambda: now)
    await run.accept(*readings(0, 10))
    now = 1500.0
    await run.accept(*readings(10, 10))
    await run.journal.close()
    now = 3.0  # another boot
    run = await start(clock=lambda: now)
    assert run.report["oldest_age"] == 500


@pytest.mark.parametrize("junk", [b"no database at all" * 99, b""])
async def test_a_bad_file_is_set_aside(start: Start, broker: Broker, tmp_path: Path, junk: bytes) -> None:
    run = await start()
    await run.accept(*readings(0, 10))
    await run.journal.close()
    first = run.report["stream"]
    (tmp_path / "journal.db").write_bytes(junk)
    run = await start()
    assert run.report["state"] == "ok"
    assert run.report["stream"] != first
    assert run.report["set_aside"] == (1 if junk else 0)
    assert [file.read_bytes() for file in tmp_path.glob("journal.db.bad-*Z")] == ([junk] if junk else [])
    await run.accept(*readings(10, 10))
    await run.send()
    assert broker.numbers == list(range(10, 20))
    assert broker.taken[0]["sequence"] == 1


async def test_only_a_few_bad_files_are_kept(start: Start, tmp_path: Path) -> None:
    for year in range(2000, 2009):
        (tmp_path / f"journal.db.bad-{year}0101T000000Z").touch()
        (tmp_path / f"journal.db.bad-{year}0101T000000Z-wal").touch()
    (tmp_path / "journal.db").write_bytes(b"junk" * 999)
    await start()
    assert len(list(tmp_path.glob("journal.db.bad-*Z"))) == 3
    assert len(list(tmp_path.glob("journal.db.bad-*"))) == 5


async def test_damage_while_it_runs_loses_what_is_on_disk_alone(
    start: Start, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "MOST_RECENT", 1000)
    run = await start()
    for first in range(0, 500, 10):
        await run.accept(*readings(first, 10))
    kept = sum(batch.count for batch in run.journal._queue.recent)
    write, broken = Store.write, [True]

    def breaks(*arguments: Any) -> Any:
        if broken:
            broken.clear()
            raise Unusable("database disk image is malformed")
        return write(*arguments)

    monkeypatch.setattr(Store, "write", breaks)
    await run.accept(*readings(500, 10))
    assert run.report["state"] == "ok"
    assert run.report["dropped"] == {"damaged": 500 - kept}
    assert run.report["set_aside"] == 1
    await run.send()
    assert broker.numbers == list(range(500 - kept, 510))
    identities = [(one["stream"], one["sequence"]) for one in broker.taken]
    assert len(set(identities)) == len(identities)


async def test_damage_that_is_found_when_it_is_read(
    start: Start, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "MOST_RECENT", 1000)
    run = await start()
    for first in range(0, 500, 10):
        await run.accept(*readings(first, 10))
    kept = sum(batch.count for batch in run.journal._queue.recent)
    read, broken = Store.read, [True]

    def breaks(*arguments: Any) -> Any:
        if broken:
            broken.clear()
            raise Unusable("database disk image is malformed")
        return read(*arguments)

    monkeypatch.setattr(Store, "read", breaks)
    await run.send()
    assert broker.numbers == list(range(500 - kept, 500))
    assert run.report["dropped"] == {"damaged": 500 - kept}


async def test_a_damaged_batch_is_left_out(start: Start, broker: Broker, tmp_path: Path) -> None:
    run = await start()
    for first in range(0, 30, 10):
        await run.accept(*readings(first, 10))
    run.journal._store._db.execute("UPDATE journal SET body = x'00' WHERE position = 2")
    await run.journal.close()
    run = await start()
    await run.send()
    assert broker.numbers == [*range(10), *range(20, 30)]
    assert run.report["dropped"] == {"damaged": 10}
    assert run.report["published"] == 20
    assert run.pending == 0


async def test_a_second_process_goes_on_in_memory_and_takes_over_later(
    start: Start, broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    first = await start()
    await first.accept(*readings(0, 10))
    second = await start()
    assert second.report["state"] == "in_use"
    assert "running twice" in caplog.text
    await second.accept(*readings(10, 10))
    broker.room = 8
    await second.send()
    broker.room = None
    await first.journal.close()
    await second.accept(*readings(20, 10))
    assert second.report["state"] == "ok"
    await second.send()
    assert broker.numbers[8:] == list(range(30)), "what stood in the file comes first, what was in memory after it"
    identities = {(one["stream"], one["sequence"]): one["values"]["power"] for one in broker.taken}
    assert sorted(identities.values()) == list(range(30))


async def test_live_messages_wait_for_few_readings(start: Start, broker: Broker) -> None:
    """While a backlog is sent, only so many readings are on their way at a time."""
    run = await start()
    await run.accept(*readings(0, 100))
    most = flying = 0

    async def publish(message: Message) -> None:
        nonlocal most, flying
        flying += 1
        most = max(most, flying)
        for _ in range(3):
            await asyncio.sleep(0)
        flying -= 1

    sending = asyncio.create_task(run.sender.run("readings", publish))
    while run.pending:  # noqa: ASYNC110
        await asyncio.sleep(0)
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    assert 1 < most <= 8


async def test_a_lost_connection_is_told(start: Start, broker: Broker) -> None:
    run = await start()
    await run.accept(*readings(0, 3))
    broker.room = 0
    with pytest.raises(Lost):
        await run.sender.run("readings", broker.publish)


async def test_a_copy_of_a_running_journal_is_whole(start: Start, broker: Broker, tmp_path: Path) -> None:
    """A kill leaves the files as they are."""
    run = await start()
    for first in range(0, 100, 10):
        await run.accept(*readings(first, 10))
    shutil.copytree(tmp_path, tmp_path / "copy")
    after = await start(folder=tmp_path / "copy")
    await after.send()
    assert broker.numbers == list(range(100))
