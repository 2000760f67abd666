"""The page about metrics says what the code does."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from pvsmqtt.sinks.prometheus.reference import MARK, tables

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
