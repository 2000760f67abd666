"""Definitions of SunSpec models: what stands where in a model, out of JSON files.

Idea: the SunSpec Alliance publishes one JSON file per model, and the package pysunspec2 carries them (Apache-2.0).
They are read as data; no code of that package is imported. A file is read when its model is first met, only what is
needed to decode is kept, and what was not needed for long is let go. Models of vendors stand in ``models/`` beside
this file, in the same form; they win over a file of the package.

A group is points in a row, then groups within it, each as often as its count says: once (``None``), a fixed number,
as often as a point tells (its name), or as often as the length of the model leaves room for (``0``, the older
models).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from sys import intern
from typing import Any, NamedTuple

from pvsmqtt.modbus.values import TYPES

HEADER = 2
"""Registers of a header: model and length. The length counts what follows them."""

COMMON = 1
"""The model of manufacturer, model and serial number, first in every chain; older devices lack its last register."""

_OWN = Path(__file__).with_name("models")
_FILE = re.compile(r"model_(\d+)\.json")
_KEPT = 48
"""Definitions in memory at once: more than the models of a few devices."""


@dataclass(frozen=True, slots=True)
class PointDefinition:
    """One point. ``offset`` counts registers from the begin of its group."""

    name: str
    label: str
    type: str
    offset: int
    length: int
    scale: str | int | None
    """Name of the point that holds the power of ten, or that power."""
    units: str | None
    symbols: dict[int, str]
    """Names of the numbers of an enumeration, or of the bits of a bit field."""


@dataclass(frozen=True, slots=True)
class GroupDefinition:
    """Points, and groups that follow them. ``length`` is that of its own points alone."""

    name: str
    count: int | str | None
    points: tuple[PointDefinition, ...]
    groups: tuple[GroupDefinition, ...]
    length: int


@dataclass(frozen=True, slots=True)
class ModelDefinition:
    """A model; its group begins with the header (``ID`` and ``L``)."""

    model: int
    name: str
    label: str
    group: GroupDefinition


class Shape(NamedTuple):
    """Lengths that a model can have: ``fixed``, and any number of ``step`` more (0: none)."""

    fixed: int
    step: int
    nested: bool = False
    """Groups within repeated groups: how long it is cannot be told from ``step`` alone."""
    older: int = 0
    """Registers that older devices leave out at its end."""

    def fits(self, length: int) -> bool:
        """Whether a header with this length can be one of this model, by the standard."""
        more = length - self.fixed
        if more <= 0:
            return more in (0, -self.older)
        return self.step > 0 and more >= self.step and (self.nested or more % self.step == 0)


@cache
def _files() -> dict[int, Path]:
    """The file of every model that is known."""
    found = find_spec("sunspec2")
    homes = [] if found is None else [Path(home, "models", "json") for home in found.submodule_search_locations or ()]
    names = (path for home in (*homes, _OWN) if home.is_dir() for path in home.iterdir())
    return {int(match[1]): path for path in names if (match := _FILE.fullmatch(path.name))}


@cache
def known() -> frozenset[int]:
    """Models that have a definition."""
    return frozenset(_files())


@lru_cache(_KEPT)
def definition(model: int) -> ModelDefinition | None:
    """What stands in this model; None when nobody told, or when its file cannot be used."""
    path = _files().get(model)
    if path is None:
        return None
    try:
        raw = json.loads(path.read_bytes())["group"]
        return ModelDefinition(model, raw["name"], raw.get("label", raw["name"]), _group(raw))
    except (OSError, ValueError, KeyError, TypeError):
        return None


@cache
def shape(model: int) -> Shape | None:
    """How long this model can be; None when it is not known."""
    found = definition(model)
    if found is None:
        return None
    fixed, step, nested = _lengths(found.group)
    return Shape(fixed - HEADER, step, nested, older=1 if model == COMMON else 0)


def _lengths(group: GroupDefinition) -> tuple[int, int, bool]:
    """Registers that are always there, those of one repetition, and whether repetitions hold repetitions."""
    fixed, step, nested = group.length, 0, False
    for inner in group.groups:
        always, more, deeper = _lengths(inner)
        if inner.count is None or (isinstance(inner.count, int) and inner.count > 0):
            times = inner.count or 1
            fixed, step, nested = fixed + times * always, step + times * more, nested or deeper
        else:
            nested = nested or more > 0 or deeper or step > 0
            step += always
    return fixed, step, nested


def _group(raw: dict[str, Any]) -> GroupDefinition:
    points = tuple(_points(raw.get("points", ())))
    groups = tuple(_group(inner) for inner in raw.get("groups", ()))
    length = points[-1].offset + points[-1].length if points else 0
    return GroupDefinition(intern(raw["name"]), raw.get("count"), points, groups, length)


def _points(raw: list[dict[str, Any]]) -> Iterator[PointDefinition]:
    offset = 0
    for point in raw:
        kind = intern(point["type"])
        length = int(point.get("size") or TYPES[kind].length)
        name, units = intern(point["name"]), point.get("units")
        yield PointDefinition(
            name,
            intern(point.get("label") or name),
            kind,
            offset,
            length,
            point.get("sf"),
            units and intern(units),
            {symbol["value"]: intern(symbol["name"]) for symbol in point.get("symbols", ())},
        )
        offset += length
