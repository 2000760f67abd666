"""Why a message cannot be used, and what to do about it."""

from __future__ import annotations

from enum import StrEnum


class Refusal(StrEnum):
    """Every reason; the value is what the health topic counts."""

    FOREIGN = "foreign"
    RETAINED = "retained"
    REPEATED = "repeated"
    TOO_LARGE = "too_large"
    NOT_JSON = "not_json"
    NESTED = "nested"
    WRONG_SHAPE = "wrong_shape"
    NO_SERIAL = "no_serial"
    OTHER_SERIAL = "other_serial"
    NO_VALUES = "no_values"
    NO_TIME = "no_time"
    WRONG_TIME = "wrong_time"
    CROWD = "crowd"


QUIET = frozenset({Refusal.FOREIGN, Refusal.RETAINED, Refusal.REPEATED})
"""Counted, and no trouble: other topics below the prefix, and old news."""

_OTHER = "something else than yasdi2mqtt seems to publish below this topic: look with mosquitto_sub -v"

ADVICE: dict[Refusal, tuple[str, str]] = {
    Refusal.TOO_LARGE: ("a message is too large", _OTHER),
    Refusal.NOT_JSON: ("a message is not JSON", _OTHER),
    Refusal.NESTED: ("a message is nested too deeply", _OTHER),
    Refusal.WRONG_SHAPE: ("a message is JSON, but no object", _OTHER),
    Refusal.NO_SERIAL: ("a message has no serial number (sn)", _OTHER),
    Refusal.OTHER_SERIAL: ("the serial number in a message is not that of its topic", _OTHER),
    Refusal.NO_VALUES: ("a message has no values", _OTHER),
    Refusal.NO_TIME: ("a message has no time", _OTHER),
    Refusal.WRONG_TIME: (
        "the time in a message is more than a day off",
        "set the clock of the machine on which yasdi2mqtt runs, or of this one",
    ),
    Refusal.CROWD: ("more inverters are told of than can be on a line", _OTHER),
}
"""What it is, and what to do. Nothing of a payload."""

SILENT = (
    "check that yasdi2mqtt runs and finds its inverters (its log), that it publishes to this broker, and that topic "
    "in [[yasdi]] is its MQTT_TOPIC_PREFIX. At night, when inverters sleep, it has nothing to say"
)
"""What to do when nothing is heard."""


def told(refusal: Refusal) -> str:
    """A refusal for people."""
    what, advice = ADVICE[refusal]
    return f"{what}: {advice}"
