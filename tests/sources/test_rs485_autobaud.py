"""The search for the speed, on a line that a model UART hears at every setting as a real one would."""

import os
import time
import tty

import pytest
from helpers_bus import Bus, burst
from helpers_modbus import read, registers

from pvsmqtt.sources.rs485 import autobaud
from pvsmqtt.sources.rs485.autobaud import CANDIDATES, Trial, Verdict, candidates, find, judge
from pvsmqtt.sources.rs485.line import LineLost, Loss, Setting, open_line, parse
from pvsmqtt.sources.rs485.quality import Quality, Symptom


async def search(bus, **options):
    """What was found, and the trials as they ended."""
    ended = []

    def progress(trial):
        if trial.verdict is not Verdict.LISTENING:
            ended.append(trial)

    found = await find(bus.open, monotonic=bus.clock, progress=progress, **options)
    assert bus.open_now == 0
    return found, ended


def test_the_order_of_candidates():
    assert [str(one) for one in CANDIDATES] == [
        "115200 8N1", "19200 8N1", "9600 8N1", "38400 8N1", "57600 8N1",
        "115200 8E1", "19200 8E1", "9600 8E1", "38400 8E1", "57600 8E1",
        "1200 8N1",
    ]  # fmt: skip


def test_what_is_known_is_not_searched_for():
    assert [str(one) for one in candidates(9600)] == ["9600 8N1", "9600 8E1", "9600 8O1"]
    assert [str(one) for one in candidates(9600, "E", 2)] == ["9600 8E2"]
    assert {one.parity for one in candidates(parity="O")} == {"O"}
    assert candidates() == CANDIDATES


@pytest.mark.parametrize("baudrate", [115200, 57600, 38400, 19200, 9600])
@pytest.mark.parametrize("parity", ["N", "E"])
async def test_every_candidate_is_found(baudrate, parity):
    bus = Bus.of(baudrate, parity)
    found, _ = await search(bus)
    assert found is not None
    assert found.setting == Setting(baudrate, parity)
    assert found.quality.pairs >= 1
    assert found.elapsed < len(CANDIDATES) * 20


async def test_an_adapter_that_counts_no_errors_finds_frames_all_the_same():
    found, _ = await search(Bus.of(19200, "E", counts=False))
    assert found is not None
    assert found.setting.baudrate == 19200


async def test_odd_parity_is_found_beside_the_candidates():
    found, _ = await search(Bus.of(19200, "O"))
    assert found is not None
    assert found.setting == Setting(19200, "O")


async def test_a_known_speed_leaves_the_parity_to_be_found():
    found, _ = await search(Bus.of(9600, "O"), settings=candidates(9600))
    assert found is not None
    assert found.setting == Setting(9600, "O")


async def test_a_pair_decides_at_once():
    bus = Bus.of(115200)
    found, trials = await search(bus)
    assert found is not None
    assert len(trials) == 1
    assert found.quality.bytes < 200
    assert found.elapsed < 15.1  # the burst comes once in 15 s


async def test_silence_is_no_evidence():
    """Polled every 50 s: most trials of 20 s would hear nothing."""
    found, trials = await search(Bus.of(38400, period=50.0))
    assert found is not None
    assert found.setting == Setting(38400)
    assert not any(trial.verdict is Verdict.NOTHING for trial in trials)


async def test_a_dead_line_ends_the_search():
    bus = Bus(None)
    found, trials = await search(bus)
    assert found is None
    assert len(trials) == 2
    assert {trial.verdict for trial in trials} == {Verdict.NOTHING}
    assert "nothing is heard at all" in judge(trials)


async def test_requests_without_responses_will_do():
    found, _ = await search(Bus.of(9600, answered=False, polls=20))
    assert found is not None
    assert found.setting == Setting(9600)
    assert found.quality.pairs == 0


async def test_what_cannot_be_set_is_left_out():
    bus = Bus.of(9600, impossible=[Setting(115200), Setting(19200)])
    found, trials = await search(bus)
    assert found is not None
    assert found.setting == Setting(9600)
    assert [trial.verdict for trial in trials[:2]] == [Verdict.IMPOSSIBLE] * 2


async def test_an_adapter_that_can_do_none_of_them():
    found, trials = await search(Bus.of(9600, impossible=CANDIDATES))
    assert found is None
    assert "can be set to none of" in judge(trials)


async def test_a_line_that_goes_away_ends_the_search():
    bus = Bus.of(9600)

    async def gone(setting):
        line = await bus.open(setting)

        async def read(patience):
            raise LineLost(Loss.UNPLUGGED, "gone")

        line.read = read
        return line

    with pytest.raises(LineLost) as lost:
        await find(gone, monotonic=bus.clock)
    assert lost.value.reason == "unplugged"
    assert bus.open_now == 0


@pytest.mark.parametrize("baudrate", [9600, 19200, 38400, 57600, 115200])
@pytest.mark.parametrize("swap", ["biased", "fail-safe"])
@pytest.mark.parametrize("parity", ["N", "E"])
async def test_swapped_wires_are_told(baudrate, swap, parity):
    found, trials = await search(Bus.of(baudrate, parity, swap=swap, polls=12))
    assert found is None
    assert "swapped" in judge(trials)


async def test_a_line_that_is_not_modbus():
    from random import Random

    from helpers_uart import wave

    rnd = Random(5)
    found, trials = await search(Bus(wave([(0.5, rnd.randbytes(900)), (3.0, rnd.randbytes(900))], 38400)))
    assert found is None
    assert "none of 11 settings" in judge(trials)
    assert "below 115200 baud" in judge(trials)


async def test_sma_is_recognised():
    from helpers_uart import wave

    telegram = b"\x7e\xff\x03\x40\x41\x00\x00\x12\x34\x80\x0f\x06\xaa\xbb\x7e"
    found, trials = await search(Bus(wave([(0.5 + n, telegram) for n in range(6)], 1200)))
    assert found is None
    assert trials[-1].verdict is Verdict.FOREIGN or any(one.verdict is Verdict.FOREIGN for one in trials)
    assert "SMA" in judge(trials)
    assert "1200 8N1" in judge(trials)


async def test_the_second_round_gives_each_its_full_time():
    """Each burst begins with something that is not Modbus, so the quick round leaves every candidate too early."""
    from random import Random

    from helpers_uart import wave

    other, modbus = [(0.5, Random(3).randbytes(600))], burst(19200, late=3.0)
    found, trials = await search(Bus(wave(other + modbus, 19200)))
    assert found is not None
    assert found.setting == Setting(19200)
    assert len(trials) > len(CANDIDATES)
    assert all(trial.elapsed <= 3 * autobaud.DWELL + 1 for trial in trials)


async def test_a_real_line():
    """A pseudo-terminal has no speed: whatever is set, it is heard."""
    master, slave = os.openpty()
    tty.setraw(slave)
    path = os.ttyname(slave)
    os.close(slave)

    async def opened(setting):
        line = await open_line(parse(path), setting)
        os.write(master, b"\x00noise" + read(220, 100, 4) + registers(220, 1, 2, 3, 4))
        return line

    try:
        found = await find(opened, monotonic=time.monotonic)
    finally:
        os.close(master)
    assert found is not None
    assert found.setting == CANDIDATES[0]
    assert found.quality.bytes == 6 + 8 + 13


async def test_progress_is_told_while_listening():
    bus = Bus.of(19200)
    seen = []
    await find(bus.open, monotonic=bus.clock, progress=lambda one: seen.append((one.number, one.quality.symptom)))
    assert (1, Symptom.SILENT) in seen
    assert [number for number, _ in seen] == sorted(number for number, _ in seen)


@pytest.mark.parametrize(("speeds", "offered"), [((9600,), True), ((9600, 19200), False)])
def test_who_ordered_the_speed_is_told_that_it_can_be_searched_for(speeds, offered):
    trials = []
    for number, speed in enumerate(speeds, 1):
        trial = Trial(Setting(speed), number, Quality(Setting(speed)), 20.0)
        trial.quality.hear(bytes(range(1, 250, 3)) * 8)
        trials.append(trial)
    assert ('baudrate = "auto"' in judge(trials)) is offered
