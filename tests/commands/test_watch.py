"""Watching: what topics say, the picture, the screen, whatever stands on the broker."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console, Group

from pvsmqtt.commands.watch import plain
from pvsmqtt.commands.watch.documents import LONGEST_TEXT, document, moment, number, text
from pvsmqtt.commands.watch.keys import keys
from pvsmqtt.commands.watch.lines import Cell, line
from pvsmqtt.commands.watch.picture import Picture, picture
from pvsmqtt.commands.watch.screen import FOOT, HEAD, VIEWS, Way, everything, render
from pvsmqtt.commands.watch.seen import MOST_DEVICES, MOST_INSTANCES, Seen
from pvsmqtt.commands.watch.where import watched
from pvsmqtt.commands.watch.words import age, kilowatt_hours, watts
from pvsmqtt.settings import SettingsError

NOW = datetime(2026, 6, 21, 18, 5, tzinfo=UTC)
ROOT = "pvsmqtt/home"
HERE = Way("127.0.0.1:1883", 65.0)
PVS = "pvs 172.27.153.1"


def iso(seconds_ago: float) -> str:
    return (NOW - timedelta(seconds=seconds_ago)).isoformat().replace("+00:00", "Z")


class Broker:
    """What stands on a broker, as one who listens is told of it."""

    def __init__(self, instance: str = "home") -> None:
        self.seen = Seen("pvsmqtt", instance)
        self.inventory: list[dict[str, Any]] = []

    def say(self, topic: str, payload: Any, retained: bool = True) -> None:
        data = payload if isinstance(payload, bytes) else payload.encode()
        self.seen.take(topic, data, retained, NOW)

    def device(
        self,
        key: str,
        kind: str,
        name: str,
        online: bool = True,
        ago: float | None = 4.0,
        sources: Sequence[str] = (PVS,),
        via: str = "pvs1",
        **values: Any,
    ) -> None:
        entry = {"id": key, "kind": kind, "name": name, "serial": key.upper(), "site": "site", "via": via}
        entry["sources"] = list(sources)
        self.inventory.append({**entry, "state_topic": f"{ROOT}/{key}/state"})
        self.say(f"{ROOT}/devices", json.dumps(self.inventory))
        self.say(f"{ROOT}/{key}/status", "online" if online else "offline")
        state = {"measured_at": None if ago is None else iso(ago), **values}
        self.say(f"{ROOT}/{key}/state", json.dumps(state))

    def service(self, online: bool = True, **health: Any) -> None:
        self.say(f"{ROOT}/status", "online" if online else "offline")
        info = {"version": "1.2.3", "started_at": iso(7200), "sources": [{"name": PVS, "kind": "pvs"}]}
        self.say(f"{ROOT}/info", json.dumps(info))
        source = {"name": PVS, "state": "ok", "age": 3.0, "cycles": 9, "refused": {}, "clock_ahead": 0}
        told = {
            "time": iso(10),
            "sources": [source],
            "broker": {"connected_for": 50, "published": 432, "protocol": "5"},
            "journal": {"state": "ok", "pending": 0, "dropped": {}},
            "memory": {"resident": 71 * 1024},
            **health,
        }
        self.say(f"{ROOT}/health", json.dumps(told))

    def house(self, **values: Any) -> Broker:
        """A house with twelve panels at noon."""
        self.service()
        site = {"pv_power": 3210.0, "load_power": 1200.0, "grid_power": -1510.0, "battery_power": -500.0}
        energies = {"pv_energy": 75875.7, "grid_import_energy": 11191.3, "grid_export_energy": 26343.7}
        self.device("site", "site", "Solar site", **{**site, **energies, "state_of_charge": 73.0, **values})
        for n in range(12):
            self.panel(n, power=200.0 + n)
        return self

    def panel(self, n: int, availability: str = "live", **values: Any) -> None:
        key = f"e0012200000{n:04}"
        self.device(key, "inverter", f"Inverter {key.upper()}", availability=availability, **values)

    @property
    def picture(self) -> Picture:
        return picture(self.seen, NOW)

    def paper(self, width: int = 80, **how: Any) -> str:
        return "\n".join(one.plain for one in everything(self.picture, HERE, width, **how))

    def screen(self, view: str = "house", top: int = 0, width: int = 80, height: int = 24, way: Way = HERE) -> str:
        lines, _ = render(self.picture, way, view, top, width, height)
        return "\n".join(one.plain for one in lines)


class TestHouse:
    def test_directions_in_words(self) -> None:
        shown = Broker().house().paper()
        assert re.search(r"Solar +3\.21 kW producing +▶ ██████████ 75,876 kWh", shown)
        assert re.search(r"Home +1\.20 kW using +◀ ████░░░░░░", shown)
        assert re.search(r"Grid +1\.51 kW exporting +◀ █████░░░░░ import 11,191 kWh  export 26,344 kWh", shown)
        assert re.search(r"Battery +500 W charging +◀", shown)
        assert re.search(r"Charge +73 % +███████░░░", shown)

    @pytest.mark.parametrize(
        ("key", "value", "words"),
        [
            ("grid_power", 420.4, "Grid 420 W importing ▶"),
            ("grid_power", 0.0, "Grid 0 W balanced"),
            ("grid_power", None, "Grid unknown"),
            ("battery_power", 2999.6, "Battery 3.00 kW discharging ▶"),
            ("battery_power", -0.2, "Battery 0 W idle"),
            ("pv_power", 0, "Solar 0 W resting"),
            ("load_power", None, "Home unknown"),
        ],
    )
    def test_every_direction(self, key: str, value: float | None, words: str) -> None:
        shown = " ".join(Broker().house(**{key: value}).paper().split())
        assert words in shown

    def test_a_house_without_battery(self) -> None:
        broker = Broker()
        broker.service()
        broker.device("site", "site", "Solar site", pv_power=5.0)
        assert "Battery" not in broker.paper()
        assert "Grid" not in broker.paper()

    def test_two_houses(self) -> None:
        broker = Broker().house()
        broker.device("site_barn", "site", "Barn", pv_power=40.0)
        assert broker.paper().index("Solar site") < broker.paper().index("Barn")

    def test_off_the_grid(self) -> None:
        assert "disconnected from the grid" in Broker().house(grid_relay="open").paper()
        assert "disconnected from the grid" not in Broker().house(grid_relay="closed").paper()


class TestPanels:
    def test_states_are_words(self) -> None:
        broker = Broker().house()
        broker.panel(90, "asleep", power=0.0)
        broker.panel(91, "stale", power=None)
        broker.panel(92, "lost", power=None, problem="on")
        shown = broker.paper()
        assert "Panels: 12 live, 1 stale, 1 asleep, 1 lost" in shown
        assert "0090 asleep" in shown
        assert "0091 stale" in shown
        assert "0092 lost" in shown
        assert "! Inverter E00122000000092: This inverter is silent while others produce." in shown

    def test_output_beside_the_best(self) -> None:
        broker = Broker()
        broker.service()
        broker.device("site", "site", "Solar site")
        for n, power in enumerate((400.0, 200.0, 4.0)):
            broker.panel(n, power=power)
        assert "0000█  400 W 0001▅  200 W 0002▁    4 W" in broker.paper()

    def test_a_string_inverter_is_not_compared_with_panels(self) -> None:
        broker = Broker().house()
        broker.device("s7777", "inverter", "Roof", via="line", availability="live", power=1890.0)
        assert "7777 1.89 kW" in broker.paper()
        assert "0011█  211 W" in broker.paper()
        assert "best 211 W" in broker.paper()
        assert re.search(r"Roof +1\.89 kW +live, 4 s", broker.screen("panels", height=40))

    def test_their_words_stay_when_the_service_is_offline(self) -> None:
        broker = Broker().house()
        broker.panel(90, "asleep", power=0.0)
        broker.panel(91, "lost", power=None)
        broker.service(online=False)
        shown = broker.paper()
        assert "Panels: 14 old" in shown
        assert "0090 asleep" in shown
        assert "0091 lost" in shown
        assert "0011█  211 W" in shown

    def test_as_they_lie_on_the_roof(self) -> None:
        broker = Broker()
        broker.service()
        broker.device("site", "site", "Solar site")
        for n, (x, y) in enumerate([(0, -180), (110, 0), (0, 0)]):
            broker.panel(n, power=100.0, panel_x=x, panel_y=y)
        rows = [re.findall(r"\b000\d", one) for one in broker.paper().splitlines()]
        assert [row for row in rows if row] == [["0002", "0001"], ["0000"]]

    def test_one_for_each_panel(self) -> None:
        shown = Broker().house().screen("panels")
        assert re.search(r"Inverter E00122000000011 +211 W +100 % .*live, 4 s", shown)
        assert re.search(r"Inverter E00122000000000 +200 W +95 % .*live, 4 s", shown)


class TestSources:
    def test_one_that_fails_with_its_advice(self) -> None:
        broker = Broker().house()
        failing = {"name": PVS, "state": "failing", "age": 290.0, "trouble": "timeout", "refused": {"timeout": 3}}
        message = "the PVS gave no complete answer in time: it may be restarting; if it lasts, power-cycle it"
        broker.service(sources=[{**failing, "message": message, "cycles": 12}])
        shown = " ".join(broker.paper().split())
        assert f"{PVS} FAILS: timeout good 5 min ago 12 cycles, 3 refused" in shown
        assert message in shown
        assert "refused since the start: timeout 3" in broker.screen("sources")

    def test_one_that_was_just_added(self) -> None:
        broker = Broker()
        broker.service(sources=[])
        broker.device("site", "site", "Solar site")
        assert re.search(rf"{PVS} +starts +never good yet", broker.paper())

    def test_line_broker_journal(self) -> None:
        broker = Broker().house()
        broker.device(
            "rs485", "bus", "RS-485 line", line_state="silent", bus_load=38.8, crc_failures=7, units_heard=2
        )
        shown = " ".join(broker.paper().split())
        assert "RS-485 line silent live, 4 s load 39 %, 2 units, 7 CRC failures" in shown
        assert "Broker connected for 60 s, MQTT 5, 432 messages published" in shown
        assert "Journal ok, 0 readings wait" in shown
        journal = {
            "state": "disk_full",
            "message": "make room",
            "pending": 7,
            "oldest_age": 60,
            "dropped": {"age": 2},
        }
        broker.service(journal=journal, broker={"reason": "login"})
        shown = " ".join(broker.paper().split())
        assert "Journal disk_full, 7 readings wait, the oldest for 60 s, 2 dropped make room" in shown
        assert "Broker not connected (login)" in shown

    def test_storage_and_meters(self) -> None:
        broker = Broker().house()
        broker.device("c1", "consumption_meter", "Consumption meter C1", power=420.0, import_energy=5.5)
        broker.device("ess1", "ess", "Energy storage ESS1", power=-900.0, state_of_charge=40, temperature=21.4)
        broker.device("hub1", "hub_plus", "HUB+ HUB1", online=False, grid_relay="open", state="error")
        shown = " ".join(broker.paper(100).split())
        assert "Consumption meter 420 W importing live, 4 s import 5.5 kWh" in shown
        assert "Energy storage ESS1 900 W charging live, 4 s charge 40 % 21 °C" in shown
        assert "HUB+ HUB1 offline, 4 s grid relay open reports an error" in shown

    def test_every_device_with_everything(self) -> None:
        broker = Broker()
        broker.service()
        broker.device("p1", "production_meter", "Production meter P1", power=420.0, power_factor=0.5, state="working")
        broker.device("x1", "another kind", "A box", something=7, power=None)
        shown = " ".join(broker.screen("devices").split())
        assert "pvsmqtt/home/p1/state" in shown
        assert "Power 420 W Power factor 0.50 State working" in shown
        assert "A box" in shown
        assert "something 7 Power unknown" in shown


class TestAge:
    def test_it_grows(self) -> None:
        broker = Broker().house()
        assert "Solar site" in broker.paper()
        later = picture(broker.seen, NOW + timedelta(seconds=300))
        assert next(one for one in later.things if one.id == "site").age == pytest.approx(304)
        assert later.sources[0].age == pytest.approx(313)

    def test_a_clock_of_the_equipment_that_is_off(self) -> None:
        broker = Broker()
        source = {"name": PVS, "state": "ok", "age": 3.0, "clock_ahead": -3600}
        broker.service(sources=[source])
        broker.device("site", "site", "Solar site", ago=3609.0)
        assert broker.picture.things[0].age == pytest.approx(9)

    def test_a_clock_of_this_machine_that_is_off(self) -> None:
        """It is compared with that of the service, when that tells the time; what was kept on the broker is old."""
        broker = Broker().house()
        broker.say(f"{ROOT}/health", json.dumps({"time": iso(5000)}), retained=False)
        assert broker.picture.things[0].age == 0
        broker.say(f"{ROOT}/health", json.dumps({"time": iso(-40)}), retained=True)
        assert broker.seen.ahead == pytest.approx(5000)

    def test_of_the_future_is_now(self) -> None:
        broker = Broker()
        broker.service()
        broker.device("site", "site", "Solar site", ago=-500)
        assert broker.picture.things[0].age == 0

    @pytest.mark.parametrize(
        ("seconds", "told"),
        [(None, "?"), (-3, "0 s"), (59.9, "59 s"), (119, "119 s"), (150, "2 min"), (7200, "2 h"), (200000, "2 d")],
    )
    def test_words(self, seconds: float | None, told: str) -> None:
        assert age(seconds) == told

    def test_figures(self) -> None:
        assert [watts(one) for one in (None, 0, -999.4, 999.5, 12345)] == [
            "unknown",
            "0 W",
            "999 W",
            "1.00 kW",
            "12.35 kW",
        ]
        assert [kilowatt_hours(one) for one in (None, 38.44, 26343.7)] == ["unknown", "38.4 kWh", "26,344 kWh"]


class TestNotThere:
    def test_the_service_is_offline(self) -> None:
        broker = Broker().house()
        broker.say(f"{ROOT}/status", "offline")
        shown = broker.screen()
        assert "home OFFLINE" in shown
        assert "these are the last values that it told" in shown
        assert "3.21 kW" in shown
        assert "old, 4 s" in shown
        assert " live" not in shown

    def test_nothing_under_this_instance(self) -> None:
        broker = Broker("cabin")
        broker.say("pvsmqtt/home/status", "online")
        broker.say("pvsmqtt/barn/status", "offline")
        shown = broker.screen()
        assert "Nothing stands under the instance 'cabin' on this broker." in shown
        assert re.search(r"--instance barn +offline\s+--instance home +online", shown)

    def test_nothing_at_all(self) -> None:
        assert "is this the broker that the service publishes to?" in " ".join(Broker().screen().split())

    def test_a_broker_that_is_away(self) -> None:
        broker = Broker().house()
        shown = broker.screen(way=Way("h:1", None, "no broker answers at h:1: is it switched on?"))
        assert "NO BROKER, it is tried again: no broker answers at h:1" in shown
        assert "3.21 kW" in shown, "what was known stays"
        assert "connecting to the broker h:1" in Broker().screen(way=Way("h:1", None))

    def test_the_broker_comes_back_empty(self) -> None:
        broker = Broker().house()
        broker.seen.forget()
        assert "Nothing stands under" in broker.screen()

    def test_a_device_that_was_taken_away(self) -> None:
        broker = Broker().house()
        broker.say(f"{ROOT}/devices", json.dumps(broker.inventory[:3]))
        assert len(broker.picture.things) == 3

    def test_an_expired_state_is_unknown(self) -> None:
        broker = Broker().house()
        broker.say(f"{ROOT}/site/state", b"")
        assert re.search(r"─ Solar site ─+ offline$", broker.paper(), re.MULTILINE)
        assert "3.21 kW" not in broker.paper()

    def test_after_a_start_with_the_pvs_away(self) -> None:
        """What nobody has told of yet has no age, and is neither lost nor live."""
        broker = Broker()
        broker.service()
        powers = dict.fromkeys(("pv_power", "load_power", "grid_power", "battery_power"))
        broker.device("site", "site", "Solar site", ago=None, sources=(), **powers)
        broker.device("c1", "consumption_meter", "Consumption meter C1", False, None, (), power=None)
        broker.device("c2", "consumption_meter", "Consumption meter C2", False, power=None)
        broker.device("hub1", "hub_plus", "HUB+ HUB1", False, None, (), grid_relay=None)
        broker.device("rs485", "bus", "RS-485 line", ago=None, line_state="listening")
        shown = broker.paper()
        assert re.search(r"─ Solar site ─+ unknown$", shown, re.MULTILINE)
        assert re.search(r"Consumption meter +unknown +not heard yet *$", shown, re.MULTILINE)
        assert re.search(r"Consumption meter +unknown +offline, 4 s *$", shown, re.MULTILINE)
        assert re.search(r"HUB\+ HUB1 +not heard yet *$", shown, re.MULTILINE)
        assert re.search(r"RS-485 line +listening live *$", shown, re.MULTILINE)
        assert "?" not in shown
        broker.say(f"{ROOT}/site/status", "offline")
        assert re.search(r"─ Solar site ─+ not heard yet$", broker.paper(), re.MULTILINE)

    def test_purged(self) -> None:
        broker = Broker().house()
        for topic in ("status", "devices"):
            broker.say(f"{ROOT}/{topic}", b"")
        assert broker.seen.online is None
        assert "Nothing stands under" in broker.screen()

    def test_complete(self) -> None:
        broker = Broker().house()
        assert broker.seen.complete
        broker.say(f"{ROOT}/site/state", b"")
        assert not broker.seen.complete
        assert not Broker().seen.complete


EVIL = "[bold red]Roof[/bold red]\x1b[2J\x1b]0;title\x07\x9b31m\r\nnext\u202eline"


class TestFromOutside:
    def test_neither_markup_nor_control_characters(self) -> None:
        broker = Broker()
        broker.service(
            sources=[{"name": EVIL, "state": EVIL, "message": EVIL, "trouble": EVIL, "refused": {EVIL: 1}, "age": 1}],
            journal={"state": EVIL, "message": EVIL},
            broker={"reason": EVIL, "denied": EVIL},
        )
        broker.device("site", "site", EVIL, pv_power=1.0, grid_relay=EVIL)
        broker.device("b1", "bus", EVIL, line_state=EVIL)
        broker.device("x", EVIL, EVIL, availability=EVIL, **{EVIL: EVIL})
        broker.device("e1", "inverter", EVIL, availability=EVIL, problem="on")
        broker.say(f"pvsmqtt/{EVIL}/status", "online")
        for view in VIEWS:
            lines, _ = render(broker.picture, Way(EVIL, 1.0), view, 0, 160, 200)
            for one in lines:
                assert one.plain.isprintable(), one.plain
            out = StringIO()
            Console(file=out, force_terminal=True, width=160).print(Group(*lines))
            assert "\x1b[2J" not in out.getvalue()
            assert "\x1b]" not in out.getvalue()
            assert "\x9b" not in out.getvalue()
        assert "[bold red]Roof[/bold red]?[2J" in broker.paper()
        assert plain.summary(broker.picture, HERE).isprintable()
        assert json.dumps(plain.document(broker.picture, broker.seen)).isascii()

    @given(st.text())
    def test_every_text(self, value: str) -> None:
        found = text(value)
        assert found.isprintable()
        assert len(found) <= LONGEST_TEXT

    @given(st.recursive(st.none() | st.booleans() | st.floats() | st.text() | st.integers(), st.lists, max_leaves=4))
    def test_any_document_anywhere(self, value: Any) -> None:
        """Nothing that stands on a broker ends the program."""
        broker = Broker().house()
        data = json.dumps(value).encode()
        for name in ("info", "health", "devices", "site/state", "site/status", "x/state"):
            one = Broker().house()
            one.say(f"{ROOT}/{name}", data)
            for view in VIEWS:
                one.screen(view)
            plain.summary(one.picture, HERE)
            json.dumps(plain.document(one.picture, one.seen))
        for key in ("sources", "broker", "journal", "memory", "time"):
            broker.service(**{key: value})
            broker.screen("sources")
        broker.service(sources=[dict.fromkeys(("name", "state", "age", "refused", "message", "live"), value)])
        broker.screen("sources")
        broker.say(f"{ROOT}/devices", json.dumps([{"id": "a", "kind": value, "name": value, "sources": value}]))
        broker.say(f"{ROOT}/a/state", json.dumps({"measured_at": value, "power": value, "temperature": value}))
        for view in VIEWS:
            broker.screen(view)

    @pytest.mark.parametrize("payload", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"1e999999", b'"' + b"9" * 10_000])
    def test_no_document(self, payload: bytes) -> None:
        broker = Broker().house()
        for name in ("status", "info", "health", "devices", "site/state", "site/status"):
            broker.say(f"{ROOT}/{name}", payload)
        broker.screen()

    def test_numbers(self) -> None:
        assert [number(one) for one in (1, 2.5, True, "3", None, float("nan"), float("inf"), 10**400)] == [
            1.0,
            2.5,
            *[None] * 6,
        ]
        assert document(b"[NaN, Infinity]") == [None, None]
        assert [moment(one) for one in ("2026-06-21T18:05:00Z", "2026-06-21", "0001-01-01T00:00:00+14:00", 7)] == [
            NOW,
            *[None] * 3,
        ]

    def test_bounded(self) -> None:
        seen = Seen("pvsmqtt", "home")
        for n in range(MOST_DEVICES + 10):
            seen.take(f"{ROOT}/d{n}/status", b"online", True, NOW)
        for n in range(MOST_INSTANCES + 10):
            seen.take(f"pvsmqtt/i{n}/status", b"online", True, NOW)
        seen.take(f"{ROOT}/status", b"online", True, NOW)
        assert len(seen.said) == MOST_DEVICES
        assert seen.passed_over == 10
        assert len(seen.instances) == MOST_INSTANCES + 1
        assert seen.online

    def test_more_than_was_asked_for(self) -> None:
        """A device of another instance is no instance."""
        seen = Seen("pvsmqtt", "home")
        for topic in ("pvsmqtt/barn/site/status", "other/status", "pvsmqtt/status", "status", f"{ROOT}/a/b/status"):
            seen.take(topic, b"online", True, NOW)
        assert not seen.instances
        assert not seen.said


class TestTerminals:
    @pytest.mark.parametrize(("width", "height"), [(80, 24), (40, 10), (200, 60), (150, 24), (20, 5), (1, 1)])
    @pytest.mark.parametrize("view", VIEWS)
    def test_any_size(self, width: int, height: int, view: str) -> None:
        broker = Broker().house()
        broker.device("c1", "consumption_meter", "太陽光発電" * 9, power=420.0)
        lines, _ = render(broker.picture, HERE, view, 0, width, height)
        assert len(lines) == max(height, 5)
        assert all(one.cell_len <= max(width, 20) for one in lines)

    def test_scrolling(self) -> None:
        broker = Broker().house()
        whole = len(everything(broker.picture, HERE, 80)) - HEAD
        lines, top = render(broker.picture, HERE, "house", 10_000, 80, 10)
        assert top == whole - (10 - HEAD - FOOT)
        assert f"{top + 1}-{whole} of {whole}, arrows scroll" in lines[-1].plain
        assert "home online" in lines[0].plain, "the head stays"
        assert render(broker.picture, HERE, "house", 7, 80, 1000)[1] == 0

    def test_wide_ones_have_two_columns(self) -> None:
        wide = Broker().house().paper(160)
        assert re.search(r"Solar site .*Panels: 12 live", wide)

    def test_ascii(self) -> None:
        shown = Broker().house().paper(plain=True)
        assert shown.isascii()
        assert re.search(r"Grid +1\.51 kW exporting +< #####\.\.\.\.\. import", shown)

    @given(st.lists(st.tuples(st.text(max_size=20), st.none() | st.integers(0, 12)), max_size=6), st.integers(1, 60))
    def test_a_line_is_never_too_wide(self, cells: list[tuple[str, int | None]], width: int) -> None:
        made = line(width, *(Cell(text(one), "", size) for one, size in cells))
        assert made.cell_len <= width


@pytest.mark.parametrize(
    ("data", "meant"),
    [
        (b"q", ["quit"]),
        (b"\x1b[A\x1b[B\x1b[5~\x1b[6~", ["up", "down", "page up", "page down"]),
        (b"\x1bOB\t\x1b[Z", ["down", "next", "previous"]),
        (b"\x1b[200~x\x1b\xff[", []),
    ],
)
def test_keys(data: bytes, meant: list[str]) -> None:
    assert keys(data) == meant


class TestPlain:
    def test_a_line(self) -> None:
        broker = Broker().house()
        broker.panel(90, "lost", power=None)
        assert plain.summary(broker.picture, HERE) == (
            "home online: PV 3.21 kW, home 1.20 kW, grid exporting 1.51 kW, battery charging 500 W, charge 73 %; "
            "12 of 13 panels live, 1 lost; no source fails"
        )

    def test_what_fails(self) -> None:
        broker = Broker().house()
        broker.service(online=False, sources=[{"name": PVS, "state": "failing", "trouble": "timeout"}])
        told = plain.summary(broker.picture, HERE)
        assert told.startswith("home offline (these are the last values): ")
        assert told.endswith(f"{PVS} fails (timeout)")
        assert (
            plain.summary(broker.picture, Way("h", None, "it is away")) == "no broker, it is tried again: it is away"
        )
        assert plain.summary(Broker().picture, HERE) == "home: nothing is there"

    def test_a_document(self) -> None:
        broker = Broker().house()
        broker.say("pvsmqtt/barn/status", "offline")
        found = json.loads(json.dumps(plain.document(broker.picture, broker.seen)))
        assert (found["service"], found["version"]) == ("online", "1.2.3")
        assert found["instances"] == {"home": True, "barn": False}
        site = found["devices"][0]
        assert (site["id"], site["data"], site["age"], site["online"]) == ("site", "live", 4.0, True)
        assert {one["key"]: one["value"] for one in site["values"]}["pv_power"] == 3210.0
        assert found["health"]["memory"] == {"resident": 71 * 1024}


def at(url: str | None, config: Path | None = None, env: Mapping[str, str] | None = None, **how: Any) -> Any:
    named = {"base": None, "instance": None, "password_file": None, **how}
    return watched(url, named["base"], named["instance"], named["password_file"], config, env or {})


class TestWhere:
    @pytest.mark.parametrize(
        ("url", "found", "user"),
        [
            ("mqtt://solar@192.168.1.10", "mqtt://192.168.1.10:1883", "solar"),
            ("192.168.1.10:1884", "mqtt://192.168.1.10:1884", None),
            ("mqtts://so%40lar@broker", "mqtts://broker:8883", "so@lar"),
            ("ws://broker:9001/mqtt", "ws://broker:9001/mqtt", None),
            ("wss://broker", "wss://broker:443/mqtt", None),
            ("mqtt://[::1]:1885", "mqtt://::1:1885", None),
        ],
    )
    def test_a_url(self, url: str, found: str, user: str | None) -> None:
        where = at(url)
        assert (where.broker.url, where.broker.username) == (found, user)
        assert (where.base, where.instance) == ("pvsmqtt", "home")

    def test_password_of_environment_or_file(self, tmp_path: Path) -> None:
        env = {"PVSMQTT_MQTT__PASSWORD": "swordfish", "PVSMQTT_MQTT__HOST": "elsewhere", "PVSMQTT_PVS__0__HOST": "x"}
        where = at("mqtt://solar@broker", env=env, base="sun", instance="barn")
        assert (where.broker.host, where.base, where.instance) == ("broker", "sun", "barn")
        assert where.broker.password.get_secret_value() == "swordfish"
        (tmp_path / "secret").write_text("of the file\n")
        where = at("mqtt://solar@broker", env=env, password_file=tmp_path / "secret")
        assert where.broker.password.get_secret_value() == "of the file"

    @pytest.mark.parametrize(
        ("url", "why"),
        [
            ("mqtt://solar:swordfish@broker", "does not belong on the command line"),
            ("http://broker", "no address of a broker"),
            ("mqtt://broker:99999", "no address of a broker"),
            ("mqtt://", "no address of a broker"),
            ("mqtt://broker/path", "only ws:// and wss:// have a path"),
            ("mqtt://broker?x=1", "no address of a broker"),
        ],
    )
    def test_a_bad_url(self, url: str, why: str) -> None:
        with pytest.raises(SettingsError, match=why) as error:
            at(url)
        assert "swordfish" not in str(error.value)

    def test_a_bad_rest(self, tmp_path: Path) -> None:
        with pytest.raises(SettingsError, match="cannot be part of a topic"):
            at("broker", instance="a/b")
        with pytest.raises(SettingsError, match="cannot be the start of a topic"):
            at("broker", base="a/#")
        with pytest.raises(SettingsError, match="needs a username"):
            at("broker", env={"PVSMQTT_MQTT__PASSWORD": "swordfish"})
        with pytest.raises(SettingsError, match="cannot be read"):
            at("a@broker", password_file=tmp_path / "nothing")

    def test_the_configuration(self, tmp_path: Path) -> None:
        file = tmp_path / "pvsmqtt.toml"
        file.write_text('instance = "barn"\n[mqtt]\nhost = "b"\nbase_topic = "sun"\n[[pvs]]\nhost = "127.0.0.1"\n')
        where = at(None, file)
        assert (where.broker.host, where.base, where.instance) == ("b", "sun", "barn")
        assert at(None, file, instance="home").instance == "home"
        with pytest.raises(SettingsError, match="or name a broker: pvsmqtt watch --broker"):
            at(None, tmp_path / "nothing.toml")
