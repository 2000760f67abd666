"""Learning: what is on the bus is found, what is not is never claimed."""

import dataclasses
import functools
import json
import random
from datetime import UTC, datetime
from pathlib import Path

import pytest
from commands.bus_for_learning import MIO, START, Bus, house, walk
from helpers_modbus import read, registers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pvsmqtt.commands.learn.analysis import Analysis, Result, analyse, unit_of
from pvsmqtt.commands.learn.evidence import Strength
from pvsmqtt.commands.learn.gather import Stopped, opened, replayed
from pvsmqtt.commands.learn.history import History, Subject, header
from pvsmqtt.commands.learn.numbers import resolution
from pvsmqtt.commands.learn.series import LONGEST_GAP, Place, Series, together
from pvsmqtt.modbus.block import Table
from pvsmqtt.model.device import Kind
from pvsmqtt.model.reading import Reading


def by_key(analysis: Analysis) -> dict[str, Result]:
    return {result.key: result for result in analysis.results}


def strong(analysis: Analysis) -> dict[str, str]:
    return {
        result.key: str(result.best.meaning)
        for result in analysis.results
        if result.best is not None and result.best.strength is Strength.STRONG
    }


@functools.cache
def one_house() -> Bus:
    return house()


@functools.cache
def what_it_gives_away() -> Analysis:
    return analyse(one_house().history)


class TestTruth:
    @pytest.fixture
    def bus(self) -> Bus:
        return one_house()

    @pytest.fixture
    def found(self) -> Analysis:
        return what_it_gives_away()

    def test_what_is_there_is_found(self, bus: Bus, found: Analysis) -> None:
        at = bus.addresses
        assert strong(found) == {
            "temperature": f"unit 221 holding {at['temperature']} int16 × 0.1",
            "humidity": f"unit 221 holding {at['float low']}-{at['float high']} float32 swapped",
            "supply_voltage": f"unit 221 holding {at['volts']} uint16 × 0.001",
            "dcdc_supply_voltage": f"unit 221 holding {at['ticks']} uint16 × 0.011",
            "power": f"unit 221 holding {at['pair high']}-{at['pair low']} int32",
            "fan_active": f"unit 221 holding {at['flags']} uint16 bit 3 0 = off, 1 = on",
        }

    def test_what_stays_unknown_says_why(self, found: Analysis) -> None:
        results = by_key(found)
        assert results["firmware_error"].best is None
        assert results["firmware_error"].why == "it did not change: a constant proves nothing"
        assert results["gateway_voltage"].best is None
        assert results["gateway_voltage"].why == "nothing fits"

    def test_a_register_that_is_twice_another_is_told(self, bus: Bus, found: Analysis) -> None:
        best = by_key(found)["supply_voltage"].best
        assert best is not None
        assert [twin.place.address for twin in best.twins] == [bus.addresses["twice"]]
        assert best.twins[0].scale == 0.0005 or best.twins[0].scale * 2 == pytest.approx(0.001)

    def test_evidence(self, found: Analysis) -> None:
        best = by_key(found)["temperature"].best
        assert best is not None
        assert best.distinct >= 20
        assert best.share > 0.95
        assert best.correlation is not None
        assert best.correlation > 0.99
        assert best.chance < 0.2
        assert best.bits > 20

    def test_registers_without_a_meaning_are_counted(self, bus: Bus, found: Analysis) -> None:
        unexplained = {place.address for place in found.unexplained}
        assert bus.addresses["counter"] in unexplained
        assert bus.addresses["near"] in unexplained
        assert bus.addresses["temperature"] not in unexplained
        assert found.constant == 1

    def test_a_file_says_the_same(self, bus: Bus, found: Analysis) -> None:
        again = History()
        again.read([header("2026-06-21T18:05:00Z", "x"), *bus.lines])
        assert again.counters == bus.history.counters
        assert strong(analyse(again)) == strong(found)
        assert sum(map(len, again.registers.values())) == sum(map(len, bus.history.registers.values()))


class TestDoubt:
    def bus(self, steps: int, **registers: float) -> Bus:
        """Registers that are the temperature times a number."""
        bus = Bus(5)
        temperature = 20.0
        for n in range(steps):
            temperature = walk(bus.random, temperature, 0.6, 0, 60)
            raw = round(temperature * 10)
            words = {name: round(raw * factor) for name, factor in registers.items()}
            bus.step(words, {"temperature": raw / 10} if n % 4 == 0 else None)
        return bus

    def test_few_values_are_weak_evidence(self) -> None:
        best = by_key(analyse(self.bus(70, it=1).history))["temperature"].best
        assert best is not None
        assert best.strength is Strength.WEAK
        assert "are needed" in best.doubts[0]

    def test_a_copy_cannot_be_told_from_the_original(self) -> None:
        best = by_key(analyse(self.bus(900, one=1, two=1).history))["temperature"].best
        assert best is not None
        assert best.strength is Strength.WEAK
        assert "cannot be told from it" in best.doubts[0]

    def test_an_unusual_scale_is_never_strong(self) -> None:
        best = by_key(analyse(self.bus(900, it=3.7).history))["temperature"].best
        assert best is not None
        assert best.strength is Strength.WEAK
        assert best.doubts == ["the scale is not a usual one"]
        assert best.meaning.scale == pytest.approx(0.1 / 3.7, rel=1e-3)

    def test_one_register_explains_one_quantity(self) -> None:
        bus = Bus(5)
        temperature = 20.0
        for n in range(900):
            temperature = walk(bus.random, temperature, 0.6, 0, 60)
            raw = round(temperature * 10)
            told = {"temperature": raw / 10, "inverter_temperature": raw / 10, "cell_temperature_min": raw // 10}
            bus.step({"it": raw}, told if n % 4 == 0 else None)
        results = by_key(analyse(bus.history))
        for key, other in (("temperature", "inverter_temperature"), ("inverter_temperature", "temperature")):
            best = results[key].best
            assert best is not None
            assert best.strength is Strength.WEAK
            assert f"{other} is explained by the same register" in best.doubts

    def test_few_changes_of_a_state_are_weak_evidence(self) -> None:
        bus = Bus(5)
        for n in range(400):
            fan = n // 100 % 2
            bus.step({"fan": fan, "counter": n}, {"fan_active": "on" if fan else "off"} if n % 4 == 0 else None)
        best = by_key(analyse(bus.history))["fan_active"].best
        assert best is not None
        assert best.strength is Strength.WEAK
        assert best.changes == 2  # the first one taught what 1 means
        assert "only 2 changes, 8 are needed" in best.doubts
        assert best.meaning.texts == ((0, "off"), (1, "on"))

    def test_an_enum_with_codes_of_its_own(self) -> None:
        bus = Bus(5)
        codes = {"closed": 17, "open": 3, "unknown": 255}
        state = "closed"
        for n in range(900):
            if bus.random.random() < 0.05:
                state = bus.random.choice(list(codes))
            bus.step({"relay": codes[state]}, {"grid_relay": state} if n % 4 == 0 else None)
        best = by_key(analyse(bus.history))["grid_relay"].best
        assert best is not None
        assert best.strength is Strength.STRONG
        assert dict(best.meaning.texts) == {code: text for text, code in codes.items()}

    def test_a_word_of_bits_is_passed_on_as_it_is(self) -> None:
        bus = Bus(5)
        word = 0x40
        for n in range(900):
            if bus.random.random() < 0.05:
                word ^= 1 << bus.random.choice((6, 11, 2))
            bus.step({"word": word}, {"event_history": word} if n % 4 == 0 else None)
        best = by_key(analyse(bus.history))["event_history"].best
        assert best is not None
        assert str(best.meaning) == "unit 221 holding 100 uint16"
        assert best.strength is Strength.STRONG


class TestStrangers:
    """Nothing that is told is on the bus."""

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(seed=st.integers(0, 2**32), size=st.floats(0.02, 3), polls=st.sampled_from([4, 20]))
    def test_random_walks_are_never_strong(self, seed: int, size: float, polls: int) -> None:
        bus = Bus(seed)
        r = random.Random(seed + 1)
        temperature, volts, humidity, fan, relay, word = 25.0, 120.0, 40.0, 0, 1, 0
        walks = [float(r.choice((250, 300, 1200, 11400, 40, 5))) for _ in range(20)]
        sizes = [size * r.choice((0.2, 1, 5, 20)) for _ in walks]
        states = [0] * 12
        for n in range(500):
            temperature, volts = walk(r, temperature, size, 0, 50), walk(r, volts, size, 100, 140)
            humidity = walk(r, humidity, size, 5, 95)
            fan, relay = fan ^ (r.random() < 0.05), relay ^ (r.random() < 0.03)
            word ^= (r.random() < 0.05) << r.randrange(8)
            walks = [walk(r, w, s, 0, 65535) for w, s in zip(walks, sizes, strict=True)]
            states = [s ^ (r.random() < 0.05) for s in states]
            registers = {f"walk {i}": round(w) for i, w in enumerate(walks)}
            registers |= {f"state {i}": s for i, s in enumerate(states)}
            registers |= {"noise": r.getrandbits(16), "small noise": r.getrandbits(3), "counter": n, "clock": 15 * n}
            told = {
                "temperature": round(temperature, 1),
                "humidity": round(humidity),
                "pv_voltage_l1": round(volts, 1),
                "grid_voltage_l1": volts,
                "fan_active": "on" if fan else "off",
                "relay1_state": int(relay),
                "event_history": word,
            }
            bus.step(registers, told if n % polls == 0 else None)
        assert strong(analyse(bus.history)) == {}

    def test_a_warmer_neighbour_is_not_it(self) -> None:
        bus = Bus(2)
        temperature, near = 20.0, 20.0
        for n in range(960):
            temperature = walk(bus.random, temperature, 0.3, 0, 50)
            near += 0.2 * (temperature - near) + bus.random.uniform(-0.3, 0.3)
            bus.step({"near": round(near * 10)}, {"temperature": round(temperature, 1)} if n % 4 == 0 else None)
        assert strong(analyse(bus.history)) == {}


class TestUnits:
    def one(self, kind: Kind, unit: int | None, interface: str | None, name: str = "a") -> Subject:
        return Subject(name, kind, unit, interface)

    def test_as_the_pvs_says(self) -> None:
        board = self.one(Kind.MIO, 222, "ttymxc5")
        assert unit_of(board, {"a": board, "b": self.one(Kind.MIO, 221, "ttymxc5", "b")}) == 222

    def test_the_only_one_of_its_kind(self) -> None:
        for kind, unit in ((Kind.MIO, 221), (Kind.HUB_PLUS, 220), (Kind.PV_DISCONNECT, 230)):
            device = self.one(kind, None, None)
            assert unit_of(device, {"a": device}) == unit
            assert unit_of(device, {"a": device, "b": self.one(kind, None, None, "b")}) is None

    def test_a_unit_behind_the_gateway_is_another_network(self) -> None:
        board = self.one(Kind.MIO, 5, "sunspec")
        assert unit_of(board, {"a": board}) == 221

    def test_unheard_units_are_told(self) -> None:
        device = dataclasses.replace(MIO, modbus_unit=225)
        bus = house(steps=80, device=device)
        assert {result.why for result in analyse(bus.history).results} == {"unit 225 was not heard"}


class TestHistory:
    def test_damaged_lines_are_skipped(self) -> None:
        bus = house(steps=40)
        damaged = [
            "{",
            "",
            "[1]",
            '{"t": 1}',
            '{"format": "other"}',
            '{"t": "x", "unit": 1}',
            '{"t": 1e999, "unit": 1}',
        ]
        damaged.append('{"t": 5, "unit": 1, "table": "holding", "address": 0, "registers": [70000]}')
        again = History()
        again.read([*bus.lines[:30], *damaged, *bus.lines[30:], bus.lines[0][:40]])
        assert again.counters["damaged"] == len(damaged) + 1
        assert again.counters["reads"] == bus.history.counters["reads"]

    def test_the_same_measurement_counts_once(self) -> None:
        history = History()
        for late in (0.0, 60.0, 120.0):
            history.tell(Reading(MIO, {"temperature": 20.5}, "x", age=late), START + late)
        assert history.told["sy01", "temperature"].values == [20.5]

    def test_devices_that_are_not_on_the_bus_are_left_out(self) -> None:
        history = History()
        assert history.tell(Reading(dataclasses.replace(MIO, kind=Kind.INVERTER), {"power": 5}, "x"), 1.0) == []
        assert history.subjects == {}


class TestSeries:
    def test_runs(self) -> None:
        series: Series[int] = Series()
        for when, value in ((0, 1), (10, 1), (20, 2), (30, 1), (31 + LONGEST_GAP, 1)):
            series.put(when, when, value)
        assert list(zip(series.starts, series.ends, series.values, strict=True)) == [
            (0, 10, 1),
            (20, 20, 2),
            (30, 30, 1),
            (91, 91, 1),
        ]
        assert series.within(5, 6) == [1]
        assert series.within(11, 19) == []
        assert series.within(10, 20) == [1, 2]
        assert series.changes() == 2

    def test_time_does_not_go_back(self) -> None:
        series: Series[int] = Series()
        series.put(5, 5, 1)
        series.put(4, 4, 2)
        assert (series.values, series.refused) == ([1], 1)

    def test_two_together(self) -> None:
        first: Series[int] = Series()
        second: Series[int] = Series()
        for when, a, b in ((0, 1, 5), (10, 1, 6), (20, 2, 6), (30, 2, 6)):
            first.put(when, when, a)
            second.put(when, when, b)
        both = together(first, second)
        assert both.values == [(1, 5), (1, 6), (2, 6)]
        assert both.starts == [0, 10, 20]


@pytest.mark.parametrize(
    ("values", "expected"), [([121.3, 120], 0.1), ([1, 2], 1), ([11.364], 0.001), ([122.41333], 0.0)]
)
def test_resolution(values: list[float], expected: float) -> None:
    assert resolution(values) == pytest.approx(expected)


class TestFile:
    def test_it_goes_on_where_it_was_cut(self, tmp_path: Path) -> None:
        bus = house(steps=40)
        file = tmp_path / "history.jsonl"
        file.write_text(header("2026-06-21T18:05:00Z", "x") + "".join(bus.lines)[:-20])
        again = History()
        with opened(file, again) as writing:
            writing.write(header("2026-06-22T18:05:00Z", "x"))
        assert again.counters["damaged"] == 1
        third = History()
        third.read(file.read_text().splitlines())
        assert third.counters == again.counters

    def test_registers_of_a_recording(self, tmp_path: Path) -> None:
        began = datetime(2026, 6, 21, 18, 0, tzinfo=UTC)
        file = tmp_path / "bus.jsonl"
        polls = "".join(
            json.dumps({"t": 10.0 * n, "hex": (read(221, 100, 2) + registers(221, n, 7)).hex()}) + "\n"
            for n in range(5)
        )
        head = {"format": "pvsmqtt-capture/1", "line": None, "setting": None, "started_at": "2026-06-21T18:00:00Z"}
        file.write_text(json.dumps({**head, "anonymised": False, "note": None}) + "\n" + polls)
        history = History()
        assert replayed(file, history) == 5
        series = history.registers[Place(221, Table.HOLDING_REGISTERS, 100)]
        assert series.values == [0, 1, 2, 3, 4]
        assert series.starts[0] == pytest.approx(began.timestamp(), abs=1)
        assert series.starts[4] == pytest.approx(began.timestamp() + 40, abs=1)

    def test_a_recording_without_times_is_refused(self, tmp_path: Path) -> None:
        file = tmp_path / "bus.bin"
        file.write_bytes(read(221, 100, 2) + registers(221, 1, 7))
        with pytest.raises(Stopped, match="does not tell when"):
            replayed(file, History())
        with pytest.raises(Stopped, match="no such file"):
            replayed(tmp_path / "none", History())
