"""What the options of all equipment that is asked over Modbus have in common."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field, PrivateAttr, field_validator, model_validator

from pvsmqtt.model.device import SITE_ID, slug
from pvsmqtt.options import LONGEST_INTERVAL, Options, at_least
from pvsmqtt.sources.register_units.options import register_maps, stale_after_interval, topic_id

if TYPE_CHECKING:
    from pvsmqtt.modbus.mapfile import RegisterMap


class MasterOptions(Options):
    """A table of equipment that is asked."""

    name: str = ""
    """Name of the connection: it is a device with this id, and devices without a serial number begin with it."""
    units: list[int] = Field(default=[], examples=[[126]])
    """Numbers of the units to ask, 1 to 247. Empty: those that are usual are looked for."""
    interval: float = Field(default=15.0, gt=0, le=LONGEST_INTERVAL)
    """Seconds between two cycles, at least 5."""
    stale_after: float = Field(default=90.0, gt=0, le=LONGEST_INTERVAL)
    """Seconds after which a value that was not told again no longer counts as the present: at least 10, and twice the
    interval."""
    timeout: float = Field(default=5.0, gt=0, le=60)
    """Seconds to wait for an answer."""
    pause: float = Field(default=0.05, ge=0, le=10)
    """Seconds between an answer and the next request: the equipment has others to serve."""
    maps: list[Path] = Field(default=[])
    """Files that say what registers mean, beside the maps that come with pvsmqtt; a later one has the last word."""
    site: str = ""
    """Name of the house this equipment belongs to, where one pvsmqtt serves several houses."""

    _register_maps: tuple[Any, ...] = PrivateAttr(default=())

    @property
    def register_maps(self) -> tuple[RegisterMap, ...]:
        """What stood in the ``maps`` when these options were read: other options when a file has changed."""
        return self._register_maps

    @property
    def site_id(self) -> str:
        """The id of the house."""
        return f"{SITE_ID}_{slug(self.site)}" if self.site else SITE_ID

    _slow_enough = field_validator("interval")(
        at_least(5, "the equipment has other masters, too, and most of it measures no faster")
    )
    _long_enough = field_validator("stale_after")(at_least(10, "a cycle may be missed while all is well"))

    @field_validator("name")
    @classmethod
    def _a_topic_id(cls, value: str) -> str:
        return topic_id(value, "conext") if value else value

    @field_validator("units")
    @classmethod
    def _good_units(cls, value: list[int]) -> list[int]:
        for unit in value:
            if not 1 <= unit <= 247:
                raise ValueError(f"{unit} is no unit; allowed: 1 to 247")
        return list(dict.fromkeys(value))

    @field_validator("maps")
    @classmethod
    def _good_maps(cls, value: list[Path]) -> list[Path]:
        register_maps(value)
        return value

    @model_validator(mode="after")
    def _with_maps(self) -> Self:
        self._register_maps = register_maps(self.maps)
        return self

    @model_validator(mode="after")
    def _stale_after_it_was_told(self) -> Self:
        stale_after_interval(self.stale_after, self.interval)
        return self


Order = Literal["auto", "big", "little"]
