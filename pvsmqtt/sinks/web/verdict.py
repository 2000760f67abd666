"""Whether the service is well, for ``/healthz``: what a machine restarts by, or a person is called for. Pure.

Not well is what lasts and what somebody can do something about: a source that fails for longer than a quarter of an
hour, or that neither tells nor fails; a broker that is away; a disk that takes no readings; a part of the service
that ends again and again. All is well for some minutes after a start, at night, and with a panel that is silent: each
of them is no trouble of the service.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pvsmqtt.model.device import Kind
from pvsmqtt.model.reading import DeviceState, root

SOURCE_PATIENCE = 900.0
"""Seconds for which a source may fail: it tries again all the time, and a PVS restarts in ten minutes."""
BROKER_PATIENCE = 300.0
"""Seconds for which the broker may be away."""
SILENT = 2
"""Times its patience, after which a source that neither tells nor fails hangs."""

Document = Mapping[str, Any]


def reasons(health: Document, states: Iterable[DeviceState] = ()) -> list[str]:
    """Why the service is not well, each a sentence; empty when it is.

    Args:
        health: the health document of this moment, with ``broker``.
        states: of the devices: equipment that sleeps in the dark cannot be asked.
    """
    known = list(states)
    return [*_sources(health, known), *_broker(health), *_journal(health), *_parts(health)]


def _sources(health: Document, states: Sequence[DeviceState]) -> Iterator[str]:
    for source in health.get("sources") or ():
        name, age, patience = source["name"], source.get("age"), source.get("patience")
        if source.get("trouble"):
            failing = source.get("failing_for") or 0.0
            if failing > SOURCE_PATIENCE and not asleep(name, states):
                yield _sentence(f"{name} has failed for {span(failing)}", source.get("message") or source["trouble"])
        elif patience and age is not None and age > SILENT * patience:
            yield (
                f"{name} has told nothing for {span(age)}, and did not fail either: restart the service, and please "
                "report this."
            )


def _broker(health: Document) -> Iterator[str]:
    broker = health.get("broker") or {}
    away = broker.get("away_for") or 0.0
    if away > BROKER_PATIENCE:
        yield _sentence(f"The MQTT broker has been away for {span(away)}", broker.get("message"))
    elif broker.get("denied"):
        yield _sentence("The MQTT broker throws away what is published", broker["denied"])


def _journal(health: Document) -> Iterator[str]:
    journal = health.get("journal") or {}
    if journal.get("state", "ok") != "ok":
        yield _sentence("Readings cannot be kept on the disk", journal.get("message") or journal["state"])


def _parts(health: Document) -> Iterator[str]:
    for part, times in (health.get("unstable") or {}).items():
        yield f"{part} has ended {times} times in succession and is started again each time: the log says why."


def asleep(source: str, states: Iterable[DeviceState]) -> bool:
    """Whether all that a source tells of are inverters that sleep in the dark: then nobody can answer it."""
    known = list(states)
    told = [state for state in known if root(source) in map(root, state.sources)]
    lines = {state.key for state in told if state.device.kind is Kind.BUS}
    things = {state.key: state for state in told if not state.device.logical}
    things |= {state.key: state for state in known if state.device.via in lines}
    return bool(things) and all(state.values.get("availability") == "asleep" for state in things.values())


def span(seconds: float) -> str:
    """``25 minutes``, ``3 hours``, ``2 days``."""
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= 2 * length or (unit == "minute" and seconds >= 60):
            number = int(seconds // length)
            return f"{number} {unit}{'s' if number != 1 else ''}"
    return f"{int(seconds)} seconds"


def _sentence(what: str, why: str | None) -> str:
    why = " ".join((why or "").split()).rstrip(".")
    return f"{what}: {why}" + ("" if why[-1] in "?!" else ".") if why else f"{what}."
