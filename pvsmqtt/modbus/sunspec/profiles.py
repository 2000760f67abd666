"""Layouts that are known beforehand: where models stand in units of certain equipment.

A profile is a file in ``profiles/``. It holds for one kind of equipment behind one connection, and somebody has to
say that it is there: unit 230 behind a Conext Gateway is a battery, unit 230 on the RS-485 bus is a relay.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from pvsmqtt.modbus.sunspec.chain import Basis, ModelAt
from pvsmqtt.modbus.sunspec.definitions import shape

_PIN = re.compile(r"\s*([0-9]{1,5})\s*@\s*([0-9]{1,5})\s*(?::\s*([0-9]{1,5})\s*)?")
_HOME = Path(__file__).with_name("profiles")


def names() -> tuple[str, ...]:
    """Profiles that there are."""
    return tuple(sorted(path.stem for path in _HOME.glob("*.toml")))


def profile(name: str) -> dict[int, tuple[ModelAt, ...]]:
    """The models of each unit.

    Raises:
        ValueError: there is no profile of this name; says which there are.
    """
    if name not in names():
        raise ValueError(f"no SunSpec profile {name!r}, there is {' or '.join(names())}")
    document = tomllib.loads((_HOME / f"{name}.toml").read_text("utf-8"))
    units: dict[int, tuple[ModelAt, ...]] = {}
    for row in document["models"]:
        units[row["unit"]] = (*units.get(row["unit"], ()), pin(row["model"], row["address"], row.get("length")))
    return units


def pin(model: int, address: int, length: int | None = None) -> ModelAt:
    """A model that is known to stand somewhere. Without a length it has that of the standard, without repetitions.

    Raises:
        ValueError: the model has no definition and no length is given, or it does not end before address 65536.
    """
    if length is None:
        size = shape(model)
        if size is None:
            raise ValueError(f"SunSpec model {model} is not known: its length must be given")
        length = size.fixed
    found = ModelAt(model, address, length, Basis.PROFILE)
    if address < 0 or length < 0 or found.end > 0x10000:
        raise ValueError(f"SunSpec model {model} at {address} with length {length} is not within 0 to 65535")
    return found


def parse_pin(text: str) -> ModelAt:
    """A pin as it is written in a configuration: ``802@40070``, or with its length ``803@40134:90``.

    Raises:
        ValueError: it is not written so, or `pin` refuses it.
    """
    match = _PIN.fullmatch(text)
    if match is None:
        raise ValueError(f'found "{text}", expected model@address or model@address:length, like 802@40070')
    return pin(int(match[1]), int(match[2]), int(match[3]) if match[3] else None)
