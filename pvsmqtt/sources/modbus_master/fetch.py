"""One request of a plan, in parts where it has to be.

A request that is refused for its registers (exceptions 2 and 3) will be refused again: it is halved until what is
refused is a single value, and what was learned stands in the plan. Exception 4 says that a unit cannot tell something
at present: it is halved, too, so that one bad register does not cost its neighbours, but nothing of it lasts: the
value is left out until the next look at the unit. A unit that fails altogether is not taken to pieces: after so many
failures (`FAILURES`) the rest of the round is as it was.
"""

from __future__ import annotations

from collections.abc import Callable

from pvsmqtt.modbus.block import Table
from pvsmqtt.modbus.plan import Plan, Span
from pvsmqtt.sources.modbus_master.patient import Patient
from pvsmqtt.sources.modbus_master.refusal import FINAL, Refusal, Refused

FAILURES = 16
"""In one round; one bad register among a hundred costs eight."""

Take = Callable[[Table, Span, tuple[int, ...]], None]


class Round:
    """One round of reads of one unit. ``take`` is given what was told, ``count`` each refusal."""

    def __init__(self, patient: Patient, unit: int, take: Take, count: Callable[[Refused], None]) -> None:
        self.doubtful: list[tuple[Plan, Span]] = []
        """Single values that the unit could not tell now."""
        self._patient, self._unit, self._take, self._count = patient, unit, take, count
        self._failures = 0

    async def fetch(self, table: Table, plan: Plan, span: Span) -> bool:
        """Read this; whether it was told as a whole.

        Raises:
            Refused: the unit, or nobody behind its door, answers at all.
        """
        try:
            registers = await self._patient.read(self._unit, span, table)
        except Refused as refused:
            if refused.reason not in FINAL and refused.reason not in (Refusal.FAILURE, Refusal.OTHER):
                raise
            self._count(refused)
            await self._in_parts(table, plan, span, refused.reason)
            return False
        self._take(table, span, registers)
        return True

    async def _in_parts(self, table: Table, plan: Plan, span: Span, reason: Refusal) -> None:
        final = reason in FINAL
        if not final:
            self._failures += 1
            if reason is Refusal.OTHER or self._failures > FAILURES:
                return
        halves = plan.halves(span)
        if halves is None:
            if not final:
                self.doubtful.append((plan, span))
            return
        first, second = [await self.fetch(table, plan, half) for half in halves]
        if first and second and final:
            plan.separate(halves[1].address)
