"""The tables of docs/metrics.md, from the code: ``python -m pvsmqtt.sinks.prometheus.reference docs/metrics.md``."""

from __future__ import annotations

import sys
from pathlib import Path

from pvsmqtt.model.quantity import QUANTITIES
from pvsmqtt.sinks.prometheus import house, service
from pvsmqtt.sinks.prometheus.names import METRICS, PREFIX, Shape
from pvsmqtt.sinks.prometheus.page import BUILD, STARTED

MARK = "<!-- Below: python -m pvsmqtt.sinks.prometheus.reference docs/metrics.md -->\n"


def tables() -> str:
    """Everything below the mark."""
    own = [
        (f"{BUILD[0]}_info", "gauge", "`version`, `python`", BUILD[1]),
        (STARTED[0], "gauge", "", STARTED[1]),
        *(
            (f"{PREFIX}_{row.name}", "counter" if row.counts else "gauge", _labels(row.labels), row.help)
            for row in service.ROWS
        ),
    ]
    devices = [
        (house.ONLINE[0], "gauge", "", house.ONLINE[1]),
        (house.MEASURED[0], "gauge", "", house.MEASURED[1]),
        (f"{house.INFO[0]}_info", "gauge", _labels(house.FACTS), house.INFO[1]),
        *(
            (
                metric.name,
                "counter" if metric.shape is Shape.COUNTER else "gauge",
                f"`state`: {', '.join(metric.states)}" if metric.states else "",
                metric.help if QUANTITIES[key].key in metric.name else f"{metric.help} (`{key}`)",
            )
            for key, metric in METRICS.items()
        ),
    ]
    return f"\n## The service\n\n{_table('labels', own)}\n## Devices\n\n{_table('further labels', devices)}"


def _labels(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _table(labels: str, rows: list[tuple[str, str, str, str]]) -> str:
    lines = [f"| metric | type | {labels} | what it is |", "| --- | --- | --- | --- |"]
    lines += [f"| `{name}` | {kind} | {of} | {text} |" for name, kind, of, text in rows]
    return "".join(f"{line}\n" for line in lines)


if __name__ == "__main__":
    file = Path(sys.argv[1])
    head, mark, _ = file.read_text("utf-8").partition(MARK)
    file.write_text(head + (mark or MARK) + tables(), "utf-8")
