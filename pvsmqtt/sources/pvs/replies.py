"""What the small replies of the PVS have in common: an object, a result, and truth written in several ways."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pvsmqtt.sources.pvs.refusal import Refusal, Refused
from pvsmqtt.sources.pvs.values import on_off, text

_ERRORS = ("msg", "error", "description", "errorcode")
"""Keys that only a reply that failed has, in the order in which they say most."""


def succeeded(payload: object, *expected: str) -> Mapping[str, Any]:
    """The reply as an object.

    ``result`` is ``succeed``, absent, or an object that holds the reply. One of the ``expected`` keys in a reply
    without ``result`` proves that it is what was asked for, whatever else stands in it.

    Raises:
        Refused: WRONG_SHAPE when it is no object, NOT_SUCCEED when the PVS says that it failed.
    """
    if not isinstance(payload, dict):
        raise Refused(Refusal.WRONG_SHAPE, f"the reply is a JSON {type(payload).__name__}, not an object")
    result = payload.get("result")
    good = result is None or result == "succeed" or isinstance(result, dict)
    told = result is not None or any(key in payload for key in expected)
    failed = payload.get("success") is False or (not told and any(key in payload for key in (*_ERRORS, "status")))
    if not good or failed:
        said = next((word for key in _ERRORS if (word := text(payload.get(key)))), None) or text(result)
        raise Refused(Refusal.NOT_SUCCEED, f"the PVS says {(said or 'that it failed')[:80]!r}")
    return payload


def wrong_shape(what: str) -> Refused:
    """``the reply has no list of panels``, to be raised."""
    return Refused(Refusal.WRONG_SHAPE, f"the reply has no {what}")


def flag(raw: object) -> str | None:
    """``true``, ``"true"``, ``1`` -> ``on``; ``false``, ``"false"``, ``0`` -> ``off``."""
    if isinstance(raw, bool):
        return "on" if raw else "off"
    word = text(raw)
    return {"true": "on", "false": "off"}.get(word.lower()) if word and word.isalpha() else on_off(raw)
