"""What the devices tell, as metrics. Pure.

Every sample of a device has the labels ``device`` (its id, as in topics), ``name``, ``kind`` and ``site``. The house
itself is a device of kind ``site``: a sum over devices has to choose a kind.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.core import Metric as Family

from pvsmqtt.model.reading import DeviceState, Value
from pvsmqtt.sinks.prometheus.names import METRICS, PREFIX, Metric, Shape

LABELS = ("device", "name", "kind", "site")
STATE = "state"

ONLINE = (f"{PREFIX}_device_online", "Whether the device has live data; a panel asleep has")
MEASURED = (f"{PREFIX}_device_measured_timestamp_seconds", "When the device was measured last, by its own clock")
INFO = (f"{PREFIX}_device", "What a device is, to be joined by its id")
FACTS = ("model", "panel", "manufacturer", "sw_version", "hw_version", "via")


def families(states: Iterable[DeviceState]) -> Iterator[Family]:
    """All metrics of these devices; a family without a sample is left out."""
    online = GaugeMetricFamily(*ONLINE, labels=LABELS)
    measured = GaugeMetricFamily(*MEASURED, labels=LABELS)
    info = InfoMetricFamily(*INFO)
    told: dict[str, Family] = {}
    for state in states:
        labels = _labels(state)
        online.add_metric(labels, int(state.online))
        if state.measured_at is not None:
            measured.add_metric(labels, state.measured_at.timestamp())
        facts = {name: getattr(state.device, name) or "" for name in FACTS}
        info.add_metric([], {**dict(zip(LABELS, labels, strict=True)), **facts})
        for key, value in state.values.items():
            metric = METRICS.get(key)
            if metric is not None and value is not None:
                family = told.get(key) or told.setdefault(key, _family(metric))
                _add(family, metric, labels, value)
    found: dict[str, Family] = {family.name: family for family in (online, measured, info)}
    for key in METRICS:
        if key in told:
            found[told[key].name] = told[key]
    yield from (family for family in found.values() if family.samples)


def _labels(state: DeviceState) -> list[str]:
    device = state.device
    return [device.id, device.name, device.kind.value, device.site]


def _family(metric: Metric) -> Family:
    if metric.shape is Shape.COUNTER:
        return CounterMetricFamily(metric.name, metric.help, labels=LABELS)
    labels = (*LABELS, STATE) if metric.shape is Shape.STATES else LABELS
    return GaugeMetricFamily(metric.name, metric.help, labels=labels)


def _add(family: Family, metric: Metric, labels: list[str], value: Value) -> None:
    """A value that is none of this metric is left out, never told as 0."""
    name = metric.name
    names = dict(zip(LABELS, labels, strict=True))
    if metric.shape is Shape.SWITCH:
        if value in ("on", "off"):
            family.add_sample(name, names, int(value == "on"))
    elif metric.shape is Shape.STATES:
        if value in metric.states:
            for one in metric.states:
                family.add_sample(name, {**names, STATE: one}, int(one == value))
    elif isinstance(value, int | float) and math.isfinite(value):
        number = value * metric.factor
        if metric.factor != 1 and isinstance(value, float):
            number = float(f"{number:.12g}")  # what is beyond is dust of the multiplication
        # A counter that begins a little below 0 (a meter at night) begins at 0: Prometheus knows no other.
        family.add_sample(name, names, max(number, 0) if metric.shape is Shape.COUNTER else number)
