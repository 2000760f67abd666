"""What docs/many-houses.md tells people to do works, to the letter."""

from __future__ import annotations

import difflib
import re
import subprocess
from pathlib import Path

from pvsmqtt.settings import load

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "many-houses.md").read_text("utf-8")


def test_the_template_of_the_unit_differs_in_its_file_and_its_folder() -> None:
    unit = ROOT / "systemd" / "pvsmqtt.service"
    (command,) = re.findall(r"^(sed .*?) \| sudo tee /etc/systemd/system/pvsmqtt@\.service$", PAGE, re.DOTALL | re.M)
    made = subprocess.run(
        ["sh", "-e", "-c", command.replace("/etc/systemd/system/pvsmqtt.service", str(unit))],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    lines = difflib.ndiff(unit.read_text("utf-8").splitlines(), made.splitlines())
    changed = [line[2:] for line in lines if line.startswith("+ ")]
    assert [line for line in changed if "Documentation" not in line] == [
        "ExecStart=/opt/pvsmqtt/venv/bin/pvsmqtt run --config /etc/pvsmqtt/%i.toml",
        "StateDirectory=pvsmqtt-%i",
    ]


def test_the_configurations_are_good(tmp_path: Path) -> None:
    houses, cluster = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    file = tmp_path / "pvsmqtt.toml"
    file.write_text(houses, "utf-8")
    assert [options.site for _, _, options in load(file, {}).sources()] == ["cabin", "barn"]  # type: ignore[attr-defined]
    file.write_text(f'{cluster}\n[[pvs]]\nhost = "p"\n', "utf-8")
    nodes = [(one.host, one.port) for one in load(file, {}).mqtt.brokers]
    assert nodes == [("10.0.0.1", 1883), ("10.0.0.2", 1883), ("10.0.0.3", 1884)]
