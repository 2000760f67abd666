"""Which firmware a simulated supervisor runs: one table, and how each one writes its own name.

    legacy      ``dl_cgi`` without a login
    varserver   ``/auth`` and ``/vars`` over https, and little of ``dl_cgi``

A firmware is the model together with the build: 5412 on a PVS5 is newer than 61839 on a PVS6. The day in the
revision of the PVS5 builds is invented; it is not known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

JSON = "application/json"
HTML = "text/html"

Model = Literal["PVS6", "PVS5"]
Generation = Literal["legacy", "varserver"]
Shape = Literal["fields", "objects"]
Manner = Literal["2025", "pvs5", "2019"]


@dataclass(frozen=True, slots=True)
class Firmware:
    """One build and what sets it apart on the wire."""

    model: Model
    version: str
    """``2025.09``."""
    build: int
    generation: Generation
    revision: str = ""
    """What precedes the build in ``/sys/info/sw_rev``: ``2025.09.04``; empty: the version."""
    shape: Shape = "fields"
    """Whether ``/vars`` tells devices field by field or as one JSON object each."""
    manner: Manner = "2025"
    """Which keys a DeviceList has (a row of ``dl_cgi.MANNERS``)."""
    dotted: bool = False
    """Whether supervisor/info writes ``0.0.25.5408`` in place of ``2025.11, Build 5408``."""
    content_type: str = JSON
    """What ``/vars`` calls its replies: in the field not reliably JSON. Which build does what is a guess."""

    @property
    def has_live(self) -> bool:
        """Whether there is a WebSocket with live data: on a PVS6, and not from the beginning."""
        return self.model == "PVS6" and self.manner != "2019"

    @property
    def has_storage(self) -> bool:
        """Whether ``/vars`` knows batteries, transfer switches and ``/sys/pvs``."""
        return self.model == "PVS6"

    @property
    def tells_build(self) -> bool:
        """Whether supervisor/info has a ``BUILD``."""
        return self.model == "PVS6" and self.manner != "2019"

    @property
    def software(self) -> str:
        """As ``SWVER`` of ``dl_cgi``: ``2025.09, Build 61845``."""
        if self.dotted:
            return f"0.0.{self.version[2:4]}.{self.build}"
        return f"{self.version}, Build {self.build}"

    @property
    def sw_rev(self) -> str:
        """As ``/sys/info/sw_rev``: ``2025.09.04.61845``."""
        return f"{self.revision or self.version}.{self.build}"


FIRMWARES: dict[str, Firmware] = {
    "4150": Firmware("PVS6", "2019.5", 4150, "legacy", manner="2019"),
    "61839": Firmware("PVS6", "2025.06", 61839, "legacy"),
    "61840": Firmware("PVS6", "2025.06", 61840, "varserver", "2025.06.24", shape="objects", content_type=HTML),
    "61845": Firmware("PVS6", "2025.09", 61845, "varserver", "2025.09.04"),
    "61846": Firmware("PVS6", "2025.10", 61846, "varserver", "2025.10.20"),
    "pvs5-4990": Firmware("PVS5", "2021.9", 4990, "legacy", manner="pvs5"),
    "pvs5-5408": Firmware("PVS5", "2025.11", 5408, "varserver", "2025.11.04", dotted=True),
    "pvs5-5412": Firmware("PVS5", "2025.11", 5412, "varserver", "2025.11.18"),
}
DEFAULT = "61839"


def table() -> str:
    """The firmwares for ``--help``: name, model and software, one line each."""
    width = max(map(len, FIRMWARES))
    return "\n".join(
        f"  {name:<{width}}  {firmware.model}, {firmware.software}: {firmware.generation}"
        for name, firmware in FIRMWARES.items()
    )
