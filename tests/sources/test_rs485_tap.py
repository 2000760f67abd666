"""A tap hears one line for ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from helpers_modbus import exception, read, registers, write_many, written
from hypothesis import given, settings
from hypothesis import strategies as st
from sources.rs485_bench import Clock, Item, Notes, Openings, ScriptedLine, poll, turns, until

from pvsmqtt.modbus.block import Table
from pvsmqtt.modbus.dialogue import Dialogue
from pvsmqtt.modbus.frame import Frame
from pvsmqtt.modbus.framer import PassiveFramer
from pvsmqtt.modbus.setting import Setting
from pvsmqtt.sources.rs485.lost import LineLost, Loss
from pvsmqtt.sources.rs485.quality import Symptom
from pvsmqtt.sources.rs485.recent import PERIOD, RecentQuality
from pvsmqtt.sources.rs485.tap import DOUBT_AFTER, QUIET, State, Tap
from pvsmqtt.sources.rs485.url import parse

SERIAL = "serial:///dev/ttyUSB0"
SERVER = "tcp://127.0.0.1:4196"
AT_9600 = Setting(9600)
GONE = LineLost(Loss.UNPLUGGED, "gone")


class Hearing:
    """A tap on scripted lines, and what it heard."""

    def __init__(self, clock: Clock, openings: Any, line: str = SERVER, setting: Setting | None = None, **how: Any):
        self.notes = Notes()
        self.openings = openings
        self.tap = Tap(
            parse(line),
            setting,
            monotonic=clock.monotonic,
            wall=clock.wall,
            opener=openings,
            sleep=clock.sleep,
            jitter=lambda: 1.0,
            **how,
        )


@asynccontextmanager
async def running(hearing: Hearing) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(hearing.tap.run(hearing.notes))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait({task})


async def hear(*script: Item, **how: Any) -> Hearing:
    """What a tap hears of one script."""
    clock = Clock()
    line = ScriptedLine(clock, *script)
    hearing = Hearing(clock, Openings(line), **how)
    async with running(hearing) as task:
        await until(line.done, task)
    assert line.closed
    return hearing


async def test_bytes_frames_and_blocks() -> None:
    hearing = await hear(*poll(220, 100, 7, 8), 15.0, *poll(220, 100, 7, 9))
    notes, tap = hearing.notes, hearing.tap
    assert [data for data, _ in notes.bytes] == [
        read(220, 100, 2),
        registers(220, 7, 8),
        read(220, 100, 2),
        registers(220, 7, 9),
    ]
    assert [(frame.is_response, request and request.adu) for frame, request in notes.frames] == [
        (False, None),
        (True, read(220, 100, 2)),
    ] * 2
    assert [(block.registers, changed) for block, changed in notes.blocks] == [((7, 8), (100, 101)), ((7, 9), (101,))]
    assert tap.images[220, Table.HOLDING_REGISTERS].span(100, 2) == (7, 9)
    assert notes.states == [State.LISTENING]
    assert (tap.stats.totals["frames"], tap.stats.units[220].responses) == (4, 2)


async def test_the_time_is_that_of_hearing() -> None:
    hearing = await hear(*poll(220, 100, 7), 60.0)
    ((block, _),) = hearing.notes.blocks
    assert block.when == pytest.approx(1000.02)
    assert hearing.tap.moment(block.when).isoformat() == "2026-06-21T18:00:00.020000+00:00"


async def test_an_idle_line_is_told_once_a_second() -> None:
    hearing = await hear(*poll(220, 100, 7), 10.0)
    assert 9 <= len(hearing.notes.idle) <= 10
    assert hearing.notes.idle[0] == pytest.approx(1000.32)
    gaps = [b - a for a, b in zip(hearing.notes.idle, hearing.notes.idle[1:], strict=False)]
    assert gaps == pytest.approx([QUIET] * len(gaps))


async def test_what_waits_behind_a_false_header_is_found_when_the_line_is_idle() -> None:
    header = bytes((220, 3, 250))  # the beginning of a response of 255 bytes that never comes
    clock = Clock()
    for pause, found in ((0.2, []), (0.4, [read(221, 1, 1)])):
        line = ScriptedLine(clock, header + read(221, 1, 1), pause)
        hearing = Hearing(clock, Openings(line))
        async with running(hearing) as task:
            await until(line.done, task)
            assert [frame.adu for frame, _ in hearing.notes.frames] == found


async def test_an_adapter_is_idle_sooner_than_a_network() -> None:
    hearing = await hear(*poll(220, 1, 2), 0.06, line=SERIAL, setting=Setting(115200))
    assert len(hearing.notes.idle) == 1
    hearing = await hear(*poll(220, 1, 2), 0.06, line=SERIAL, setting=Setting(1200))
    assert hearing.notes.idle == [], "ten characters take longer at this speed"


async def test_what_the_master_writes_is_heard() -> None:
    hearing = await hear(write_many(220, 5, 1, 2), 0.01, written(220, 5, 2))
    ((block, _),) = hearing.notes.blocks
    assert (block.written, block.address, block.registers) == (True, 5, (1, 2))


async def test_refusals_and_time_outs_are_counted() -> None:
    asked_in_vain = [read(221, 0, 1), 6.0]
    hearing = await hear(read(220, 0, 1), 0.01, exception(220, 3, 2), 1.0, *asked_in_vain, *poll(220, 1, 2))
    stats = hearing.tap.count()
    assert stats.totals["exceptions"] == stats.units[220].exceptions == 1
    assert stats.totals["timeouts"] == stats.units[221].timeouts == 1


async def test_a_lost_line_is_opened_again_after_growing_pauses() -> None:
    clock = Clock()
    line = ScriptedLine(clock, *poll(220, 1, 2))
    refused = [LineLost(Loss.REFUSED, "no")] * 8
    hearing = Hearing(clock, Openings(*refused, line))
    async with running(hearing) as task:
        await until(line.done, task)
        assert hearing.tap.lost is None
    assert clock.pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    assert hearing.notes.states == [State.LOST] * 8 + [State.LISTENING]
    assert "in mode TCP server, transparent" in hearing.notes.said[0], "it is said what to do"
    assert len(hearing.notes.blocks) == 1


async def test_a_line_that_spoke_is_opened_again_soon() -> None:
    clock = Clock()
    lines = [ScriptedLine(clock, *poll(220, 1, 2), GONE) for _ in range(4)]
    openings = Openings(*lines)
    hearing = Hearing(clock, openings)
    async with running(hearing) as task:
        await until(openings.done, task)
    assert clock.pauses == [1, 1, 1, 1]
    assert all(line.closed for line in lines)
    assert len(hearing.notes.blocks) == 4


async def test_pauses_have_jitter() -> None:
    clock = Clock()
    openings = Openings(GONE)
    tap = Tap(parse(SERVER), None, opener=openings, sleep=clock.sleep, jitter=lambda: 0.0)
    task = asyncio.create_task(tap.run(Notes()))
    await until(openings.done, task)
    task.cancel()
    assert clock.pauses == [0.5]


async def test_halves_of_frames_do_not_grow_together_over_a_loss() -> None:
    clock = Clock()
    request, response = read(220, 1, 1), registers(220, 5)
    first = ScriptedLine(clock, request, response[:4], GONE)
    second = ScriptedLine(clock, response[4:], 1.0, *poll(220, 1, 6))
    hearing = Hearing(clock, Openings(first, second))
    async with running(hearing) as task:
        await until(second.done, task)
    assert [frame.adu for frame, _ in hearing.notes.frames] == [request, request, registers(220, 6)]


async def test_an_answer_after_a_loss_belongs_to_no_request_before_it() -> None:
    clock = Clock()
    first = ScriptedLine(clock, read(220, 1, 1), GONE)
    second = ScriptedLine(clock, registers(220, 5), 1.0, *poll(220, 1, 6))
    hearing = Hearing(clock, Openings(first, second))
    async with running(hearing) as task:
        await until(second.done, task)
    assert [block.registers for block, _ in hearing.notes.blocks] == [(6,)]


async def test_what_came_whole_before_a_loss_is_kept() -> None:
    clock = Clock()
    first = ScriptedLine(clock, bytes((220, 3, 250)) + read(221, 1, 1), GONE)
    openings = Openings(first)
    hearing = Hearing(clock, openings)
    async with running(hearing) as task:
        await until(openings.done, task)
    assert [frame.adu for frame, _ in hearing.notes.frames] == [read(221, 1, 1)]


async def test_a_recording_ends() -> None:
    clock = Clock()
    line = ScriptedLine(clock, *poll(220, 1, 2), LineLost(Loss.ENDED, "the end"))
    hearing = Hearing(clock, Openings(line), line="file:///tmp/x")
    await asyncio.wait_for(hearing.tap.run(hearing.notes), 20)
    assert hearing.notes.states == [State.LISTENING, State.ENDED]
    assert clock.pauses == []


async def test_a_recording_has_its_own_time() -> None:
    clock = Clock()
    line = ScriptedLine(clock, *poll(220, 1, 2), LineLost(Loss.ENDED, "the end"))
    line.clock = lambda: 5.0
    hearing = Hearing(clock, Openings(line), line="file:///tmp/x")
    await asyncio.wait_for(hearing.tap.run(hearing.notes), 20)
    assert [block.when for block, _ in hearing.notes.blocks] == [5.0]


class Bus:
    """A line that is heard at one setting; at others its bytes make no sense."""

    def __init__(self, clock: Clock, good: Setting) -> None:
        self.good = good
        self.asked: list[Setting | None] = []
        self.heard = asyncio.Event()
        self._clock = clock

    async def __call__(self, url: Any, setting: Setting | None) -> ScriptedLine:
        self.asked.append(setting)
        talk = [*poll(220, 100, 7, 8, 9, 10), 1.0] * 200
        junk: list[Item] = [bytes((0xE0, 0x00, 0x80, 0xF0)) * 8, 1.0] * 200
        line = ScriptedLine(self._clock, *(talk if setting == self.good else junk))
        if setting == self.good:
            line.done = self.heard
        return line


async def test_the_speed_is_searched_for() -> None:
    clock = Clock()
    bus = Bus(clock, AT_9600)
    hearing = Hearing(clock, bus, line=SERIAL)
    async with running(hearing) as task:
        await until(bus.heard, task)
        assert hearing.tap.setting == AT_9600
    assert hearing.notes.states == [State.SEARCHING, State.LISTENING]
    assert bus.asked[0] == Setting(115200)
    assert hearing.notes.blocks
    assert hearing.tap.stats.load(clock.now) is not None


async def test_a_remembered_speed_is_tried_first_and_kept() -> None:
    clock = Clock()
    bus = Bus(clock, AT_9600)
    hearing = Hearing(clock, bus, line=SERIAL, remembered=AT_9600)
    async with running(hearing) as task:
        await until(bus.heard, task)
    assert bus.asked == [AT_9600]
    assert hearing.notes.states == [State.LISTENING]


async def test_a_remembered_speed_that_is_wrong_is_searched_for_again() -> None:
    clock = Clock()
    bus = Bus(clock, AT_9600)
    hearing = Hearing(clock, bus, line=SERIAL, remembered=Setting(19200))
    async with running(hearing) as task:
        await until(bus.heard, task)
        assert hearing.tap.setting == AT_9600
    assert hearing.notes.states == [State.LISTENING, State.SEARCHING, State.LISTENING]
    assert bus.asked[:2] == [Setting(19200), Setting(115200)]


async def test_silence_does_not_make_it_search() -> None:
    hearing = await hear(*poll(220, 1, 2), 40 * DOUBT_AFTER, *poll(220, 1, 3), line=SERIAL, remembered=AT_9600)
    assert hearing.openings.asked == [AT_9600]
    assert not hearing.tap.doubtful


async def test_an_ordered_speed_is_never_searched_for() -> None:
    junk: list[Item] = [bytes((0xE0, 0x00, 0x80, 0xF0)) * 16, 1.0] * 200
    hearing = await hear(*junk, line=SERIAL, setting=AT_9600)
    assert hearing.openings.asked == [AT_9600]
    assert hearing.tap.doubtful
    assert "too fast" in hearing.tap.quality.advice()


async def test_a_speed_that_is_set_elsewhere_is_left_alone() -> None:
    junk: list[Item] = [bytes((0xE0, 0x00, 0x80, 0xF0)) * 16, 1.0] * 200
    hearing = await hear(*junk, line=SERVER, setting=AT_9600)
    assert hearing.openings.asked == [None]
    assert "in the serial server" in hearing.tap.quality.advice()


async def test_a_search_without_result_goes_on_without_haste() -> None:
    clock = Clock()
    impossible = LineLost(Loss.SETTING, "no such speed")

    class Never:
        asked = 0
        done = asyncio.Event()

        async def __call__(self, url: Any, setting: Setting | None) -> Any:
            self.asked += 1
            if self.asked > 100:
                self.done.set()
                await asyncio.Event().wait()
            raise impossible

    never = Never()
    hearing = Hearing(clock, never, line=SERIAL)
    async with running(hearing) as task:
        await until(never.done, task)
        assert hearing.tap.verdict
    assert len(clock.pauses) >= 5
    assert min(clock.pauses) >= QUIET


def test_quality_is_that_of_the_last_minutes() -> None:
    recent = RecentQuality(changeable=False)
    recent.restart(None)
    for second in range(200):
        recent.hear(bytes((0xE0, 0x00, 0x80, 0xF0)) * 16, second)
    recent.count(crc_failures=50, echo=False, driver={"framing": 10})
    assert recent.present.symptom is Symptom.TOO_FAST
    framer, dialogue, found = PassiveFramer(), Dialogue(), []
    for second in range(int(PERIOD), int(PERIOD) + 20):
        for data in (read(220, 0, 1), registers(220, 5)):
            recent.hear(data, second)
            found.append(recent.present.symptom)
            for frame in framer.feed(data, second):
                dialogue.observe(frame)
                recent.frame(frame, dialogue.request)
    assert found[0] is Symptom.TOO_FAST, "too few bytes of the new time to judge"
    assert recent.present.symptom is Symptom.GOOD, "what went wrong before is no part of it"
    assert (recent.present.crc_failures, recent.present.driver["framing"]) == (0, 0)


@given(st.lists(st.one_of(st.binary(min_size=1, max_size=80), st.floats(0, 3)), max_size=30))
@settings(max_examples=50, deadline=None)
def test_nothing_that_is_heard_ends_it(script: list[bytes | float]) -> None:
    async def play() -> None:
        hearing = await hear(*script, *poll(220, 1, 2), 1.0)
        assert b"".join(data for data, _ in hearing.notes.bytes).startswith(b"".join(filter(_is_bytes, script)))

    asyncio.run(play())


def _is_bytes(item: object) -> bool:
    return isinstance(item, bytes)


async def test_bytes_without_end_leave_time_for_others() -> None:
    class Babbling(ScriptedLine):
        reads = 0

        async def read(self, patience: float) -> bytes:
            self.reads += 1
            assert self.reads < 10_000, "nobody else has had a turn"
            return b"x"

    clock = Clock()
    line = Babbling(clock)
    async with running(Hearing(clock, Openings(line))) as task:
        await turns(lambda: line.reads > 3)
    assert task.cancelled()
    assert line.closed


async def test_a_line_is_closed_even_when_whoever_hears_fails() -> None:
    class Failing(Notes):
        def on_frame(self, frame: Frame, request: Frame | None) -> None:
            raise RuntimeError("a bug")

    clock = Clock()
    waiting = bytes((220, 3, 250)) + read(221, 1, 1)  # found when the line is lost
    line = ScriptedLine(clock, waiting, GONE)
    hearing = Hearing(clock, Openings(line))
    with pytest.raises(RuntimeError, match="a bug"):
        await hearing.tap.run(Failing())
    assert line.closed
    assert hearing.tap.framer.held == 0


@pytest.mark.parametrize(("setting", "offered"), [(AT_9600, True), (None, False)])
async def test_who_ordered_a_wrong_speed_is_told_of_the_search(setting: Setting | None, offered: bool) -> None:
    how: dict[str, Any] = {"line": SERIAL} if setting else {"line": SERVER}
    hearing = await hear(*[bytes(range(1, 250, 3))] * 8, 1.0, setting=setting, **how)
    assert hearing.tap.quality.symptom is Symptom.UNREADABLE
    assert ('baudrate = "auto"' in hearing.tap.advice) is offered
