"""What every table of the configuration file has in common.

A source or a sink describes its options in a class of its own, beside its code; the docstring of each field is
its explanation in the example configuration and in the documentation.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Annotated, ClassVar, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

ALLOW_FAST_POLLING: ContextVar[bool] = ContextVar("ALLOW_FAST_POLLING", default=False)
"""Whether intervals below their minimum are accepted: for tests, demo and simulators (see settings.py)."""


LONGEST_INTERVAL = 86400
"""Seconds."""


class Options(BaseModel):
    """A table of options: unknown keys are errors, values do not change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    apart: ClassVar[tuple[str, ...]] = ("host", "name", "line")
    """Options in which no two tables of a kind of source may agree, as far as it has them."""

    @property
    def subject(self) -> str | None:
        """What this table is about: the first of the options that tell it apart."""
        return next(iter(self.distinctions().values()), None)

    def distinctions(self) -> dict[str, str]:
        """The options that tell this table apart, in the spelling in which they are compared."""
        return {key: str(value) for key in self.apart if (value := getattr(self, key, None)) is not None}

    def with_broker(self, mqtt: Options) -> Self:
        """These options, with what they leave open of a broker taken from those of ``[mqtt]``; most need none."""
        del mqtt
        return self


def interval(minimum: float, reason: str) -> object:
    """A number of seconds, at least ``minimum`` (the ``reason`` goes into the error message)."""
    return Annotated[float, Field(gt=0, le=LONGEST_INTERVAL), AfterValidator(at_least(minimum, reason))]


def at_least(minimum: float, reason: str) -> Callable[[float], float]:
    """The same as a check of a number, for a field validator."""

    def check(value: float) -> float:
        if value < minimum and not ALLOW_FAST_POLLING.get():
            raise ValueError(f"{value:g} is less than the minimum of {minimum:g} seconds: {reason}")
        return value

    return check
