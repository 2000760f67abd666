"""What Prometheus reads."""

import asyncio
import re
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest
from helpers_mqtt import BRIDGE, MEASURED, PANEL, SITE, house, state
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import REGISTRY

from pvsmqtt.model.quantity import QUANTITIES
from pvsmqtt.model.report import HealthReport, Info
from pvsmqtt.sinks.prometheus import Metrics
from pvsmqtt.sinks.prometheus.names import METRICS, UNITS, Shape
from pvsmqtt.sinks.prometheus.page import page
from pvsmqtt.sinks.prometheus.service import MOST_REASONS

INFO = Info({"version": "1", "started_at": "2026-06-21T18:00:00Z", "instance": "home", "sources": []})
SOURCE = {
    "name": "pvs 172.27.153.1",
    "kind": "pvs",
    "state": "ok",
    "last_success": "2026-06-21T18:05:00Z",
    "age": 2.0,
    "cycles": 7,
    "refused": {"busy": 2},
    "refused_values": {"power": {"sentinel": 3}},
}
HEALTH = {
    "sources": [SOURCE],
    "broker": {"connected": True, "connects": 2, "published": 99},
    "journal": {
        "state": "ok",
        "pending": 4,
        "oldest_age": 12,
        "bytes": 4096,
        "written": 10,
        "published": 6,
        "dropped": {"age": 1},
    },
    "restarts": {"mqtt": 1},
}
OPENMETRICS = "application/openmetrics-text; version=1.0.0"


def told(*events, health=HEALTH):
    """Samples by name and labels."""
    text = page(events, health)[0].decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def of(found, metric, /, **labels):
    """The only sample of this name with these labels, or None."""
    some = [
        value for (called, has), value in found.items() if called == metric and labels.items() <= dict(has).items()
    ]
    assert len(some) <= 1
    return some[0] if some else None


def test_numbers_come_in_base_units_with_the_labels_of_their_device():
    found = told(state(PANEL, power=231.4, energy=1834.52, temperature=41, voltage=243.1))
    labels = {"device": "e1", "name": "Inverter E1", "kind": "inverter", "site": "site"}
    assert found["pvsmqtt_power_watts", frozenset(labels.items())] == 231.4
    assert of(found, "pvsmqtt_energy_joules_total", **labels) == 6_604_272_000
    assert of(found, "pvsmqtt_temperature_celsius", **labels) == 41


@pytest.mark.parametrize(
    ("key", "value", "name", "number"),
    [
        ("state_of_charge", 87.3, "pvsmqtt_state_of_charge_ratio", 0.873),
        ("grid_net_energy", -2.5, "pvsmqtt_grid_net_energy_joules", -9e6),
        ("backup_time", 90, "pvsmqtt_backup_time_seconds", 5400),
        ("memory_used", 3, "pvsmqtt_memory_used_bytes", 3072),
        ("error_count", 4, "pvsmqtt_errors_total", 4),
        ("junk_bytes", 5, "pvsmqtt_junk_bytes_total", 5),
        ("uptime", 6, "pvsmqtt_uptime_seconds", 6),
        ("dc_power_b", 7, "pvsmqtt_dc_power_inputb_watts", 7),
        ("energy", -0.4, "pvsmqtt_energy_joules_total", 0),
        ("problem", "on", "pvsmqtt_problem", 1),
        ("problem", "off", "pvsmqtt_problem", 0),
    ],
)
def test_every_unit_is_converted(key, value, name, number):
    assert of(told(state(PANEL, **{key: value})), name) == number


@pytest.mark.parametrize("key", METRICS)
def test_what_is_unknown_is_absent(key):
    assert not [name for name, _ in told(state(PANEL, **{key: None})) if name.startswith(METRICS[key].name)]


@pytest.mark.parametrize("value", ["text", float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("key", ["power", "energy", "problem", "availability"])
def test_what_is_no_number_of_it_is_absent(key, value):
    assert not [name for name, _ in told(state(PANEL, **{key: value})) if name == METRICS[key].name]


def test_a_state_is_one_of_all():
    found = told(state(PANEL, availability="asleep"))
    states = {
        dict(labels)["state"]: value for (name, labels), value in found.items() if name == "pvsmqtt_availability"
    }
    assert states == {"live": 0, "stale": 0, "asleep": 1, "lost": 0}


def test_whether_a_device_is_there_and_what_it_is():
    found = told(state(PANEL, online=False), state(SITE))
    assert of(found, "pvsmqtt_device_online", device="e1") == 0
    assert of(found, "pvsmqtt_device_online", device="site") == 1
    assert of(found, "pvsmqtt_device_measured_timestamp_seconds", device="e1") == MEASURED.timestamp()
    assert of(found, "pvsmqtt_device_info", device="e1", panel="SPR-A400", model="Type G", via="zt1") == 1
    assert of(told(replace(state(PANEL), measured_at=None)), "pvsmqtt_device_measured_timestamp_seconds") is None


def test_how_the_service_does():
    found = told(INFO)
    who = {"source": "pvs 172.27.153.1", "kind": "pvs"}
    assert of(found, "pvsmqtt_source_up", **who) == 1
    assert of(found, "pvsmqtt_source_last_success_timestamp_seconds", **who) == MEASURED.timestamp()
    assert of(found, "pvsmqtt_source_cycles_total", **who) == 7
    assert of(found, "pvsmqtt_source_refused_total", **who, reason="busy") == 2
    assert of(found, "pvsmqtt_source_refused_values_total", **who, quantity="power", reason="sentinel") == 3
    assert of(found, "pvsmqtt_broker_connected") == 1
    assert of(found, "pvsmqtt_broker_connections_total") == 2
    assert of(found, "pvsmqtt_broker_published_messages_total") == 99
    assert of(found, "pvsmqtt_journal_ok") == 1
    assert of(found, "pvsmqtt_journal_pending_readings") == 4
    assert of(found, "pvsmqtt_journal_dropped_readings_total", reason="age") == 1
    assert of(found, "pvsmqtt_part_restarts_total", part="mqtt") == 1
    assert of(found, "pvsmqtt_start_time_seconds") == MEASURED.timestamp() - 300
    assert of(found, "process_resident_memory_bytes") > 1_000_000
    assert [name for name, _ in found if name == "pvsmqtt_build_info"]


@pytest.mark.parametrize("up", ["failing", "starting"])
def test_a_source_that_fails_is_down_and_one_that_starts_is_neither(up):
    source = {**SOURCE, "state": up, "last_success": None}
    found = told(health={**HEALTH, "sources": [source]})
    assert of(found, "pvsmqtt_source_up") == {"failing": 0, "starting": None}[up]
    assert of(found, "pvsmqtt_source_last_success_timestamp_seconds") is None


def test_without_a_journal_a_broker_or_anything_there_is_nothing_of_it():
    names = {name for name, _ in told(health={**HEALTH, "journal": None, "broker": None})}
    assert not [name for name in names if "journal" in name or "broker" in name]
    assert {name for name, _ in told(health={}) if name.startswith("pvsmqtt")} == {"pvsmqtt_build_info"}


def test_reasons_are_bounded():
    source = {**SOURCE, "refused": {f"reason {number}": number for number in range(1, 1001)}}
    found = told(health={"sources": [source]})
    refused = {
        dict(labels)["reason"]: n for (name, labels), n in found.items() if name == "pvsmqtt_source_refused_total"
    }
    assert len(refused) == MOST_REASONS + 1
    assert sum(refused.values()) == sum(range(1, 1001))
    assert refused["reason 1000"] == 1000


def test_a_password_in_the_address_of_a_source_is_hidden():
    source = {**SOURCE, "name": "pvs http://me:geheim@proxy"}
    assert b"geheim" not in page((), {"sources": [source]})[0]


@given(st.text(), st.text())
def test_labels_are_whatever_they_are(name, model):
    device = replace(PANEL, name=name, model=model)
    found = told(state(device, power=1))
    assert of(found, "pvsmqtt_power_watts", name=name) == 1
    assert "\n# " not in name or len(found) == len(told(state(PANEL, power=1)))


def test_every_quantity_of_a_unit_has_a_base_unit():
    assert {row.unit for row in QUANTITIES.values() if row.state_class} - {None} <= UNITS.keys()


def test_names_are_unique_and_well_formed():
    names = [metric.name for metric in METRICS.values()]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch("pvsmqtt_[a-z0-9_]*[a-z0-9]", name) for name in names)
    assert {name.endswith("_total") for name in (m.name for m in METRICS.values() if m.shape is Shape.COUNTER)} == {
        True
    }


def everything():
    """A device with every quantity that there is."""
    values = {
        key: metric.states[-1] if metric.states else "on" if metric.shape is Shape.SWITCH else 12.5
        for key, metric in METRICS.items()
    }
    return state(PANEL, **values)


def test_whoever_wants_openmetrics_gets_it():
    body, content_type = page([everything(), *house(), INFO], HEALTH, OPENMETRICS)
    assert content_type.startswith("application/openmetrics-text")
    families = {family.name: family.type for family in openmetrics.text_string_to_metric_families(body.decode())}
    assert families["pvsmqtt_energy_joules"] == "counter"
    assert body.endswith(b"# EOF\n")
    assert page([], HEALTH)[1].startswith("text/plain; version=0.0.4")


@pytest.mark.parametrize("accept", ["", "*/*", "garbage;;,=", OPENMETRICS + ";version=x", "text/plain;version=9.9"])
def test_no_accept_header_breaks_it(accept):
    assert b"pvsmqtt_power_watts" in page(house(), HEALTH, accept)[0]


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool (Debian's prometheus) is not installed")
def test_promtool_finds_nothing_to_say():
    text = page([everything(), state(SITE), state(BRIDGE), INFO], HEALTH)[0]
    ours = b"".join(line for line in text.splitlines(keepends=True) if b"process_" not in line)
    checked = subprocess.run(["promtool", "check", "metrics"], input=ours, capture_output=True, check=False)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")


async def test_scrapes_come_one_at_a_time_with_what_is_now():
    events = [*house(), INFO, HealthReport({})]
    metrics = Metrics(lambda: events, lambda: HEALTH)
    first, second = await asyncio.gather(metrics.scrape(), metrics.scrape(OPENMETRICS))
    assert b"pvsmqtt_pv_power_watts" in first[0]
    assert second[0].endswith(b"# EOF\n")
    events.clear()
    assert b"pvsmqtt_pv_power_watts" not in (await metrics.scrape())[0]


def test_the_global_registry_of_the_library_is_left_alone():
    before = set(REGISTRY._collector_to_names)
    page(house(), HEALTH)
    assert set(REGISTRY._collector_to_names) == before


def test_the_library_is_imported_when_somebody_asks():
    code = "import sys, pvsmqtt.sinks.prometheus; assert 'prometheus_client' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
