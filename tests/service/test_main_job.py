"""The main job over real processes: what the PVS tells arrives at a subscriber, number by number.

What is expected is read from the payload here, with a table of this test's own, and not by the decoder.
"""

import json
import math
import os
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from harness import ROOT, Bench, Recorder, Seen, device_ids, is_online

REPOSITORY = Path(__file__).parents[2]
SHARED = Path(os.environ.get("TEST_PAYLOADS") or (REPOSITORY.parent / "shared" / "payloads"))
PAYLOADS = [
    path
    for path in (
        *sorted((REPOSITORY / "tests" / "fixtures" / "devicelist").glob("*.json")),
        *sorted(SHARED.glob("devicelist*.json")),
    )
    if not path.name.endswith(".expected.json")
]

KILO = 1000
INVERTER = {
    "p_3phsum_kw": ("power", KILO),
    "ltea_3phsum_kwh": ("energy", 1),
    "vln_3phavg_v": ("voltage", 1),
    "i_3phsum_a": ("current", 1),
    "freq_hz": ("frequency", 1),
    "v_mppt1_v": ("dc_voltage", 1),
    "i_mppt1_a": ("dc_current", 1),
    "t_htsnk_degc": ("temperature", 1),
}
METER = {
    "p_3phsum_kw": ("power", KILO),
    "q_3phsum_kvar": ("reactive_power", KILO),
    "s_3phsum_kva": ("apparent_power", KILO),
    "tot_pf_rto": ("power_factor", 1),
    "freq_hz": ("frequency", 1),
    "i_a": ("current", 1),
    "v12_v": ("voltage", 1),
    "v1n_v": ("voltage_l1", 1),
    "v2n_v": ("voltage_l2", 1),
    "p1_kw": ("power_l1", KILO),
    "p2_kw": ("power_l2", KILO),
    "i1_a": ("current_l1", 1),
    "i2_a": ("current_l2", 1),
}
COUNTERS = {
    "net_ltea_3phsum_kwh": ("net_energy", 1),
    "pos_ltea_3phsum_kwh": ("import_energy", 1),
    "neg_ltea_3phsum_kwh": ("export_energy", 1),
}
SUPERVISOR = {
    "dl_uptime": ("uptime", 1),
    "dl_cpu_load": ("cpu_load", 1),
    "dl_mem_used": ("memory_used", 1),
    "dl_flash_avail": ("flash_available", 1),
    "dl_err_count": ("error_count", 1),
    "dl_untransmitted": ("untransmitted_records", 1),
}
HUB = {"t_degc": ("temperature", 1), "humidity": ("humidity", 1), "v_spply_v": ("supply_voltage", 1)}
RELAYS = {"v1n_grid_v": ("grid_voltage_l1", 1), "v2n_pv_v": ("pv_voltage_l2", 1)}
COUNTS = {"energy", "net_energy", "import_energy", "export_energy"}
"""What stays true when a device falls silent."""

KINDS = {
    "PVS": ("supervisor", SUPERVISOR),
    "Inverter": ("inverter", INVERTER),
    "production": ("production_meter", {**METER, "net_ltea_3phsum_kwh": ("energy", 1)}),
    "consumption": ("consumption_meter", {**METER, **COUNTERS}),
    "ESS Hub": ("mio", HUB),
    "PV Disconnect": ("pv_disconnect", RELAYS),
}
TIMED = {"inverter", "production_meter", "consumption_meter", "mio", "pv_disconnect"}


def kind_and_table(entry: Mapping[str, Any]) -> tuple[str, Mapping[str, tuple[str, int]]] | None:
    name = str(entry.get("DEVICE_TYPE"))
    if name == "Power Meter":
        letter = str(entry["SERIAL"]).strip()[-1].lower()
        letter = {"PVS5-METER-P": "p", "PVS5-METER-C": "c"}.get(str(entry.get("TYPE")), letter)
        name = {"p": "production", "c": "consumption"}.get(letter, name)
    return KINDS.get(name)


def number(raw: object) -> float | None:
    if isinstance(raw, bool) or not isinstance(raw, str | int | float):
        return None
    text = str(raw).strip()
    return float(text) if re.fullmatch(r"[+-]?[0-9]*\.?[0-9]+([eE][+-]?[0-9]+)?", text) else None


def time_of(raw: object) -> datetime | None:
    try:
        return datetime.strptime(str(raw), "%Y,%m,%d,%H,%M,%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def is_live(entry: Mapping[str, Any], kind: str, clock: datetime | None) -> bool:
    """``clock`` is when the reply began, for entries that do not say when they were sent."""
    if kind not in TIMED:
        return True
    measured = time_of(entry.get("DATATIME")) or time_of(entry.get("DATETIME"))
    sent = time_of(entry.get("CURTIME")) or clock
    if measured is None or sent is None:
        return entry.get("STATE") == "working"
    return timedelta(minutes=-5) <= sent - measured < timedelta(seconds=900)


IN_THE_DARK = {
    "pvs6_2019_night",
    "pvs6_2024_dusk",
    "devicelist_pvs6_2019.5_4150_night",
    "devicelist_pvs6_2019.5_4150_inverter_error",
}
"""Payloads of arrays that give nothing: their silent panels sleep."""

RESTS = {"power", "current", "dc_current"}


def expected(payload: Any, dark: bool = False) -> dict[str, dict[str, Any]]:
    """Device id -> kind, whether it is online, values. Devices of kinds that this test does not know are left out.
    In the ``dark`` a silent panel sleeps: it is there, and gives nothing."""
    devices: dict[tuple[str, str], dict[str, Any]] = {}
    first: dict[str, str] = {}
    times = (time_of(entry.get("CURTIME")) for entry in payload["devices"] if isinstance(entry, dict))
    clock = next(filter(None, times), None)
    for entry in payload["devices"]:
        if not isinstance(entry, dict) or not isinstance(entry.get("SERIAL"), str):
            continue
        serial = re.sub("[^a-z0-9]+", "_", entry["SERIAL"].lower()).strip("_")
        if serial in ("", "n_a", "null"):
            continue
        known = kind_and_table(entry)
        kind, table = known or (str(entry.get("DEVICE_TYPE")), {})
        live = is_live(entry, kind, clock)
        values = {}
        for key, (quantity, factor) in table.items():
            if key in entry:
                value = number(entry[key])
                fresh = live or quantity in COUNTS
                values[quantity] = value * factor if value is not None and fresh else None
                if dark and kind == "inverter" and not live and value is not None and quantity in RESTS:
                    values[quantity] = 0
        if str(entry.get("consumption_subtype_enum") or entry.get("subtype")).upper().startswith("GROSS_CONSUMPTION"):
            values.pop("import_energy", None)
            values.pop("export_energy", None)
        first.setdefault(serial, kind)
        live = live or (dark and kind == "inverter")
        devices[kind, serial] = {"kind": kind, "online": live, "values": values, "known": known is not None}
    return {
        serial if first[serial] == kind else f"{serial}_{kind}": device
        for (kind, serial), device in devices.items()
        if device["known"]
    }


def same(a: object, b: object) -> bool:
    if isinstance(a, int | float) and isinstance(b, int | float):
        return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-6)
    return a == b


def differences(recorder: Recorder, wanted: Mapping[str, Mapping[str, Any]]) -> list[str]:
    found = []
    for device, what in wanted.items():
        status, state = recorder.on(f"{ROOT}/{device}/status"), recorder.on(f"{ROOT}/{device}/state")
        if not status or not state:
            found.append(f"{device} is missing")
            continue
        if (status[-1].text == "online") != what["online"]:
            found.append(f"{device} is {status[-1].text}")
        values = state[-1].json
        found += [
            f"{device} {key} is {values.get(key, 'absent')}, not {value}"
            for key, value in what["values"].items()
            # A quantity that never had a value is not announced; once it had one, unknown is null.
            if (key not in values and value is not None) or not same(values.get(key), value)
        ]
    return found


@pytest.mark.parametrize("path", PAYLOADS, ids=lambda path: f"{path.parent.name}-{path.stem}")
async def test_numbers_of_a_payload_arrive(bench: Bench, path: Path) -> None:
    payload = json.loads(path.read_bytes())
    wanted = expected(payload, path.stem in IN_THE_DARK)
    broker, pvs = await bench.broker(), await bench.pvs(payload=path.read_bytes())
    recorder = await bench.recorder(broker.port)
    await bench.service(broker.port, pvs.port)
    await recorder.wait(f"{ROOT}/status", is_online)
    await pvs.wait_until(lambda stats: stats.device_lists >= 3)
    last: list[str] = []

    def agree() -> bool | None:
        last[:] = differences(recorder, wanted)
        return None if last else True

    try:
        await recorder.feed.until(agree, "agreement", timeout=10)
    except AssertionError:
        pytest.fail("\n".join(last))
    inventory = {entry["id"]: entry for entry in recorder.last(f"{ROOT}/devices").json}
    assert {device: inventory[device]["kind"] for device in wanted} == {d: w["kind"] for d, w in wanted.items()}
    check_contract(recorder.messages)
    check_no_invented_zeros(recorder.messages, payload)


def check_no_invented_zeros(messages: Iterable[Seen], payload: Any) -> None:
    zeros = {
        re.sub("[^a-z0-9]+", "_", str(entry["SERIAL"]).lower()).strip("_")
        for entry in payload["devices"]
        if isinstance(entry, dict) and "SERIAL" in entry
        if any(key.endswith("_kwh") and number(value) == 0 for key, value in entry.items())
    }
    for message in messages:
        device = message.topic.split("/")[-2]
        if message.topic.endswith("/state") and device not in zeros:
            for key, value in message.json.items():
                # The house's totals are sums of what its meters say, or begin at 0 where they are estimated.
                begins = device == "site" and (zeros or key != "pv_energy")
                assert not key.endswith("energy") or value != 0 or begins, str(message)


# The topic contract


def check_contract(messages: Iterable[Seen], root: str = ROOT, mqtt5: bool = True) -> None:
    """Retained flag, QoS, form and MQTT 5 properties of everything below the root and the discovery prefix."""
    for message in messages:
        if not message.topic.startswith((f"{root}/", "homeassistant/device/")):
            continue
        name = message.topic.rsplit("/", 1)[1]
        assert message.retain is (name != "readings"), f"retained: {message.retain}: {message}"
        assert message.qos == (0 if name in ("state", "health") else 1), message.topic
        if name == "status":
            assert message.text in ("online", "offline")
        else:
            json.loads(message.text, parse_constant=pytest.fail)
        if mqtt5:
            kind = "text/plain" if name == "status" else "application/json"
            assert message.properties.get("PayloadFormatIndicator") == 1, message.topic
            assert message.properties.get("ContentType") == kind, message.topic
            expiry = message.properties.get("MessageExpiryInterval")
            limits = {"state": (1700, 1800), "health": (200, 300)}.get(name)
            if limits is None:
                assert expiry is None, message.topic
            else:
                assert expiry is not None
                assert limits[0] <= expiry <= limits[1], message.topic


async def test_topics(bench: Bench) -> None:
    broker, pvs = await bench.broker(), await bench.pvs()
    recorder = await bench.recorder(broker.port)
    await bench.service(broker.port, pvs.port, patch={"pvsmqtt.service.TICK": 0.5})
    devices = device_ids(pvs)
    await recorder.have("site", *devices)
    await recorder.wait(f"{ROOT}/health")
    await recorder.wait(f"{ROOT}/readings")
    check_contract(recorder.messages)
    allowed = {f"{ROOT}/{name}" for name in ("status", "info", "devices", "health", "readings", "bridge/state")}
    for device in ("site", *devices):
        allowed |= {f"{ROOT}/{device}/state", f"{ROOT}/{device}/status"}
    uids = ["pvsmqtt_home_bridge", "pvsmqtt_home_site", *(f"pvsmqtt_{device}" for device in devices)]
    allowed |= {f"homeassistant/device/{uid}/config" for uid in uids}
    assert {m.topic for m in recorder.messages} == allowed


async def test_info(bench: Bench) -> None:
    from pvsmqtt import __version__

    broker, pvs = await bench.broker(), await bench.pvs()
    recorder = await bench.recorder(broker.port)
    await bench.service(broker.port, pvs.port)
    info = (await recorder.wait(f"{ROOT}/info")).json
    assert info["version"] == __version__
    assert info["schema"] == 1
    assert info["instance"] == "home"
    assert info["sources"] == [{"name": f"pvs 127.0.0.1:{pvs.port}", "kind": "pvs"}]
    started = datetime.fromisoformat(info["started_at"])
    assert abs(datetime.now(UTC) - started) < timedelta(minutes=1)


async def test_inventory(bench: Bench) -> None:
    broker, pvs = await bench.broker(), await bench.pvs()
    recorder = await bench.recorder(broker.port)
    serial = pvs.house.serials.inverters[0]
    await bench.service(broker.port, pvs.port, names={serial: "South roof 1"})
    devices = device_ids(pvs)
    await recorder.have("site", *devices)
    # The plan of the array comes after the first poll.
    await recorder.wait(f"{ROOT}/devices", lambda m: '"panel_x"' in m.text)
    await recorder.wait(f"{ROOT}/{serial.lower()}/state", lambda m: "panel_x" in m.json)
    await recorder.fence()
    inventory = {entry["id"]: entry for entry in recorder.last(f"{ROOT}/devices").json}
    assert set(inventory) == {"bridge", "site", *devices}
    panel = inventory[serial.lower()]
    assert panel["kind"] == "inverter"
    assert panel["name"] == "South roof 1"
    assert panel["serial"] == serial
    assert panel["via"] == devices[0]
    assert panel["state_topic"] == f"{ROOT}/{serial.lower()}/state"
    assert panel["status_topic"] == f"{ROOT}/{serial.lower()}/status"
    power = panel["quantities"]["power"]
    assert (power["unit"], power["device_class"], power["state_class"]) == ("W", "power", "measurement")
    assert power["description"]
    assert inventory["bridge"]["status_topic"] == f"{ROOT}/status"
    assert inventory["site"]["via"] == "bridge"
    assert inventory[devices[0]]["via"] == "site"
    for entry in inventory.values():
        assert {"id", "kind", "name", "model", "serial", "via", "state_topic", "quantities"} <= entry.keys()
        state = recorder.last(entry["state_topic"]).json
        assert list(state) == ["measured_at", *entry["quantities"]]
        for quantity in entry["quantities"].values():
            assert {"unit", "device_class", "description"} <= quantity.keys()


async def test_measured_at_is_the_time_of_measurement(bench: Bench) -> None:
    path = REPOSITORY / "tests" / "fixtures" / "devicelist" / "pvs6_2022_afternoon.json"
    payload = json.loads(path.read_bytes())
    panel = next(entry for entry in payload["devices"] if entry["DEVICE_TYPE"] == "Inverter")
    broker, pvs = await bench.broker(), await bench.pvs(payload=path.read_bytes())
    recorder = await bench.recorder(broker.port)
    await bench.service(broker.port, pvs.port)
    state = (await recorder.wait(f"{ROOT}/{panel['SERIAL'].lower()}/state")).json
    measured = time_of(panel["DATATIME"])
    assert measured is not None
    assert state["measured_at"] == measured.strftime("%Y-%m-%dT%H:%M:%SZ")


async def test_totals_of_the_house(bench: Bench) -> None:
    broker, pvs = await bench.broker(), await bench.pvs()
    state = pvs.house.at(pvs.now())
    recorder = await bench.recorder(broker.port)
    await bench.service(broker.port, pvs.port)
    site = (await recorder.wait(f"{ROOT}/site/state", lambda m: m.json.get("pv_power") is not None)).json
    assert site["pv_power"] == pytest.approx(state.production.power * 1000, abs=2)
    assert site["grid_power"] == pytest.approx(state.consumption.power * 1000, abs=2)
    assert site["load_power"] == pytest.approx(site["pv_power"] + site["grid_power"], abs=0.01)
    assert site["pv_energy"] == pytest.approx(state.production.energy, abs=0.01)
    assert site["grid_import_energy"] == pytest.approx(state.consumption.import_energy, abs=0.01)
    assert site["grid_export_energy"] == pytest.approx(state.consumption.export_energy, abs=0.01)


async def test_health(bench: Bench) -> None:
    broker, pvs = await bench.broker(), await bench.pvs()
    recorder = await bench.recorder(broker.port)
    # A report comes every minute; here it comes with the second look at what has become too old.
    await bench.service(
        broker.port, pvs.port, patch={"pvsmqtt.service.HEALTH_EVERY": 0.5, "pvsmqtt.service.TICK": 0.5}
    )
    await recorder.have("site")
    health = (await recorder.wait(f"{ROOT}/health", lambda m: m.json["sources"][0]["last_success"])).json
    assert datetime.fromisoformat(health["time"]).tzinfo is not None
    assert health["broker"]["connected"] is True
    assert health["broker"]["protocol"] == "5"
    assert health["broker"]["published"] > 0
    assert health["memory"]["resident"] > 1000
    assert health["restarts"] == {}
    source = health["sources"][0]
    assert source["name"] == f"pvs 127.0.0.1:{pvs.port}"
    assert source["kind"] == "pvs"
    assert source["state"] == "ok"
    assert source["age"] >= 0
    assert source["cycles"] >= 1
    assert source["refused"] == {}
    pvs.fault = "http-503"
    health = (await recorder.wait(f"{ROOT}/health", lambda m: m.json["sources"][0]["refused"])).json
    assert health["sources"][0]["state"] == "failing"
    assert health["sources"][0]["trouble"] == "busy"
    assert health["sources"][0]["refused"]["busy"] >= 1


async def test_two_houses_do_not_mix(bench: Bench) -> None:
    from pvsmqtt.simulator.pvs.house.house import House

    broker = await bench.broker()
    one, two = await bench.pvs(), await bench.pvs(house=House(2, seed=7))
    recorder = await bench.recorder(broker.port)
    settings = bench.settings(broker.port, one.port, two.port)
    settings["pvs"][1]["site"] = "Barn"
    service = bench.make_service(settings)
    await service.start()
    for site, pvs in (("site", one), ("site_barn", two)):
        power = pvs.house.at(pvs.now()).production.power * 1000
        state = await recorder.wait(f"{ROOT}/{site}/state", lambda m: m.json.get("pv_power"))
        assert state.json["pv_power"] == pytest.approx(power, abs=2)
    inventory = {entry["id"]: entry for entry in recorder.last(f"{ROOT}/devices").json}
    assert {inventory[device]["site"] for device in device_ids(two) if device in inventory} == {"site_barn"}
