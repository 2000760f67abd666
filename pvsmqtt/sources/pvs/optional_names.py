"""Which of the variables that firmware may have or lack this one has.

One unknown name makes the PVS refuse a whole request, and some variables never answer on certain builds. So all are
asked for together once; if that is refused, one by one; the ones that may hang always alone. What was found is
remembered for as long as the build stays the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pvsmqtt.sources.pvs import varserver
from pvsmqtt.sources.pvs.login import Login
from pvsmqtt.sources.pvs.memory import Memory
from pvsmqtt.sources.pvs.refusal import Refusal, Refused
from pvsmqtt.sources.pvs.requests import NAMES, by_name

KEY = "names"

COMMON = (
    "/sys/info/sw_rev",
    "/sys/info/serialnum",
    "/sys/info/model",
    "/sys/info/hwrev",
    "/sys/info/sys_type",
    "/sys/info/finance_type",
    "/sys/info/active_interface",
    "/sys/info/uptime",
    "/sys/info/cpu_usage",
    "/sys/info/ram_usage",
    "/sys/info/flash_usage",
    "/sys/toggle_cell/broadband_connected",
    "/sys/toggle_cell/cell_connected",
    "/sys/toggle_cell/low_data_mode",
    "/net/sta0/state",
)
PVS6 = (
    "/net/wan0/state",
    "/net/wan1/state",
    "/net/wwan0/state",
    "/ess/config/dcm/mode_param/control_mode",
    "/ess/config/dcm/control_param/min_customer_soc",
)
PVS5 = ("/net/wan/state", "/net/cell/state", "/net/plc/state")
MAY_HANG = ("/sys/pvs/flashwear_type_b", "/sys/pvs/usb_erase_count")
"""Only a PVS6 has them."""

_ABSENT = frozenset({Refusal.BAD_REQUEST, Refusal.NOT_FOUND, Refusal.FORBIDDEN})


class OptionalNames:
    """The names that this PVS has."""

    def __init__(self, login: Login, memory: Memory, model: str | None, build: int | None) -> None:
        self._login = login
        self._memory = memory
        self._model = model
        self._build = build
        self._asked = False

    async def names(self) -> Sequence[str]:
        """Every name that can be asked for together with the others.

        Raises:
            Refused: when the PVS does not answer at all; nothing is remembered then.
        """
        known = self._memory.get(KEY)
        known = known if isinstance(known, dict) and known.get("build") == self._build else {}
        have, hang = _names(known, "have"), _names(known, "hang")
        wanted = [*COMMON, *(PVS5 if self._model == "PVS5" else PVS6)]
        # What a PVS lacks may only have been late when it started: it is asked once more in each run.
        if have and (self._asked or set(have) | set(hang) >= {*wanted, *self._risky()}):
            return have
        have = wanted if await self._has(*wanted) else [name for name in wanted if await self._has(name)]
        for name in self._risky():
            if name not in hang:
                answer = await self._has(name, may_hang=True)
                have = [*have, name] if answer else have
                hang = [*hang, name] if answer is None else hang
        self._asked = True
        if have:
            self._memory.set(KEY, {"build": self._build, "have": have, "hang": hang})
        return have

    def _risky(self) -> Sequence[str]:
        return () if self._model == "PVS5" else MAY_HANG

    def forget(self) -> None:
        """What was remembered has turned out to be wrong."""
        self._memory.set(KEY, None)
        self._asked = False

    async def _has(self, *names: str, may_hang: bool = False) -> bool | None:
        """Whether all these are there; ``None`` when there never is an answer."""
        try:
            return bool(varserver.variables(await self._login.get(by_name(names))))
        except Refused as refused:
            if refused.reason in _ABSENT:
                return False
            if may_hang and refused.reason in (Refusal.TIMEOUT, Refusal.BROKEN_OFF):
                return None
            raise


def _names(known: dict[str, Any], key: str) -> list[str]:
    names = known.get(key)
    return [name for name in names if isinstance(name, str) and name in NAMES] if isinstance(names, list) else []
