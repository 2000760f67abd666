"""What every table of the configuration file has in common.

A source or a sink describes its options in a class of its own, beside its code; the docstring of each field is
its explanation in the example configuration and in the documentation.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

ALLOW_FAST_POLLING: ContextVar[bool] = ContextVar("ALLOW_FAST_POLLING", default=False)
"""Whether intervals below their minimum are accepted: for tests, demo and simulators (see settings.py)."""


class Options(BaseModel):
    """A table of options: unknown keys are errors, values do not change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


def interval(minimum: float, reason: str) -> object:
    """A number of seconds, at least ``minimum`` (the ``reason`` goes into the error message)."""

    def check(value: float) -> float:
        if value < minimum and not ALLOW_FAST_POLLING.get():
            raise ValueError(f"{value:g} is less than the minimum of {minimum:g} seconds: {reason}")
        return value

    return Annotated[float, Field(gt=0, le=86400), AfterValidator(check)]
