"""Which of the variables that firmware may have or lack this one has.

One unknown name makes the PVS refuse a whole request, and some variables never answer on certain builds. So all are
asked for together once; if that is refused, one by one; the ones that may hang always alone. What was found is
remembered for as long as the build stays the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pvsmqtt.sources.pvs.access.login import Login
from pvsmqtt.sources.pvs.access.requests import NAMES, by_name
from pvsmqtt.sources.pvs.memory import Memory
from pvsmqtt.sources.pvs.newer import varserver
from pvsmqtt.sources.pvs.refusal import Refusal, Refused

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

ASK_AGAIN = 86400.0

_ABSENT = frozenset({Refusal.BAD_REQUEST, Refusal.NOT_FOUND, Refusal.FORBIDDEN})


class OptionalNames:
    """The names that this PVS has."""

    def __init__(self, login: Login, memory: Memory, model: str | None, build: int | None) -> None:
        self._login = login
        self._memory = memory
        self._model = model
        self._build = build
        self._asked_at: float | None = None

    async def names(self, now: float) -> Sequence[str]:
        """Every name that can be asked for together with the others.

        Raises:
            Refused: when the PVS does not answer at all; nothing is remembered then.
        """
        known = self._memory.get(KEY)
        known = known if isinstance(known, dict) and known.get("build") == self._build else {}
        have, hang = _names(known, "have"), _names(known, "hang")
        if have and self._asked_at is None:
            self._asked_at = now
        lacking = [name for name in self._wanted() if name not in have and name not in hang]
        # What it lacks may only have been late when it started.
        if have and (not lacking or now - (self._asked_at or 0.0) < ASK_AGAIN):
            return have
        self._asked_at = now
        plain = [name for name in lacking if name not in MAY_HANG]
        if not have and await self._has(*plain):
            have = plain
        else:
            have += [name for name in plain if await self._has(name)]
        for name in lacking:
            if name in MAY_HANG:
                answer = await self._has(name, may_hang=True)
                have += [name] if answer else []
                hang += [name] if answer is None else []
        if have:
            self._memory.set(KEY, {"build": self._build, "have": have, "hang": hang})
        return have

    def _wanted(self) -> Sequence[str]:
        return (*COMMON, *PVS5) if self._model == "PVS5" else (*COMMON, *PVS6, *MAY_HANG)

    def forget(self) -> None:
        """What was remembered has turned out to be wrong."""
        self._memory.set(KEY, None)
        self._asked_at = None

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
