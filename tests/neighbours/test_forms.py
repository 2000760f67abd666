"""Files for programs that no registry of ours has: their form, their options, and that they name what exists.

Options of Telegraf are those of its documentation: plugins/inputs/mqtt_consumer, plugins/parsers/json_v2,
plugins/outputs/influxdb_v2 (README.md of each), docs/CONFIGURATION.md for `namepass`. Attributes and signs of a meter
of evcc: docs.evcc.io, Plugins (Meter, MQTT) and meters (sign convention).
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
from typing import Any

import pytest
import yaml
from harness import ROOT, Bench
from helpers_neighbours import text

from pvsmqtt.model.quantity import QUANTITIES, house
from pvsmqtt.simulator.pvs.house.house import House

OF_SITE = {row.key for row in house.ROWS} | {"state_of_charge"}
STREAM = {"stream", "sequence"}
"""Fields of a reading that are no quantities."""

CONSUMER = {
    "servers", "topics", "topic_tag", "qos", "connection_timeout", "max_undelivered_messages", "persistent_session",
    "client_id", "username", "password", "tls_ca", "tls_cert", "tls_key", "data_format", "topic_parsing", "json_v2",
}  # fmt: skip
TOPIC_PARSING = {"topic", "measurement", "tags", "fields", "types"}
JSON_V2 = {
    "measurement_name", "measurement_name_path", "timestamp_path", "timestamp_format", "timestamp_timezone",
    "tag", "field", "object",
}  # fmt: skip
ONE_VALUE = {"path", "rename", "type", "optional"}
OBJECT = {
    "path", "optional", "timestamp_key", "timestamp_format", "timestamp_timezone", "tags", "included_keys",
    "excluded_keys", "tag", "field", "disable_prepend_keys", "renames", "fields",
}  # fmt: skip
INFLUX = {"urls", "token", "organization", "bucket", "timeout", "namepass"}

# Telegraf


def telegraf() -> dict[str, Any]:
    return tomllib.loads(text("telegraf.conf"))


def test_telegraf_knows_every_option() -> None:
    inputs = telegraf()["inputs"]["mqtt_consumer"]
    for one in inputs:
        assert one.keys() <= CONSUMER
        assert one["data_format"] == "json_v2"
        for parsing in one["topic_parsing"]:
            assert parsing.keys() <= TOPIC_PARSING
            assert len(parsing["topic"].split("/")) == len(parsing["tags"].split("/"))
            assert "_/instance" in parsing["tags"]
        for parser in one["json_v2"]:
            assert parser.keys() <= JSON_V2
            assert {"timestamp_path", "timestamp_format", "timestamp_timezone"} <= parser.keys()
            assert all(entry.keys() <= ONE_VALUE for entry in parser.get("tag", []) + parser.get("field", []))
            assert all(entry.keys() <= OBJECT for entry in parser["object"])
    assert len({one["client_id"] for one in inputs}) == len(inputs)
    readings = inputs[0]
    # Without both, what comes while Telegraf is away is lost.
    assert (readings["qos"], readings["persistent_session"]) == (1, True)
    (influx,) = telegraf()["outputs"]["influxdb_v2"]
    assert influx.keys() <= INFLUX
    assert set(influx["namepass"]) == {one["json_v2"][0]["measurement_name"] for one in inputs}


def test_a_field_has_one_type_in_the_database() -> None:
    """Quantities without unit, class and options are what the equipment says, a number here and a text there."""
    raw = {
        key
        for key, row in QUANTITIES.items()
        if not (row.unit or row.state_class or row.device_class or row.options or row.switch)
    }
    (object_,) = telegraf()["inputs"]["mqtt_consumer"][0]["json_v2"][0]["object"]
    assert object_["fields"] == dict.fromkeys(raw, "string")
    assert not STREAM & QUANTITIES.keys()


def test_postgresql_lines_are_toml() -> None:
    lines = text("telegraf.conf").splitlines()
    start = lines.index("# [[outputs.postgresql]]")
    table = tomllib.loads("\n".join(line.removeprefix("#").removeprefix(" ") for line in lines[start:]))
    (postgresql,) = table["outputs"]["postgresql"]
    assert postgresql.keys() <= {"connection", "timestamp_column_type", "create_templates", "namepass"}


# evcc

METER = {"name", "type", "power", "energy", "soc", "capacity"}
SOURCE = {"source", "topic", "jq", "timeout", "scale"}
WANTED = {
    ("pvsmqtt_grid", "power"): "grid_power",  # + import
    ("pvsmqtt_grid", "energy"): "grid_import_energy",
    ("pvsmqtt_pv", "power"): "pv_power",
    ("pvsmqtt_pv", "energy"): "pv_energy",
    ("pvsmqtt_battery", "power"): "battery_power",  # + discharge
    ("pvsmqtt_battery", "energy"): "battery_discharge_energy",
    ("pvsmqtt_battery", "soc"): "state_of_charge",
}


def evcc_sources() -> dict[tuple[str, str], dict[str, str]]:
    found = {}
    for meter in yaml.safe_load(text("evcc.yaml"))["meters"]:
        assert meter.keys() <= METER
        assert meter["type"] == "custom"
        for attribute in ("power", "energy", "soc"):
            if attribute in meter:
                assert meter[attribute].keys() <= SOURCE
                assert meter[attribute]["source"] == "mqtt"
                found[meter["name"], attribute] = meter[attribute]
    return found


def test_evcc_form() -> None:
    document = yaml.safe_load(text("evcc.yaml"))
    assert document.keys() == {"mqtt", "meters", "site"}
    meters = document["site"]["meters"]
    assert {meters["grid"], *meters["pv"], *meters["battery"]} == {meter["name"] for meter in document["meters"]}
    assert {where: one["jq"] for where, one in evcc_sources().items()} == {w: f".{key}" for w, key in WANTED.items()}
    assert {QUANTITIES[key].unit for (_, what), key in WANTED.items() if what == "power"} == {"W"}
    assert {QUANTITIES[key].unit for (_, what), key in WANTED.items() if what == "energy"} == {"kWh"}


def jq(expression: str, document: str) -> float:
    done = subprocess.run(["jq", expression], input=document, capture_output=True, text=True, check=True)
    return float(done.stdout)


async def test_evcc_finds_its_numbers_in_a_state(bench: Bench) -> None:
    """jq takes them out of what the service publishes of a house with a SunVault."""
    if shutil.which("jq") is None:
        pytest.skip("jq is not installed: apt install jq")
    broker, pvs = await bench.broker(), await bench.pvs(house=House(4, ess=True), firmware="61845", https=True)
    recorder = await bench.recorder(broker.port)
    await bench.service(broker.port, pvs.https_url)
    complete = await recorder.wait(
        f"{ROOT}/site/state", lambda m: all(m.json.get(key) is not None for key in WANTED.values())
    )
    for where, one in evcc_sources().items():
        assert one["topic"] == complete.topic
        assert jq(one["jq"], complete.text) == complete.json[WANTED[where]], where


# Grafana


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text("grafana-dashboard.json"))
    return found


def queries() -> list[tuple[str, str]]:
    found = [(panel["title"], target["query"]) for panel in dashboard()["panels"] for target in panel["targets"]]
    variables = dashboard()["templating"]["list"]
    return found + [(one["name"], one["query"]) for one in variables if one["type"] == "query"]


def test_dashboard_form() -> None:
    document = dashboard()
    assert document["schemaVersion"] >= 36
    panels = document["panels"]
    assert [panel["id"] for panel in panels] == list(range(1, len(panels) + 1))
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not taken & cells, panel["title"]
        taken |= cells
        assert panel["datasource"]["uid"] == "${datasource}"


@pytest.mark.parametrize(("name", "query"), queries(), ids=[name for name, _ in queries()])
def test_queries_name_what_there_is(name: str, query: str) -> None:
    variables = {one["name"] for one in dashboard()["templating"]["list"]}
    assert {found.split(":")[0] for found in re.findall(r"\$\{([^}]+)\}", query)} <= variables
    measurements = set(re.findall(r'_measurement == "([^"]+)"', query))
    fields = set(re.findall(r'_field == "([^"]+)"', query))
    assert len(measurements) == 1
    assert fields
    assert fields <= (OF_SITE if measurements == {"pvsmqtt_site"} else {*QUANTITIES, *STREAM})
    for pair in ("()", "{}", "[]"):
        assert query.count(pair[0]) == query.count(pair[1]), pair
    assert query.count('"') % 2 == 0


def test_units_of_the_dashboard() -> None:
    units = {"watt": "W", "kwatth": "kWh", "percent": "%"}
    for panel in dashboard()["panels"]:
        unit = units.get(panel["fieldConfig"]["defaults"]["unit"])
        fields = set(re.findall(r'_field == "([^"]+)"', panel["targets"][0]["query"])) - STREAM
        assert {QUANTITIES[field].unit for field in fields} <= {unit}, panel["title"]


# All of them


@pytest.mark.parametrize(
    "name", ["mosquitto-bridge.conf", "telegraf.conf", "evcc.yaml", "node-red-flow.json", "grafana-dashboard.json"]
)
def test_every_key_of_a_quantity_is_one(name: str) -> None:
    """What looks like a quantity (it has the ending of one) is in the table."""
    endings = r"power|energy|voltage|current|temperature|frequency|charge|state_of_\w+"
    found = set(re.findall(rf"\b[a-z]+(?:_[a-z0-9]+)*_(?:{endings})\b", text(name)))
    assert found <= QUANTITIES.keys(), found - QUANTITIES.keys()


@pytest.mark.parametrize("name", ["mosquitto-bridge.conf", "telegraf.conf", "evcc.yaml"])
def test_a_file_says_what_it_is(name: str) -> None:
    head = text(name).split("\n\n")[0]
    assert all(line.startswith("#") for line in head.splitlines())
    assert all(word in head for word in ("For:", "Place:", "Change:"))
