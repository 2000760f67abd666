"""Recorded byte streams with what is in them (`rs485-gt/1`), where they are present."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from helpers_modbus import adu

from pvsmqtt.modbus.frame import Frame

SAMPLES = Path(os.environ.get("TEST_SAMPLES") or Path(__file__).parents[2] / "shared" / "samples")
CHARACTER = 10 / 19200
"""Seconds."""

TRUTHS = sorted(path for path in SAMPLES.glob("*.json") if not path.name.endswith(".chunks.json"))

each_sample = pytest.mark.parametrize(
    "truths",
    [pytest.param(path, id=path.stem) for path in TRUTHS]
    or [pytest.param(None, marks=pytest.mark.skip(reason="no samples here"))],
)


def frames_of(path: Path) -> list[dict[str, Any]]:
    """Every frame that was put on the wire, in order."""
    frames: list[dict[str, Any]] = json.loads(path.read_text())["frames"]
    return frames


def heard(truth: dict[str, Any]) -> Frame:
    """A frame as a framer should tell it."""
    pdu = bytes.fromhex(truth["pdu"])
    return Frame(
        offset=truth["offset"],
        adu=adu(truth["unit"], pdu[0], pdu[1:]),
        unit=truth["unit"],
        function=truth["fc"],
        is_response=truth["dir"] == "rsp",
        exception=truth["exception"],
        when=truth["t"] + truth["length"] * CHARACTER,
        echo=truth.get("echo", False),
    )
