"""The page about metrics says what the code does."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from harness.basics import program
from helpers_mqtt import BRIDGE, PANEL, SITE, state
from prometheus_client.parser import text_string_to_metric_families

from pvsmqtt.model.report import Info
from pvsmqtt.sinks.prometheus.page import page
from pvsmqtt.sinks.prometheus.reference import MARK, tables

INFO = Info({"version": "1", "started_at": "2026-06-21T18:00:00Z", "instance": "home", "sources": []})
FILE = Path(__file__).parents[3] / "docs" / "metrics.md"


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", FILE.read_text("utf-8"), re.S)


def test_it_is_up_to_date():
    command = "run: python -m pvsmqtt.sinks.prometheus.reference docs/metrics.md"
    assert FILE.read_text("utf-8").partition(MARK)[2] == tables(), command


def test_queries_name_metrics_that_there_are():
    text, mark, names = FILE.read_text("utf-8").partition(MARK)
    assert mark
    for name in set(re.findall(r"\bpvsmqtt_[a-z_]+\b", text)):
        assert f"| `{name}` |" in names, name


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool (Debian's prometheus) is not installed")
def test_promtool_takes_the_examples(tmp_path):
    scrape, rules = blocks("yaml")
    for name, text, kind in (("prometheus.yml", scrape, "config"), ("rules.yml", rules, "rules")):
        (tmp_path / name).write_text(text)
        checked = subprocess.run(
            ["promtool", "check", kind, str(tmp_path / name)], capture_output=True, text=True, check=False
        )
        assert checked.returncode == 0, checked.stdout + checked.stderr


INSTANCES = ("north:8485", "south:8485")
WATTS = {"north:8485": 100, "south:8485": 250}
JOIN = re.compile(r"`(pvsmqtt_power_watts[^`]* group_left [^`]*)`")


@pytest.fixture
def two_houses(tmp_path):
    """Two pvsmqtt, each a house with a panel, a bridge and a site of the same ids; what is wrong in the second."""

    def answers(tests):
        (tmp_path / "rules.yml").write_text(blocks("yaml")[1])
        (tmp_path / "tests.yml").write_text(
            json.dumps(
                {
                    "rule_files": ["rules.yml"],
                    "tests": [{"interval": "1m", "input_series": series(), **tests}],
                }
            )
        )
        command = [program("promtool", "prometheus"), "test", "rules", str(tmp_path / "tests.yml")]
        checked = subprocess.run(command, capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stdout + checked.stderr

    return answers


def series():
    """What both tell, as promtool takes it: every sample of a real page, standing for two days."""
    found = []
    for instance in INSTANCES:
        wrong = instance == INSTANCES[1]
        watts = WATTS[instance]
        events = [
            state(BRIDGE, devices_known=2),
            state(PANEL, power=watts, availability="lost" if wrong else "live"),
            state(SITE, pv_energy=0),
            INFO,
        ]
        text = page(events, {"sources": [source(wrong)], "broker": {"connected": not wrong}})[0].decode()
        labels = {"instance": instance, "job": "pvsmqtt"}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if not sample.name.startswith("pvsmqtt_"):
                    continue
                grows = sample.name == "pvsmqtt_pv_energy_joules_total"
                values = f"0+{watts * 60}x3000" if grows else f"{sample.value}x3000"
                found.append({"series": named(sample.name, {**sample.labels, **labels}), "values": values})
        found.append({"series": named("up", labels), "values": f"{int(not wrong)}x3000"})
    return found


def source(wrong):
    return {"name": "pvs a", "kind": "pvs", "state": "failing" if wrong else "ok", "cycles": 1}


def named(metric, labels):
    return f"{metric}{{{', '.join(f'{key}={json.dumps(str(value))}' for key, value in labels.items())}}}"


def value_of(expression, samples, at="2d"):
    return {
        "expr": expression,
        "eval_time": at,
        "exp_samples": [{"labels": labels, "value": value} for labels, value in samples],
    }


def test_a_panel_beside_its_model_in_two_houses(two_houses):
    (join,) = JOIN.findall(FILE.read_text("utf-8"))
    panel = {"device": PANEL.id, "kind": "inverter", "name": PANEL.name, "site": "site", "job": "pvsmqtt"}
    samples = [
        (named("", {**panel, "instance": instance, "model": PANEL.model}), WATTS[instance]) for instance in INSTANCES
    ]
    two_houses({"promql_expr_test": [value_of(join, samples)]})


def test_rules_keep_two_houses_apart(two_houses):
    site = {"device": SITE.id, "kind": "site", "name": SITE.name, "site": "site", "job": "pvsmqtt"}
    panels = "site:panels_watts:sum"
    energy = "site:pv_energy_kwh:increase1d"
    two_houses(
        {
            "promql_expr_test": [
                value_of(
                    panels,
                    [(named(panels, {"instance": one, "site": "site"}), WATTS[one]) for one in INSTANCES],
                ),
                value_of(
                    f"round({energy}, 0.001)",
                    [(named("", {**site, "instance": one}), WATTS[one] * 24 / 1000) for one in INSTANCES],
                ),
            ]
        }
    )


@pytest.mark.parametrize(
    ("alert", "labels", "summary"),
    [
        (
            "PanelLost",
            {"device": "e1", "kind": "inverter", "name": "Inverter E1", "site": "site", "state": "lost"},
            "Inverter E1 is silent while others produce",
        ),
        ("SourceFails", {"source": "pvs a", "kind": "pvs"}, "pvs a cannot be read"),
        ("BrokerAway", {}, None),
        ("NoMetrics", {}, None),
    ],
)
def test_alerts_name_the_house(two_houses, alert, labels, summary):
    firing = {
        "exp_labels": {**labels, "instance": INSTANCES[1], "job": "pvsmqtt"},
        "exp_annotations": {"summary": summary} if summary else {},
    }
    two_houses(
        {
            "alert_rule_test": [
                {"eval_time": "1m", "alertname": alert, "exp_alerts": []},
                {"eval_time": "2h", "alertname": alert, "exp_alerts": [firing]},
            ]
        }
    )
