"""How the service does, as metrics: rows that read the health document. Pure.

A reason that comes from outside could be anything; of one source at most `MOST_REASONS` are told, the most frequent,
and the rest as ``other``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.core import Metric as Family

from pvsmqtt.redaction import redact
from pvsmqtt.sinks.prometheus.names import PREFIX

MOST_REASONS = 50
OTHER = "other"

Document = Mapping[str, Any]
Sample = tuple[tuple[str, ...], Any]
"""Values of the labels, and the number; ``None``: unknown, so it is left out."""


@dataclass(frozen=True, slots=True)
class Row:
    """One metric: its name without the prefix, what it is, its labels, and its samples out of the document."""

    name: str
    help: str
    labels: tuple[str, ...]
    samples: Callable[[Document], Iterable[Sample]]

    @property
    def counts(self) -> bool:
        """Whether it is a counter."""
        return self.name.endswith("_total")


def families(health: Document) -> Iterator[Family]:
    """All metrics of the service; a family without a sample is left out."""
    for row in ROWS:
        kind = CounterMetricFamily if row.counts else GaugeMetricFamily
        family: Family = kind(f"{PREFIX}_{row.name}", row.help, labels=row.labels)
        for labels, number in row.samples(health):
            if isinstance(number, int | float):  # a truth is a number
                family.add_metric(labels, float(number))  # type: ignore[attr-defined]
        if family.samples:
            yield family


def _sources(health: Document) -> Iterator[tuple[tuple[str, str], Document]]:
    for source in health.get("sources") or ():
        yield (redact(source["name"]), source["kind"]), source


def _of_source(number: Callable[[Document], Any]) -> Callable[[Document], Iterable[Sample]]:
    return lambda health: ((who, number(source)) for who, source in _sources(health))


def _up(source: Document) -> bool | None:
    return {"ok": True, "failing": False}.get(source["state"])


def _refused(health: Document) -> Iterator[Sample]:
    for who, source in _sources(health):
        for reason, count in _few(source.get("refused") or {}):
            yield (*who, reason), count


def _refused_values(health: Document) -> Iterator[Sample]:
    for who, source in _sources(health):
        for quantity, reasons in (source.get("refused_values") or {}).items():
            for reason, count in _few(reasons):
                yield (*who, quantity, reason), count


def _part(name: str, key: str) -> Callable[[Document], Iterable[Sample]]:
    """A number of the broker or of the journal; nothing where there is none of them."""
    return lambda health: [((), (health.get(name) or {}).get(key))]


def _journal_ok(health: Document) -> Iterator[Sample]:
    if journal := health.get("journal"):
        yield (), journal["state"] == "ok"


def _dropped(health: Document) -> Iterator[Sample]:
    for reason, count in _few((health.get("journal") or {}).get("dropped") or {}):
        yield (reason,), count


def _restarts(health: Document) -> Iterator[Sample]:
    for part, count in _few(health.get("restarts") or {}):
        yield (redact(part),), count


def _few(counts: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    yield from ordered[:MOST_REASONS]
    if rest := ordered[MOST_REASONS:]:
        yield OTHER, sum(count for _, count in rest)


def _timestamp(text: str | None) -> float | None:
    return None if text is None else datetime.fromisoformat(text).timestamp()


_SOURCE = ("source", "kind")

ROWS: tuple[Row, ...] = (
    Row(
        "source_up", "Whether the last cycle of a source went well; absent until the first", _SOURCE, _of_source(_up)
    ),
    Row(
        "source_last_success_timestamp_seconds",
        "When a source last told something",
        _SOURCE,
        _of_source(lambda source: _timestamp(source.get("last_success"))),
    ),
    Row("source_cycles_total", "Cycles of a source", _SOURCE, _of_source(lambda source: source.get("cycles"))),
    Row("source_refused_total", "Cycles, requests or answers that were refused", (*_SOURCE, "reason"), _refused),
    Row(
        "source_refused_values_total",
        "Values that cannot be and were not taken",
        (*_SOURCE, "quantity", "reason"),
        _refused_values,
    ),
    Row("broker_connected", "Whether the MQTT broker is connected", (), _part("broker", "connected")),
    Row("broker_connections_total", "Connections to the MQTT broker", (), _part("broker", "connects")),
    Row("broker_published_messages_total", "Messages that were published", (), _part("broker", "published")),
    Row("journal_ok", "Whether the disk takes readings", (), _journal_ok),
    Row("journal_pending_readings", "Readings that the broker does not have yet", (), _part("journal", "pending")),
    Row("journal_oldest_reading_age_seconds", "Age of the oldest of them", (), _part("journal", "oldest_age")),
    Row("journal_size_bytes", "What the journal takes on the disk", (), _part("journal", "bytes")),
    Row("journal_written_readings_total", "Readings that were written to the disk", (), _part("journal", "written")),
    Row("journal_published_readings_total", "Readings that the broker has taken", (), _part("journal", "published")),
    Row("journal_dropped_readings_total", "Readings that were given up", ("reason",), _dropped),
    Row("part_restarts_total", "How often a part of the service ended and was started again", ("part",), _restarts),
)
"""The whole table."""
