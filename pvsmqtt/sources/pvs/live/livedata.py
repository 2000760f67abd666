"""Live data of the PVS: the powers of the site, about once a second while they move. Pure: time is a parameter.

A message of the WebSocket (port 9002), and what each parameter becomes; the varserver tells the same parameters as
``/sys/livedata/<parameter>``, as text::

    {"notification": "power", "params": {"time": 1753730397, "soc": 0.86, "ess_p": 1.186, "net_p": 0.653, …}}

    time                  epoch seconds          measured_at
    pv_p, net_p           kW                     pv_power, grid_power (+ import)
    site_load_p, ess_p    kW                     load_power, battery_power (+ discharging)
    pv_en, site_load_en   kWh since installation pv_energy, load_energy
    net_en, ess_en        kWh net, may fall      grid_net_energy, battery_net_energy
    soc                   0–1                    state_of_charge in %
    backupTimeRemaining   min                    backup_time
    midstate              a number               grid_relay, grid_relay_raw

The stream is driven by change: a message holds any subset, and what does not change is not sent again. So a value
stands while the stream lives and it was confirmed not too long ago; the polls of the varserver confirm.

Quirks. Without current transformers a meter tells zeros for ever: a flow (pv, net, load, ess) counts as measured
once its power or its energy was a number other than 0. The load is computed by the PVS from pv and net. Without
a battery there still are ``backupTimeRemaining`` 0 and ``midstate`` 2.

Source: the vendor's LocalAPI.md; frames seen by ha-esunpower (#65) and pypvs.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from pvsmqtt.model.quantity import QUANTITIES
from pvsmqtt.model.reading import Value
from pvsmqtt.sources.pvs.values import Convert, kilo, number, raw_value, text, whole

STALE = 90.0
"""Seconds without a message after which the stream is dead; gaps of 70 s are normal when nothing moves."""

CONFIRM_WITHIN = 660.0
"""Seconds for which a parameter that is not sent again stands: two polls of 5 minutes, and one may be late."""

QUICKEST = 1.0
"""Seconds between two publications of big changes: the PVS tells of them once a second."""

ALIVE = 60.0
"""Seconds after which values are published again although nothing has changed."""

_PREFIX = "/sys/livedata/"
_NIGHT_NOISE = -50.0
_RATIO_UP_TO = 1.5
_MILLISECONDS_FROM = 1e11

_GRID_RELAY: dict[Value, str] = {2: "closed"}
"""A guess: 2 is the only ``midstate`` ever seen, always on a house that was connected to the grid."""


def _used(raw: object) -> float | None:
    """kW -> W of a flow that has one direction: a small negative value is the noise of the meter at night."""
    power = kilo(raw)
    return 0.0 if power is not None and _NIGHT_NOISE <= power < 0 else power


def _energy(raw: object) -> float | None:
    """kWh in the seven digits that the float32 of the PVS carries: 40747.871094 -> 40747.87."""
    value = number(raw)
    return None if value is None else float(f"{value:.7g}")


def _percent(raw: object) -> float | None:
    """0–1 -> %; what is larger than 1.5 is in % already."""
    value = number(raw)
    if value is None:
        return None
    percent = round(value * 100 if value <= _RATIO_UP_TO else value, 2)
    return percent if 0 <= percent <= 100 else None


def _minutes(raw: object) -> Value:
    value = whole(raw)
    return value if value is not None and value >= 0 else None


def _relay(raw: object) -> str | None:
    return None if text(raw) is None else _GRID_RELAY.get(raw_value(raw), "unknown")


def _relay_raw(raw: object) -> str | None:
    word = raw_value(raw)
    return None if word is None else str(word)


@dataclass(frozen=True, slots=True)
class _Row:
    """A quantity: the parameter it comes from, how it is converted, and what must be there for it to be true."""

    key: str
    parameter: str
    convert: Convert
    needs: tuple[str, ...]


_ROWS = (
    _Row("pv_power", "pv_p", _used, ("pv",)),
    _Row("pv_energy", "pv_en", _energy, ("pv",)),
    _Row("grid_power", "net_p", kilo, ("net",)),
    _Row("grid_net_energy", "net_en", _energy, ("net",)),
    _Row("load_power", "site_load_p", _used, ("load", "pv", "net")),
    _Row("load_energy", "site_load_en", _energy, ("load", "pv", "net")),
    _Row("battery_power", "ess_p", kilo, ("ess", "battery")),
    _Row("battery_net_energy", "ess_en", _energy, ("ess", "battery")),
    _Row("state_of_charge", "soc", _percent, ("battery",)),
    _Row("backup_time", "backupTimeRemaining", _minutes, ("battery",)),
    _Row("grid_relay", "midstate", _relay, ("battery",)),
    _Row("grid_relay_raw", "midstate", _relay_raw, ("battery",)),
)
_PARAMETERS = frozenset(row.parameter for row in _ROWS)

_FLOWS = {
    "pv": ("pv_p", "pv_en"),
    "net": ("net_p", "net_en"),
    "load": ("site_load_p", "site_load_en"),
    "ess": ("ess_p", "ess_en"),
}
_PROOFS = {**_FLOWS, "battery": ("soc", "ess_p")}
"""What is there, and the parameters of which a number other than 0 proves it."""


def frame(message: str) -> Mapping[str, object] | None:
    """The parameters of a message of the WebSocket; ``None`` for anything that is not live data. Never raises."""
    try:
        document = json.loads(message)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or document.get("notification") != "power":
        return None
    params = document.get("params")
    return params if isinstance(params, dict) else None


def epoch(raw: object) -> datetime | None:
    """``1753730396``: epoch seconds, or milliseconds when it is too large for seconds; ``None`` for nonsense."""
    value = number(raw)
    if value is None or value <= 0:
        return None
    try:
        return datetime.fromtimestamp(value / 1000 if value > _MILLISECONDS_FROM else value, UTC)
    except (ValueError, OverflowError, OSError):
        return None


@dataclass(frozen=True, slots=True)
class _Held:
    raw: object
    at: float
    streamed: datetime | None
    """The time in the message of the stream that told it; ``None`` when a poll did."""


class LiveData:
    """The last known state of the site, merged out of messages and polls.

    ``now`` is of a clock that only goes forward. ``stale`` and ``confirm_within`` are seconds.
    """

    def __init__(self, *, confirm_within: float = CONFIRM_WITHIN, stale: float = STALE) -> None:
        self._confirm_within, self._stale = confirm_within, stale
        self._held: dict[str, _Held] = {}
        self._there: set[str] = set()
        self._polled: datetime | None = None
        self._alive_since = self._alive_until = -math.inf
        self.measured_at: datetime | None = None

    def take(self, params: Mapping[str, object], now: float) -> bool:
        """Merge a message of the stream; tells whether it held anything that is known."""
        known = _known(params)
        told_at = epoch(params.get("time"))
        if not known and told_at is None:
            return False
        self._live(now, self._stale)
        self._merge({name: _Held(raw, now, told_at) for name, raw in known.items()})
        self.measured_at = told_at or self.measured_at
        return True

    def confirm(self, params: Mapping[str, object], now: float, *, alive_for: float = 0.0) -> None:
        """Merge a poll of the varserver.

        It does not overwrite what the stream has told since it was made, and one that the PVS has not measured anew
        (same ``time`` as before) confirms nothing. Where polls stand in for the stream, ``alive_for`` is for how many
        seconds this one does.
        """
        params = {name.removeprefix(_PREFIX): raw for name, raw in params.items()}
        told_at = epoch(params.get("time"))
        again = told_at is not None and told_at == self._polled
        self._polled = told_at
        fresh = {
            name: _Held(raw, now, None)
            for name, raw in _known(params).items()
            if name not in self._held or not (again or self._ahead(self._held[name], told_at, now))
        }
        self._merge(fresh)
        if alive_for:
            self._live(now, alive_for)
            self.measured_at = told_at or self.measured_at

    def values(self, now: float) -> dict[str, Value]:
        """The quantities of the site in canonical units.

        ``None`` is known to be unknown, or too old; a counter that is too old is left out (no news), because it
        stays true. What is not measured on this site is left out, and everything before the first sign of life.
        """
        if self._alive_until == -math.inf:
            return {}
        alive = now < self._alive_until
        silent = {flow for flow, names in _FLOWS.items() if all(self._is_zero(name) for name in names)}
        found: dict[str, Value] = {}
        for row in _ROWS:
            held = self._held.get(row.parameter)
            if held is None or not self._there.issuperset(row.needs):
                continue
            if alive and self._stands(held, now) and silent.isdisjoint(row.needs):
                found[row.key] = row.convert(held.raw)
            elif not QUANTITIES[row.key].holds:
                found[row.key] = None
        return found

    def _live(self, now: float, seconds: float) -> None:
        if now >= self._alive_until:
            self._alive_since = now
        self._alive_until = max(self._alive_until, now + seconds)

    def _stands(self, held: _Held, now: float) -> bool:
        """Confirmed lately, and not from before a silence: what changed in a silence was never told."""
        return now - held.at <= self._confirm_within and held.at > self._alive_since - self._stale

    def _ahead(self, held: _Held, told_at: datetime | None, now: float) -> bool:
        newer = held.streamed is not None and told_at is not None and held.streamed > told_at
        return newer and now - held.at <= self._confirm_within

    def _merge(self, told: Mapping[str, _Held]) -> None:
        self._held.update(told)
        for what, names in _PROOFS.items():
            if any(number(told[name].raw) for name in names if name in told):
                self._there.add(what)

    def _is_zero(self, name: str) -> bool:
        return name in self._held and number(self._held[name].raw) == 0


def _known(params: Mapping[str, object]) -> dict[str, object]:
    return {name: raw for name, raw in params.items() if name in _PARAMETERS}


class Throttle:
    """When to publish: at most every ``every`` seconds, at once on a big change, never for nothing.

    A power that changed by 300 W and by a quarter is a big change, and so is a text that changed or a value that
    became known or unknown. Without any change known values are due once a minute: they stay alive.
    """

    def __init__(self, every: float) -> None:
        self._every = every
        self._said: Mapping[str, Value] = {}
        self._said_at = -math.inf

    def due(self, values: Mapping[str, Value], now: float) -> bool:
        """Whether to publish; if so, these values count as published."""
        if not values:
            return False
        before, waited = self._said, now - self._said_at
        keys = before.keys() | values.keys()
        changed = [key for key in keys if before.get(key) != values.get(key)]
        if changed:
            big = any(_big(key, before.get(key), values.get(key)) for key in changed)
            due = waited >= (min(QUICKEST, self._every) if big else self._every)
        else:
            due = waited >= ALIVE and any(value is not None for value in values.values())
        if due:
            self._said, self._said_at = dict(values), now
        return due


def _big(key: str, before: Value, after: Value) -> bool:
    if not isinstance(before, int | float) or not isinstance(after, int | float):
        return True
    step = max(300.0, 0.25 * max(abs(before), abs(after)))
    return QUANTITIES[key].unit == "W" and abs(after - before) >= step
