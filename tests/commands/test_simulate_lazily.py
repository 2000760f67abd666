"""The command line of the service does without the simulators."""

import subprocess
import sys

import pytest

CODE = """
import sys
from pvsmqtt.cli import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
print([name for name in sys.modules if name.startswith("pvsmqtt.simulator")])
"""


def simulators(*argv: str) -> str:
    done = subprocess.run([sys.executable, "-c", CODE, *argv], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1]


@pytest.mark.parametrize("argv", [["run", "--config", "/nowhere"], ["--help"]])
def test_they_are_not_imported_unless_they_are_asked_for(argv: list[str]) -> None:
    assert simulators(*argv) == "[]"


def test_they_are_where_they_are() -> None:
    assert "pvsmqtt.simulator.command" in simulators("simulate", "pvs", "--help")
