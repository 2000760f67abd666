"""All units behind one door: what answers is found, a cycle of reads fills their images, images become readings.

A unit that does not answer is left alone for a while and costs the others one time-out; a door that is shut costs
one try. What was learned of a unit (who it is, where its models stand, what it refuses) lasts over restarts. It is
looked at anew once an hour and after every trouble, and forgotten when another device or another firmware is there.
What a unit refuses while it tells nothing at all teaches nothing: it may be starting.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

from pvsmqtt.modbus.block import RegisterBlock, Table
from pvsmqtt.modbus.image import Images
from pvsmqtt.modbus.mapfile import RegisterMap
from pvsmqtt.modbus.plan import Plan, Span
from pvsmqtt.model.reading import Reading
from pvsmqtt.sources.memory import Memory
from pvsmqtt.sources.modbus_master import survey
from pvsmqtt.sources.modbus_master.patient import Patient
from pvsmqtt.sources.modbus_master.refusal import FINAL, NO_DOOR, Refusal, Refused
from pvsmqtt.sources.modbus_master.survey import Language, Unit
from pvsmqtt.sources.modbus_master.unit import Polled, identity_span, native_spans, sunspec_spans
from pvsmqtt.sources.modbus_master.wanted import Wanted
from pvsmqtt.sources.register_units.chains import Chains
from pvsmqtt.sources.register_units.decoder import Decoder, Place
from pvsmqtt.sources.register_units.word_order import plausible

LOOK_AGAIN = 3600.0
"""Seconds after which it is looked again who is there and where its models stand."""

LOOK_SOON = 60.0
"""The same while nobody was found at all."""

HOLDING = Table.HOLDING_REGISTERS


class Reader:
    """One door. ``memory`` is shared by the doors of a source; ``monotonic`` is the clock of all times."""

    def __init__(
        self, patient: Patient, wanted: Wanted, place: Place, memory: Memory, monotonic: Callable[[], float]
    ) -> None:
        self.patient = patient
        self.units: dict[int, Polled] = {}
        self.absent: dict[int, Refused] = {}
        """Units that were looked for in vain, and why."""
        self.shut: Refused | None = None
        """Why nobody can be asked, while that is so."""
        self.refused: Counter[Refusal] = Counter()
        self.images = Images()
        self._wanted, self._memory, self._monotonic = wanted, memory, monotonic
        self._key = patient.door.name.rpartition(":")[2]
        self._maps: list[RegisterMap] = []
        self.chains = Chains(self.images, memory, self._describes_itself)
        self.decoder = Decoder(place, self.images, self._maps, self.chains, wanted.kinds)
        self._look_at = -math.inf
        rows = self._memory.table("units").get(self._key)
        for unit in map(Unit.of_row, rows if isinstance(rows, list) else ()):
            if unit is not None and self._wanted.wants(unit):
                self._admit(unit)

    @property
    def language(self) -> Language | None:
        """What is spoken behind this door, as far as anybody has answered."""
        return next((polled.unit.language for polled in self.units.values()), None)

    @property
    def ordered(self) -> tuple[int, ...]:
        """Units that have to be there."""
        return self._wanted.units

    async def cycle(self, moment: Callable[[float], datetime]) -> list[Reading]:
        """Ask everybody once; what they told. ``moment`` is the wall clock's time of a time of our clock."""
        was_shut, self.shut = self.shut, None
        for polled in self.units.values():
            polled.answers = 0
        try:
            for polled in list(self.units.values()):
                if self._monotonic() < polled.rest_until:
                    continue
                if was_shut is not None or polled.trouble is not None:
                    polled.surveyed = -math.inf  # it may be another one since
                await self._ask(polled)
            if self._monotonic() >= self._look_at:
                await self._look()
        except Refused as refused:
            self.shut = refused
            for polled in self.units.values():
                polled.trouble = polled.trouble or refused
        now = self._monotonic()
        told = [number for number, polled in self.units.items() if polled.answers]
        readings = (self.decoder.reading(number, now, moment) for number in told)
        return [reading for reading in readings if reading is not None]

    async def _ask(self, polled: Polled, just_seen: bool = False) -> None:
        """Everything that is wanted of a unit. Raises `Refused` when nobody behind this door can be asked."""
        trouble: Refused | None = None
        try:
            if self._monotonic() - polled.surveyed >= LOOK_AGAIN:
                await self._meet(polled, just_seen)
            polled.answers = 0  # that it says who it is proves little: equipment that starts does so, too
            for table, plan in self._plans(polled):
                for span in list(plan.requests):
                    if plan.requests:
                        trouble = await self._fetch(polled, table, plan, span) or trouble
        except Refused as refused:
            self._count(refused)
            if self._is_shut(refused):
                raise
            trouble = refused
        else:
            if polled.answers:
                trouble = None  # what it does not have is no trouble
        if trouble is not None:
            polled.bad(trouble, self._monotonic())
        else:
            self._wake_all()
            polled.good(self._monotonic())
        if polled.answers:
            self._remember(polled)

    async def _meet(self, polled: Polled, just_seen: bool) -> None:
        """Who is it, and where do its models stand?"""
        number = polled.unit.number
        if not just_seen:
            mine, others = polled.unit.language, set(self._wanted.languages) - {polled.unit.language}
            seen = await survey.look(self.patient, number, (mine,))
            seen = seen or await survey.look(self.patient, number, tuple(others))
            if seen is None:
                raise Refused(Refusal.NOBODY, f"{self._name(number)} answers, but no longer says who it is")
            if seen != polled.unit:
                polled.become(seen)
                self._renew_maps()
        whole = True
        if polled.unit.language is Language.SUNSPEC:
            reads, whole = await survey.walk(self.patient, polled.unit)
            for read in reads:
                self._take(number, HOLDING, Span(read.address, len(read.registers)), read.registers)
            if (span := identity_span(self.chains.chain(number))) is not None:
                await self._fetch(polled, HOLDING, Plan([span]), span)
        for plan in polled.plans.values():
            plan.retry()
        polled.surveyed = self._monotonic() - (0.0 if whole else LOOK_AGAIN - LOOK_SOON)

    async def _fetch(self, polled: Polled, table: Table, plan: Plan, span: Span) -> Refused | None:
        """Read this, in parts where it has to be; why it was not told as a whole, if it was not. Raises `Refused`
        when the unit, or the door, does not answer at all."""
        number = polled.unit.number
        try:
            registers = await self.patient.read(number, span, table)
        except Refused as refused:
            if refused.reason is Refusal.FUNCTION:
                plan.give_up()
            else:
                final = polled.is_final(refused, table, span)
                halves = plan.halves(span, for_good=refused.reason in FINAL)
                if halves is None and final:
                    plan.put_off(span)
                elif halves is not None:
                    parts = [await self._fetch(polled, table, plan, half) for half in halves]
                    if final and parts == [None, None]:
                        plan.separate(halves[1].address)
            self._count(refused)
            return refused
        polled.answered(table, span)
        self._take(number, table, span, registers)
        return None

    def _take(self, number: int, table: Table, span: Span, registers: tuple[int, ...]) -> None:
        block = RegisterBlock(number, table, span.address, registers, self._monotonic())
        image = self.images.take(block)
        self.decoder.take(block, () if image is None else image.changed)

    def _plans(self, polled: Polled) -> list[tuple[Table, Plan]]:
        unit = polled.unit
        learned = self._learned(unit)
        if unit.language is Language.NATIVE:
            wanted = native_spans(self._maps, unit.number, self._wanted.everything)
            return [(table, polled.plan(table, spans, (), learned.get(table))) for table, spans in wanted.items()]
        image = self.images.get((unit.number, HOLDING))
        if image is None:
            return []
        spans, walls = sunspec_spans(image, self.chains.chain(unit.number))
        wanted = {HOLDING: spans}
        for table, beside in native_spans(self._maps, unit.number, self._wanted.everything).items():
            wanted[table] = [*wanted.get(table, ()), *beside]
        return [
            (table, polled.plan(table, found, walls if table is HOLDING else (), learned.get(table)))
            for table, found in wanted.items()
        ]

    async def _look(self) -> None:
        """Look for units that are not known yet, and ask those that are found. Raises `Refused` when nobody can be
        asked."""
        for number in self._wanted.units or self._wanted.usual:
            if number in self.units:
                continue
            languages = self._wanted.languages if self.language is None else (self.language,)
            try:
                unit = await survey.look(self.patient, number, languages)
            except Refused as refused:
                self._count(refused)
                if self._is_shut(refused):
                    raise
                self.absent[number] = refused
                continue
            if unit is None:
                self.absent[number] = Refused(Refusal.NOBODY, f"{self._name(number)} answers in no known language")
            elif not self._wanted.wants(unit):
                detail = f"{self._name(number)}: no register map is for its product, {unit.product}"
                self.absent[number] = Refused(Refusal.NOBODY, detail)
            else:
                self.absent.pop(number, None)
                await self._ask(self._admit(unit), just_seen=True)
        missing = not self.units or (self._wanted.units and len(self.units) < len(self._wanted.units))
        self._look_at = self._monotonic() + (LOOK_SOON if missing else LOOK_AGAIN)

    def _admit(self, unit: Unit) -> Polled:
        polled = self.units[unit.number] = Polled(unit, version=self._known(unit).get("version"))
        self._renew_maps()
        return polled

    def _is_shut(self, refused: Refused) -> bool:
        """Whether nobody behind this door can be asked. Where somebody speaks Modbus, one that does not is alone."""
        return refused.reason in NO_DOOR and (refused.reason is not Refusal.NOT_MODBUS or not self.units)

    def _wake_all(self) -> None:
        """Where nobody answered and somebody does again, the others may, too."""
        if all(polled.trouble is not None for polled in self.units.values()):
            for polled in self.units.values():
                polled.rest_until = -math.inf

    def _describes_itself(self, number: int) -> bool:
        polled = self.units.get(number)
        return polled is not None and polled.unit.language is Language.SUNSPEC

    def _renew_maps(self) -> None:
        order = self._memory.get("word_order")
        self._maps[:] = [one for polled in self.units.values() for one in self._wanted.maps_of(polled.unit, order)]

    def _remember(self, polled: Polled) -> None:
        """Keep what was learned of a unit that has just told something; begin anew when it has another firmware."""
        number = polled.unit.number
        self._check_order(polled)
        device = self.decoder.units[number].device
        version = device.sw_version if device else None
        if version is not None and polled.version not in (None, version):
            polled.plans.clear()
        polled.version = version or polled.version
        rows = [one.unit.row for one in self.units.values()]
        self._memory.set("units", {**self._memory.table("units"), self._key: rows})
        document = {"of": self._nature(polled.unit), **polled.document()}
        self._memory.set("plans", {**self._memory.table("plans"), f"{self._key} {number}": document})

    def _check_order(self, polled: Polled) -> None:
        """Equipment may be set to tell the low word first: seen by values that can only be right in one order."""
        unit = polled.unit
        image = self.images.get((unit.number, HOLDING))
        if self._wanted.order != "auto" or unit.language is not Language.NATIVE or image is None:
            return
        order = plausible(self._maps, unit.number, image)
        if order is not None and order != (self._memory.get("word_order") or "big"):
            self._memory.set("word_order", order)
            self._renew_maps()

    def _learned(self, unit: Unit) -> dict[str, Any]:
        plans = self._known(unit).get("plans")
        return plans if isinstance(plans, dict) else {}

    def _known(self, unit: Unit) -> dict[str, Any]:
        known = self._memory.table("plans").get(f"{self._key} {unit.number}")
        return known if isinstance(known, dict) and known.get("of") == self._nature(unit) else {}

    @staticmethod
    def _nature(unit: Unit) -> str:
        return unit.product or f"{unit.language} {unit.base}"

    def _count(self, refused: Refused) -> None:
        self.refused[refused.reason] += 1

    def _name(self, number: int) -> str:
        return f"{self.patient.door.name} unit {number}"
