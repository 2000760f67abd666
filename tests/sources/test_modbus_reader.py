"""All units behind one door, with a door that is a dictionary: what is asked, what is told, what is remembered."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from helpers_master import (
    INPUT,
    MAP,
    Clock,
    FakeDoor,
    FakeUnit,
    Known,
    chain,
    common,
    inverter,
    native,
    reader_of,
    text,
    the_map,
    values,
    wide,
)  # fmt: skip

from pvsmqtt.model.device import Kind
from pvsmqtt.sources.modbus_master.reader import LOOK_AGAIN
from pvsmqtt.sources.modbus_master.refusal import Refusal
from pvsmqtt.sources.modbus_master.survey import Language
from pvsmqtt.sources.modbus_master.unit import STUBBORN

TOLD = {"voltage": 240.5, "frequency": 59.98, "power": -1500, "battery_voltage": 52.1}


class Bench:
    """One reader over and over, and the time between its cycles."""

    def __init__(self, units: dict[int, FakeUnit], known: Known | None = None, /, **wanted: Any) -> None:
        self.clock = Clock()
        self.door = FakeDoor(units, clock=self.clock)
        self.known = known or Known(None, "test")
        self.wanted = wanted
        self.reader = self.again()

    def again(self) -> Any:
        """After a restart."""
        self.reader = reader_of(self.door, self.clock, known=self.known, **self.wanted)
        return self.reader

    async def cycle(self, later: float = 15.0) -> Any:
        self.clock.now += later
        return await self.reader.cycle(self.clock.moment)

    async def cycles(self, count: int, later: float = 15.0) -> Any:
        for _ in range(count):
            told = await self.cycle(later)
        return told

    async def settle(self) -> None:
        for _ in range(12):
            await self.cycle()


async def test_the_first_cycle_tells_what_the_first_look_found() -> None:
    bench = Bench({1: FakeUnit(native())})
    readings = await bench.cycle()
    assert values(readings) == TOLD
    (reading,) = readings
    assert reading.device.sw_version == "1.10"
    assert reading.measured_at == bench.clock.moment(bench.clock.now)
    assert reading.age == pytest.approx(0, abs=1)
    assert bench.reader.language is Language.NATIVE


async def test_equipment_that_bears_gaps_is_asked_as_seldom_as_the_limit_allows() -> None:
    unit = FakeUnit(native())
    unit.gaps = True
    bench = Bench({1: unit})
    await bench.cycle()
    mark = len(bench.door.asked)
    assert values(await bench.cycle()) == TOLD
    assert bench.door.since(mark) == [(1, 10, 82), (1, 300, 2)]


async def test_gaps_that_are_refused_are_learned_and_nothing_refused_is_asked_again() -> None:
    bench = Bench({1: FakeUnit(native())})
    for _ in range(12):
        assert values(await bench.cycle()) == TOLD
    counts = Counter(request for request in bench.door.refused if request[2] < 500)
    assert max(counts.values()) == 1
    mark = len(bench.door.refused)
    await bench.cycles(5)
    assert bench.door.refused[mark:] == [], "it comes to rest"


async def test_after_a_restart_nothing_that_was_refused_is_asked_again(tmp_path: Path) -> None:
    bench = Bench({1: FakeUnit(native())}, Known(tmp_path, "x"))
    await bench.settle()
    refused, asked = len(bench.door.refused), len(bench.door.asked)
    bench.known = Known(tmp_path, "x")
    bench.again()
    assert values(await bench.cycle()) == TOLD
    assert len(bench.door.refused) == refused
    assert bench.door.since(asked)[0] == (1, 10, 8), "who it is is asked before anything else"
    assert len(bench.door.asked) - asked < 10


async def test_the_memory_is_written_when_something_was_learned_and_then_never_again(tmp_path: Path) -> None:
    bench = Bench({1: FakeUnit(native())}, Known(tmp_path, "x"))
    await bench.settle()
    (file,) = tmp_path.iterdir()
    before = file.stat().st_mtime_ns, file.stat().st_ino
    for _ in range(20):
        await bench.cycle(LOOK_AGAIN / 5)
    assert (file.stat().st_mtime_ns, file.stat().st_ino) == before
    assert len(file.read_text()) < 2000


@pytest.mark.parametrize("code", [2, 3])
async def test_a_register_that_is_not_there_hides_no_other(code: int) -> None:
    unit = FakeUnit(native())
    unit.codes = {74: code}
    bench = Bench({1: unit})
    assert values(await bench.cycle()) == {**TOLD, "frequency": None} or "frequency" not in values(
        await bench.cycle()
    )
    await bench.settle()
    told = values(await bench.cycle())
    assert {key: told[key] for key in TOLD if key != "frequency"} == {
        k: v for k, v in TOLD.items() if k != "frequency"
    }
    assert "frequency" not in told
    mark = len(bench.door.refused)
    await bench.cycles(5)
    assert len(bench.door.refused) == mark
    assert bench.reader.units[1].trouble is None


@pytest.mark.parametrize("code", [4, 7, 8, 42])
async def test_a_register_that_fails_hides_no_other_and_is_given_up_after_a_few_tries(code: int) -> None:
    unit = FakeUnit(native())
    unit.gaps = True
    unit.codes = {74: code}
    bench = Bench({1: unit})
    others = {key: value for key, value in TOLD.items() if key != "frequency"}
    assert values(await bench.cycle()) == others, "in the first cycle already"
    await bench.cycles(STUBBORN + 3)
    mark = len(bench.door.refused)
    assert values(await bench.cycle()) == others
    assert bench.door.refused[mark:] == []
    alone = [request for request in bench.door.refused if request[2:] == (74, 2)]
    assert len(alone) == STUBBORN


async def test_a_register_that_fails_for_a_moment_comes_back() -> None:
    unit = FakeUnit(native())
    bench = Bench({1: unit})
    await bench.settle()
    plan = bench.reader.units[1].document()
    for _ in range(5):
        unit.codes = {74: 4}
        assert "frequency" not in values(await bench.cycles(STUBBORN - 1))
        unit.codes = {}
        assert values(await bench.cycle()) == TOLD
    assert bench.reader.units[1].document() == plan, "nothing was learned of it"


@pytest.mark.parametrize("code", [2, 3, 4, 1, 9])
async def test_equipment_that_starts_and_refuses_everything_loses_nothing(code: int, tmp_path: Path) -> None:
    unit = FakeUnit(native())
    bench = Bench({1: unit}, Known(tmp_path, "x"))
    await bench.settle()
    plan = bench.reader.units[1].document()
    unit.always = code
    for _ in range(20):
        assert await bench.cycle() == []
    assert bench.reader.units[1].trouble is not None
    unit.always = None
    bench.clock.now += 300
    assert values(await bench.cycle()) == TOLD
    assert bench.reader.units[1].trouble is None
    assert bench.reader.units[1].document() == plan


async def test_equipment_that_says_who_it_is_before_it_measures_loses_nothing() -> None:
    unit = FakeUnit(native())
    bench = Bench({1: unit})
    await bench.settle()
    whole, unit.registers = unit.registers, text(10, 8, "865-TEST-01")
    unit.codes = dict.fromkeys((30, 64, 70, 74, 90, 300), 4)
    await bench.cycles(8)
    unit.registers, unit.codes = whole, {}
    await bench.cycle(LOOK_AGAIN)
    assert values(await bench.cycle()) == TOLD


async def test_a_unit_that_is_away_is_left_alone_for_longer_each_time_and_the_others_are_asked() -> None:
    bench = Bench({1: FakeUnit(native()), 10: FakeUnit(native())}, usual=(1, 10), maps=(MAP_1_10,))
    await bench.settle()
    bench.door.units[10].always = 11
    asked = []
    for _ in range(200):
        mark = len(bench.door.asked)
        readings = await bench.cycle()
        assert values(readings, 1) == TOLD
        asked.append(sum(unit == 10 for unit, _, _ in bench.door.since(mark)))
    assert max(asked) == 1
    assert sum(asked) < 30
    assert bench.reader.units[10].trouble.reason is Refusal.AWAY
    bench.door.units[10].always = None
    readings = [await bench.cycle() for _ in range(21)]
    assert values(readings[-1], 10) == TOLD


async def test_a_unit_that_is_silent_costs_the_others_one_time_out() -> None:
    bench = Bench({1: FakeUnit(native()), 10: FakeUnit(native())}, usual=(10, 1), maps=(MAP_1_10,))
    await bench.settle()
    bench.door.units[10].refusal = Refusal.TIMEOUT
    for _ in range(20):
        began = bench.clock.now + 15
        assert values(await bench.cycle(), 1) == TOLD
        assert bench.clock.now - began < 8


async def test_what_a_unit_told_before_it_fell_silent_is_told() -> None:
    unit = FakeUnit(native())
    bench = Bench({1: unit})
    await bench.settle()
    unit.codes = {300: 11}
    readings = await bench.cycle()
    assert values(readings) == {key: value for key, value in TOLD.items() if key != "battery_voltage"}
    assert bench.reader.units[1].trouble.reason is Refusal.AWAY


async def test_a_busy_unit_is_a_trouble_that_ends() -> None:
    unit = FakeUnit(native())
    bench = Bench({1: unit})
    await bench.settle()
    unit.always = 6
    mark = len(bench.door.asked)
    assert await bench.cycle() == []
    assert len(bench.door.asked) - mark == 3
    unit.always = None
    assert values(await bench.cycles(2)) == TOLD


@pytest.mark.parametrize(
    "reason", [Refusal.REFUSED, Refusal.UNREACHABLE, Refusal.NAME, Refusal.MISSING, Refusal.TAKEN]
)
async def test_a_shut_door_costs_one_try_and_all_are_there_when_it_opens(reason: Refusal) -> None:
    units = {number: FakeUnit(native()) for number in (1, 10, 11)}
    bench = Bench(units, usual=(1, 10, 11, 12), maps=(MAP_1_10,))
    await bench.settle()
    bench.door.shut = reason
    for _ in range(30):
        mark = len(bench.door.asked)
        assert await bench.cycle() == []
        assert len(bench.door.asked) - mark == 1
        assert bench.reader.shut.reason is reason
    bench.door.shut = None
    readings = await bench.cycle()
    assert [reading.device.modbus_unit for reading in readings] == [1, 10, 11], "nobody rests for what the door did"
    assert all(polled.trouble is None for polled in bench.reader.units.values())
    assert bench.reader.shut is None


async def test_all_units_are_silent_for_long_and_come_back_together() -> None:
    units = {number: FakeUnit(native()) for number in (1, 10, 11)}
    bench = Bench(units, usual=(1, 10, 11), maps=(MAP_1_10,))
    await bench.settle()
    for unit in units.values():
        unit.refusal = Refusal.TIMEOUT
    await bench.cycles(20)
    for unit in units.values():
        unit.refusal = None
    for number, polled in bench.reader.units.items():
        polled.rest_until = bench.clock.now + 300 * (number == 11)
    assert len(await bench.cycle()) == 3


async def test_a_unit_that_speaks_no_modbus_shuts_nobody_out() -> None:
    bench = Bench({1: FakeUnit(native()), 10: FakeUnit(native())}, usual=(10, 1), maps=(MAP_1_10,))
    await bench.settle()
    bench.door.units[10].refusal = Refusal.NOT_MODBUS
    for _ in range(5):
        assert values(await bench.cycle(), 1) == TOLD
    assert bench.reader.shut is None


async def test_what_speaks_no_modbus_at_all_is_a_shut_door() -> None:
    unit = FakeUnit({})
    unit.refusal = Refusal.NOT_MODBUS
    bench = Bench({1: unit})
    assert await bench.cycle() == []
    assert bench.reader.shut.reason is Refusal.NOT_MODBUS


async def test_another_product_at_the_same_place() -> None:
    other = """
    name = "other"
    source = "invented"
    transport = "conext"
    products = ["865-OTHER"]
    units = [1]
    table = "holding"
    registers = [{ address = 5, name = "t", type = "int16", quantity = "temperature", unit = "°C" }]
    """
    unit = FakeUnit(native())
    bench = Bench({1: unit}, maps=(the_map(), the_map(other)))
    await bench.settle()
    unit.registers = {**text(10, 8, "865-OTHER"), 5: 21}
    unit.refusal = Refusal.TIMEOUT
    await bench.cycle()
    unit.refusal = None
    mark = len(bench.door.asked)
    assert values(await bench.cycles(2)) == {"temperature": 21}
    assert not [request for request in bench.door.since(mark) if request[1] in (64, 70, 300)]
    bench.again()
    assert values(await bench.cycle()) == {"temperature": 21}


async def test_another_firmware_is_asked_anew_for_what_the_old_one_refused() -> None:
    unit = FakeUnit(native())
    unit.codes = {74: 2}
    bench = Bench({1: unit})
    await bench.settle()
    assert "frequency" not in values(await bench.cycle())
    unit.codes = {}
    unit.registers = native(firmware="2.00")
    await bench.cycles(4)
    assert values(await bench.cycle()) == TOLD


async def test_the_low_word_first_is_found_out_and_remembered(tmp_path: Path) -> None:
    bench = Bench({1: FakeUnit(native("little"))}, Known(tmp_path, "x"))
    assert values(await bench.cycle()) == TOLD, "in the first reading already"
    bench.known = Known(tmp_path, "x")
    bench.door.units[1].registers.update(wide(70, 0) | wide(74, 0) | wide(90, 7, "little"))
    bench.again()
    assert values(await bench.cycle())["power"] == 7, "when nothing tells it any more"
    bench.door.units[1].registers = native("big")
    assert values(await bench.cycle()) == TOLD, "it was set the other way"


@pytest.mark.parametrize("order", ["big", "little"])
async def test_an_order_that_is_set_is_not_doubted(order: str) -> None:
    bench = Bench({1: FakeUnit(native("big"))}, order=order)
    assert (values(await bench.cycle()) == TOLD) is (order == "big")


async def test_all_registers_are_read_where_their_owner_wants_them() -> None:
    unit = FakeUnit({**native(), 400: 22})
    assert "temperature" not in values(await Bench({1: unit}).cycle())
    assert values(await Bench({1: unit}, everything=True).cycle()) == {**TOLD, "temperature": 22}


async def test_a_table_that_a_unit_does_not_know_is_asked_for_once() -> None:
    both = MAP.replace('quantity = "temperature", live = false', 'quantity = "temperature", table = "input"')
    unit = FakeUnit(native())
    bench = Bench({1: unit}, maps=(the_map(both),))
    for _ in range(5):
        assert values(await bench.cycle()) == TOLD
    assert sum(request[1] is INPUT for request in bench.door.asked) == 1
    unit.inputs = {400: 20}
    bench = Bench({1: unit}, maps=(the_map(both),))
    assert values(await bench.cycle()) == {**TOLD, "temperature": 20}


# SunSpec


def sunspec(**how: Any) -> FakeUnit:
    return FakeUnit(chain(common(), inverter(**how)))


@pytest.mark.parametrize("base", [0, 40000, 50000])
async def test_a_unit_that_describes_itself(base: int) -> None:
    bench = Bench({126: FakeUnit(chain(common(), inverter(2500), base=base))}, usual=(1, 126), maps=())
    (reading,) = await bench.cycle()
    assert reading.device.kind is Kind.INVERTER
    assert (reading.device.serial, reading.device.manufacturer, reading.device.model) == ("A1", "Maker", "Box")
    assert reading.values["power"] == 2500
    assert bench.reader.absent.keys() == {1}
    mark = len(bench.door.asked)
    await bench.cycle()
    assert len(bench.door.since(mark)) == 1, "one model, one request"


async def test_a_scale_factor_that_changes_at_run_time() -> None:
    unit = FakeUnit(chain(common(), inverter(250, 1)))
    bench = Bench({1: unit}, maps=())
    assert values(await bench.cycle())["power"] == 2500
    unit.registers = chain(common(), inverter(25003, -1))
    assert values(await bench.cycle())["power"] == 2500.3


async def test_nothing_is_read_across_the_end_of_a_model() -> None:
    storage = (124, [0x8000] * 24)
    unit = FakeUnit(chain(common(), inverter(), storage, (120, [0] * 26)))
    bench = Bench({1: unit}, maps=())
    await bench.settle()
    ends = {40002 + 68, 40070 + 52, 40122 + 26}
    for _, address, count in bench.door.since(0):
        assert not any(address < end < address + count for end in ends)


async def test_models_that_change_are_noticed_in_the_next_cycle() -> None:
    unit = sunspec()
    bench = Bench({1: unit}, maps=())
    await bench.cycle()
    unit.registers = chain(common("B2"), (102, inverter(77)[1]))
    await bench.cycles(2)
    unit.refusal = Refusal.TIMEOUT
    await bench.cycle()
    unit.refusal = None
    (reading,) = await bench.cycles(2)
    assert reading.device.serial == "B2"
    assert reading.values["power"] == 77


async def test_a_unit_that_moved_its_mark() -> None:
    unit = sunspec()
    bench = Bench({1: unit}, maps=())
    await bench.cycle()
    unit.registers = chain(common("B2"), inverter(99), base=0)
    unit.refusal = Refusal.TIMEOUT
    await bench.cycle()
    unit.refusal = None
    await bench.cycles(2)
    assert values(await bench.cycle())["power"] == 99


async def test_a_unit_that_no_longer_describes_itself_is_in_trouble_and_nothing_is_made_up() -> None:
    unit = sunspec()
    bench = Bench({1: unit}, maps=())
    await bench.cycle()
    bench.again()
    unit.registers = dict.fromkeys(range(40000, 40200), 0)
    assert await bench.cycle() == []
    assert bench.reader.units[1].trouble.reason is Refusal.NOBODY


async def test_a_chain_that_failed_in_the_middle_is_walked_again_soon() -> None:
    unit = sunspec()
    unit.codes = {40070: 4}
    bench = Bench({1: unit}, maps=())
    await bench.cycle()
    unit.codes = {}
    await bench.cycles(4)
    assert values(await bench.cycle())["power"] == 1234


async def test_a_chain_without_an_end() -> None:
    unit = FakeUnit(chain(common(), inverter(), end=False))
    bench = Bench({1: unit}, maps=())
    assert values(await bench.cycle())["power"] == 1234
    mark = len(bench.door.asked)
    await bench.cycles(3)
    assert len(bench.door.asked) - mark == 3


async def test_a_unit_of_which_nothing_is_published_is_no_trouble() -> None:
    bench = Bench({1: FakeUnit(chain(common(), (64001, [1, 2, 3])))}, maps=())
    await bench.cycles(5)
    assert bench.reader.units[1].trouble is None


async def test_native_registers_are_never_taken_for_sunspec() -> None:
    looks_like = {**native(), **dict(enumerate([103, 50], 20)), **dict(enumerate([0xFFFF, 0], 72))}
    unit = FakeUnit(looks_like)
    unit.gaps = True
    bench = Bench({1: unit})
    await bench.settle()
    assert bench.reader.chains.report(1) == []
    assert bench.known.table("sunspec") == {}


async def test_two_doors_of_one_table_do_not_write_over_each_other() -> None:
    """Unit 1 speaks SunSpec at one port, and the language of its maker at the other."""
    clock, known = Clock(), Known(None, "x")
    first = FakeDoor({1: sunspec()}, "127.0.0.1:502", clock)
    second = FakeDoor({1: FakeUnit(native())}, "127.0.0.1:503", clock)
    readers = [reader_of(door, clock, known=known) for door in (first, second)]
    for _ in range(8):
        clock.now += 15
        told = [values(await reader.cycle(clock.moment)) for reader in readers]
        assert told[0]["power"] == 1234
        assert told[1] == TOLD
    written = json.dumps(known._known)
    for reader in readers:
        clock.now += 15
        await reader.cycle(clock.moment)
    assert json.dumps(known._known) == written
    assert known.table("units").keys() == {"502", "503"}


# Units


async def test_units_that_are_ordered_are_asked_and_no_others() -> None:
    bench = Bench({number: FakeUnit(native()) for number in range(1, 30)}, units=(5, 7), maps=(MAP_1_10,))
    readings = await bench.cycle()
    assert {unit for unit, _, _ in bench.door.since(0)} == {5, 7}
    assert len(readings) == 2


async def test_units_that_are_no_longer_ordered_are_forgotten() -> None:
    units = {number: FakeUnit(native()) for number in (1, 10)}
    bench = Bench(units, usual=(1, 10), maps=(MAP_1_10,))
    await bench.cycle()
    bench.wanted = {"units": (10,), "maps": (MAP_1_10,)}
    bench.again()
    mark = len(bench.door.asked)
    await bench.cycle()
    assert {unit for unit, _, _ in bench.door.since(mark)} == {10}
    bench.wanted = {"languages": [Language.SUNSPEC], "usual": (1,), "maps": ()}
    bench.again()
    mark = len(bench.door.asked)
    await bench.cycle()
    assert all(address >= 40000 or address == 0 for _, address, _ in bench.door.since(mark))


async def test_a_product_that_no_map_is_for() -> None:
    bench = Bench({1: FakeUnit({**native(), **text(10, 8, "865-9999")})})
    assert await bench.cycle() == []
    assert "no register map is for its product, 865-9999" in bench.reader.absent[1].detail


async def test_a_unit_that_comes_later_is_found() -> None:
    bench = Bench({})
    assert await bench.cycle() == []
    bench.door.units[1] = FakeUnit(native())
    told: list[Any] = []
    for _ in range(6):
        told = told or await bench.cycle()
    assert values(told) == TOLD


JUNK: list[Any] = [
    5,
    [],
    "x",
    {"503": 5},
    {"503": [5, [], [1, 2], [1, "native", 0, "865-TEST"], [1, "klingon", 0, None], [True, "native", 0, None]]},
    {
        "503": [
            [1, "sunspec", 99999999, None],
            [1, ["native"], 0, None],
            [0, "native", 0, "x"],
            [999, "native", 0, "x"],
        ]
    },
    {"503": {"503 1": 3}},
    {
        "503 1": {
            "of": "865-TEST-01",
            "plans": {"holding": {"walls": [1e99, -1, "x"], "refused": [[1], [1, 2, 3], 5]}},
        }
    },
    {"503 1": {"of": "865-TEST-01", "version": ["x"], "plans": [1]}},
    {"1": {"format": 1, "models": [[1, 40002, 10**9], [None]], "serial": 5}},
]


@pytest.mark.parametrize("junk", JUNK, ids=range(len(JUNK)))
async def test_a_damaged_memory_costs_that_it_is_learned_anew(junk: Any, tmp_path: Path) -> None:
    document = dict.fromkeys(("units", "plans", "sunspec", "kinds", "word_order", "host"), junk)
    (tmp_path / "test-x.json").write_text(json.dumps(document))
    for unit in (FakeUnit(native()), sunspec()):
        bench = Bench({1: unit}, Known(tmp_path, "x"))
        await bench.cycles(3)
        told = values(await bench.cycle())
        assert told == TOLD or told.get("power") == 1234


MAP_1_10 = the_map(MAP.replace("units = [1]", 'units = ["1-30"]'))


async def test_what_was_read_before_a_door_shut_is_told_with_its_own_time() -> None:
    unit = FakeUnit(native())
    bench = Bench({1: unit})
    await bench.settle()
    shut_at = len(bench.door.asked) + 4
    real = bench.door.read

    async def read(*request: Any) -> tuple[int, ...]:
        if len(bench.door.asked) >= shut_at:
            bench.door.shut = Refusal.REFUSED
        return await real(*request)

    bench.door.read = read
    first = values(await bench.cycle())
    assert first
    assert first.keys() < TOLD.keys()
    assert bench.reader.shut is not None
    assert await bench.cycle() == []
    bench.door.read, bench.door.shut = real, None
    unit.codes = {70: 4}
    assert "voltage" not in values(await bench.cycle(3600)), "what was read an hour ago is no news"


BESIDE = """
name = "beside"
source = "invented"
units = [1]
table = "holding"
registers = [
  { address = 100, name = "heat", type = "int16", scale = 0.1, quantity = "temperature" },
  { address = 7, table = "input", name = "wet", type = "uint16", quantity = "humidity" },
]
"""


async def test_maps_tell_what_a_unit_has_beside_sunspec() -> None:
    there = FakeUnit({**chain(common(), inverter(1234)), 100: 215}, inputs={7: 40})
    bench = Bench({1: there}, languages=(Language.SUNSPEC,), maps=(the_map(BESIDE),))
    told = values(await bench.cycles(2))
    assert (told["power"], told["temperature"], told["humidity"]) == (1234, 21.5, 40)


async def test_maps_of_a_native_port_say_nothing_of_the_sunspec_port() -> None:
    there = FakeUnit({**chain(common(), inverter(1234)), 100: 215}, inputs={7: 40})
    bench = Bench({1: there}, maps=(the_map(BESIDE),))
    told = values(await bench.cycles(2))
    assert told["power"] == 1234
    assert "temperature" not in told
    assert all(table is not INPUT and address > 200 for _, table, address, _ in bench.door.asked)
