"""Every trap, as old and as new firmware tells it."""

import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from pvsmqtt.simulator.pvs.house.house import NIGHTLY_RESTART, House
from pvsmqtt.simulator.pvs.machine import Machine
from pvsmqtt.simulator.pvs.newer.names import FLASHWEAR
from pvsmqtt.simulator.pvs.server import PvsSimulator
from pvsmqtt.simulator.pvs.traps import MANY, TRAPS, table

NOON = datetime(2026, 6, 21, 18, tzinfo=UTC)
MIDNIGHT = datetime(2026, 6, 21, 6, tzinfo=UTC)
HOUSE = House(3, ess=True)
GENERATIONS = ["61839", "61846", "61840"]
NAMES = {
    "serial": ("SERIAL", "sn"),
    "time": ("DATATIME", "msmtEps"),
    "power": ("p_3phsum_kw", "p3phsumKw"),
    "energy": ("ltea_3phsum_kwh", "ltea3phsumKwh"),
    "net": ("net_ltea_3phsum_kwh", "netLtea3phsumKwh"),
    "import": ("pos_ltea_3phsum_kwh", "posLtea3phsumKwh"),
    "export": ("neg_ltea_3phsum_kwh", "negLtea3phsumKwh"),
}

Told = list[dict[str, Any]]


class Supervisor(Machine):
    """Reads itself: inverters and meters in words that do not depend on the generation."""

    def devices(self, kind: str) -> Told:
        self.settle()
        if self.running.generation == "legacy":
            wanted = {"inverter": "Inverter", "meter": "Power Meter"}[kind]
            entries = json.loads(self.device_list())["devices"]
            return [_common(entry, 0) for entry in entries if entry["DEVICE_TYPE"] == wanted]
        answer = self.answer_vars("match=/sys/devices/&fmt=obj", owner=True)
        assert answer.status == 200
        if self.running.shape == "objects":
            return [_common(value, 1) for name, value in json.loads(answer.body).items() if kind in name]
        by_index: dict[str, dict[str, str]] = {}
        for name, value in json.loads(answer.body).items():
            if found := re.fullmatch(rf"/sys/devices/{kind}/(\d+)/(\w+)", name):
                by_index.setdefault(found[1], {})[found[2]] = value
        return [_common(fields, 1) for fields in by_index.values()]

    def serials(self) -> list[str]:
        return [inverter["serial"] for inverter in self.devices("inverter")]

    def consumption(self) -> dict[str, Any]:
        return next(meter for meter in self.devices("meter") if meter["serial"].endswith("c"))


def _common(fields: dict[str, Any], generation: int) -> dict[str, Any]:
    return {word: fields[names[generation]] for word, names in NAMES.items() if names[generation] in fields} | {
        "all": fields
    }


def supervisor(firmware: str, *traps: str, when: datetime = NOON, **more: Any) -> Supervisor:
    machine = Supervisor(house=HOUSE, firmware=firmware, traps=set(traps), **more)
    machine.clock = lambda: when
    return machine


@pytest.mark.parametrize("firmware", GENERATIONS)
class TestBothGenerations:
    def test_no_inverters(self, firmware: str) -> None:
        assert supervisor(firmware, "no-inverters").serials() == []
        assert len(supervisor(firmware, "no-inverters").devices("meter")) == 2

    def test_inverters_are_lost_at_the_restart(self, firmware: str) -> None:
        restart = MIDNIGHT + timedelta(seconds=NIGHTLY_RESTART)
        for after, count in ((-300, 3), (300, 0), (3 * 3600, 0), (5 * 3600, 3)):
            when = restart + timedelta(seconds=after)
            assert len(supervisor(firmware, "lost-at-restart", when=when).serials()) == count

    def test_inverters_come_one_by_one(self, firmware: str) -> None:
        machine = supervisor(firmware, "one-by-one")
        machine.boot()
        seen = []
        for minutes in (0, 5, 10):
            now = NOON + timedelta(minutes=minutes)
            machine.clock = lambda now=now: now
            seen.append(len(machine.serials()))
        assert seen == [0, 3, 3]

    def test_inverters_are_missing_until_a_time(self, firmware: str) -> None:
        machine = supervisor(firmware, inverters_missing_until=NOON + timedelta(minutes=5))
        assert machine.serials() == []
        machine.clock = lambda: NOON + timedelta(minutes=6)
        assert machine.serials() == list(HOUSE.serials.inverters)

    def test_a_ghost_and_a_duplicate(self, firmware: str) -> None:
        counts = Counter(supervisor(firmware, "ghost", "duplicate").serials())
        first, *others = HOUSE.serials.inverters
        assert counts == {first: 2, "n/a": 1} | dict.fromkeys(others, 1)

    def test_many_devices(self, firmware: str) -> None:
        serials = supervisor(firmware, "many-devices").serials()
        assert len(serials) == len(set(serials)) == MANY

    def test_a_counter_blips_once(self, firmware: str) -> None:
        machine = supervisor(firmware, "counter-blip")
        assert {float(inverter["energy"]) for inverter in machine.devices("inverter")} == {0}
        machine.clock = lambda: NOON + timedelta(minutes=5)
        assert all(float(inverter["energy"]) > 1000 for inverter in machine.devices("inverter"))
        assert machine.traps == set()

    def test_a_line_side_meter(self, firmware: str) -> None:
        state, meter = HOUSE.at(NOON), supervisor(firmware, "line-side-meter").consumption()
        assert float(meter["power"]) == pytest.approx(state.load, rel=0.2)
        assert float(meter["export"]) == 0
        assert float(meter["import"]) == pytest.approx(HOUSE.load.above((NOON - BEGIN).total_seconds()), abs=1)
        assert meter["all"].get("subtype", "GROSS_CONSUMPTION_LINESIDE") == "GROSS_CONSUMPTION_LINESIDE"

    def test_no_consumption_meter(self, firmware: str) -> None:
        meters = supervisor(firmware, "no-consumption-meter").devices("meter")
        assert [meter["serial"] for meter in meters] == [HOUSE.serials.production_meter]

    def test_an_unused_consumption_meter(self, firmware: str) -> None:
        meter = supervisor(firmware, "unused-consumption-meter").consumption()
        assert {float(meter[word]) for word in ("power", "net", "import", "export")} == {0}
        assert meter["all"].get("subtype", "NOT_USED") == "NOT_USED"

    def test_a_dead_production_meter(self, firmware: str) -> None:
        meters = supervisor(firmware, "dead-production-meter").devices("meter")
        production = next(meter for meter in meters if meter["serial"].endswith("p"))
        assert (float(production["power"]), float(production["net"])) == (0, 0)

    def test_negative_at_night(self, firmware: str) -> None:
        for when, negative in ((NOON, False), (MIDNIGHT, True)):
            meters = supervisor(firmware, "negative-at-night", when=when).devices("meter")
            production = next(meter for meter in meters if meter["serial"].endswith("p"))
            assert (float(production["power"]) < 0) is negative

    def test_no_times_and_no_numbers(self, firmware: str) -> None:
        for inverter in supervisor(firmware, "no-times", "not-a-number").devices("inverter"):
            assert inverter["time"] == "n/a"
            assert "nan" in inverter["energy"]

    def test_a_replaced_inverter_begins_at_0(self, firmware: str) -> None:
        machine = supervisor(firmware)
        machine.replaced[1] = "E00122000999999"
        assert machine.serials()[1] == "E00122000999999"
        assert float(machine.devices("inverter")[1]["energy"]) == 0
        machine.clock = lambda: NOON + timedelta(hours=1)
        old, new, _ = machine.devices("inverter")
        assert 0 < float(new["energy"]) < 0.35
        assert float(old["energy"]) > 1000

    def test_a_clock_that_is_ahead(self, firmware: str) -> None:
        right, wrong = supervisor(firmware), supervisor(firmware, clock_offset=600)
        for one, other in zip(right.devices("inverter"), wrong.devices("inverter"), strict=True):
            assert one["energy"] == other["energy"]
            assert one["time"] < other["time"]


BEGIN = datetime(2018, 4, 2, 6, tzinfo=UTC)


def test_live_data_are_null_or_without_production() -> None:
    def live(*traps: str, **more: Any) -> dict[str, Any]:
        answer = supervisor("61846", *traps, **more).answer_vars("match=livedata&fmt=obj", owner=True)
        told: dict[str, Any] = json.loads(answer.body)
        return told

    assert set(live("null-live-data").values()) == {None}
    assert live("dead-production-meter")["/sys/livedata/pv_p"] == "0.000000"
    assert live("line-side-meter") == live()
    assert live(clock_offset=600)["/sys/livedata/time"] == str(int(NOON.timestamp()) + 600)


def test_a_quote_makes_the_document_invalid() -> None:
    machine = supervisor("61846", "bad-quote")
    answer = machine.answer_vars("match=inverter", owner=True)
    assert answer.status == 200
    with pytest.raises(json.JSONDecodeError):
        json.loads(answer.body)
    assert json.loads(machine.answer_vars("match=meter", owner=True).body)


async def test_one_variable_hangs_and_the_others_do_not() -> None:
    simulator = PvsSimulator(
        house=HOUSE, clock=lambda: NOON, firmware="61846", https_port=0, traps={"hanging-flashwear"}
    )
    await simulator.start()
    try:
        token = simulator.sessions.begin()
        connector = aiohttp.TCPConnector(ssl=False)
        async with aiohttp.ClientSession(
            simulator.https_url, connector=connector, headers={"Cookie": f"session={token}"}
        ) as http:
            with pytest.raises(TimeoutError):
                await http.get(f"/vars?name={FLASHWEAR}", timeout=aiohttp.ClientTimeout(sock_read=0.05))
            async with http.get("/vars?name=/sys/info/uptime") as reply:
                assert reply.status == 200
            async with http.get("/simulator/trap/none") as reply:
                assert await reply.json() == {"traps": []}
            async with http.get(f"/vars?name={FLASHWEAR}") as reply:
                assert (await reply.json())["values"][0]["value"] == "0x05"
    finally:
        await simulator.stop()


async def test_traps_are_switched_over_http() -> None:
    simulator = PvsSimulator(house=HOUSE, clock=lambda: NOON, live_port=0)
    await simulator.start()
    try:
        async with aiohttp.ClientSession(simulator.url) as http:
            for path, traps in (
                ("ghost", ["ghost"]),
                ("null-live-data", ["ghost", "null-live-data"]),
                ("ghost?off", ["null-live-data"]),
            ):
                async with http.get(f"/simulator/trap/{path}") as reply:
                    assert await reply.json() == {"traps": traps}
            assert simulator.live is not None
            assert simulator.live.nulls
            async with http.get("/simulator/trap/none") as reply:
                assert await reply.json() == {"traps": []}
            assert not simulator.live.nulls
            async with http.get("/simulator/trap/door") as reply:
                assert reply.status == 404
                assert set((await reply.json())["known"].split(", ")) == {"none", *TRAPS}
            async with http.get("/simulator/clock/90") as reply:
                assert (await reply.json())["now"] == (NOON + timedelta(seconds=90)).isoformat()
            async with http.get("/simulator/clock/soon") as reply:
                assert reply.status == 400
    finally:
        await simulator.stop()


def test_help_has_one_line_for_each() -> None:
    assert [line.split()[0] for line in table().splitlines()] == list(TRAPS)
    assert all(len(line) < 90 for line in table().splitlines())
