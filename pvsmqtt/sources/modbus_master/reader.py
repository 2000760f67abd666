"""All units behind one door: what answers is found, a cycle of reads fills their images, images become readings.

A unit that does not answer is left alone for a while and costs the others one time-out; a door that is shut costs
one try. What was learned of a unit (who it is, where its models stand, what it refuses) lasts over restarts. It is
looked at anew once an hour and after every trouble, and forgotten when the unit shows another firmware.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from pvsmqtt.modbus.block import RegisterBlock, Table
from pvsmqtt.modbus.image import Images
from pvsmqtt.modbus.mapfile import RegisterMap, of_product
from pvsmqtt.modbus.plan import Plan, Span
from pvsmqtt.model.device import Kind
from pvsmqtt.model.reading import Reading
from pvsmqtt.sources.memory import Memory
from pvsmqtt.sources.modbus_master import survey
from pvsmqtt.sources.modbus_master.fetch import Round
from pvsmqtt.sources.modbus_master.patient import Patient
from pvsmqtt.sources.modbus_master.refusal import NO_DOOR, Refusal, Refused
from pvsmqtt.sources.modbus_master.survey import Language, Unit
from pvsmqtt.sources.modbus_master.unit import Polled, identity_span, native_spans, sunspec_spans
from pvsmqtt.sources.register_units.chains import Chains
from pvsmqtt.sources.register_units.decoder import Decoder, Place
from pvsmqtt.sources.register_units.word_order import Order, plausible

LOOK_AGAIN = 3600.0
"""Seconds after which it is looked again who is there and where its models stand."""

LOOK_SOON = 60.0
"""The same while nobody was found at all."""

HOLDING = Table.HOLDING_REGISTERS


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is wanted behind a door."""

    units: tuple[int, ...]
    """Numbers that were ordered; none: ``usual`` ones are tried."""
    usual: tuple[int, ...]
    languages: tuple[Language, ...]
    maps: tuple[RegisterMap, ...] = ()
    everything: bool = False
    """Also registers that no equipment is known to fill."""
    order: Order = "auto"
    kinds: Mapping[int, Kind] = field(default_factory=dict)
    """What certain units are, whatever they say."""


class Reader:
    """One door. ``memory`` is shared by the doors of a source; ``monotonic`` is the clock of all times."""

    def __init__(
        self, patient: Patient, wanted: Wanted, place: Place, memory: Memory, monotonic: Callable[[], float]
    ) -> None:
        self.patient = patient
        self.units: dict[int, Polled] = {}
        self.absent: dict[int, str] = {}
        """Units that were looked for in vain, and why."""
        self.shut: Refused | None = None
        """Why nobody can be asked, while that is so."""
        self.refused: Counter[Refusal] = Counter()
        self.images = Images()
        self._wanted, self._memory, self._monotonic = wanted, memory, monotonic
        self._key = patient.door.name.rpartition(":")[2]
        self._maps: list[RegisterMap] = []
        self.chains = Chains(self.images, memory)
        self.decoder = Decoder(place, self.images, self._maps, self.chains, wanted.kinds)
        self._look_at = -math.inf
        for row in self._memory.table("units").get(self._key, []):
            if (unit := _unit(row)) is not None:
                self._admit(unit)

    @property
    def language(self) -> Language | None:
        """What is spoken behind this door, as far as anybody has answered."""
        return next((polled.unit.language for polled in self.units.values()), None)

    async def cycle(self, moment: Callable[[float], datetime]) -> list[Reading]:
        """Ask everybody once; what they told. ``moment`` is the wall clock's time of a time of our clock."""
        was_shut, self.shut = self.shut, None
        told: list[int] = []
        try:
            for polled in list(self.units.values()):
                now = self._monotonic()
                if now < polled.rest_until:
                    continue
                if was_shut is not None or polled.trouble is not None:
                    polled.surveyed = -math.inf  # it may be another one since
                if await self._ask(polled):
                    told.append(polled.unit.number)
            await self._look(told)
        except Refused as refused:
            self.shut = refused
            self._rest()
        now = self._monotonic()
        readings = (self.decoder.reading(number, now, moment) for number in told)
        return [reading for reading in readings if reading is not None]

    async def _ask(self, polled: Polled) -> bool:
        """Whether it told anything. Raises `Refused` when nobody behind this door can be asked."""
        number = polled.unit.number
        before = self._answers(number)
        this = Round(self.patient, number, partial(self._take, number), self._count)
        try:
            if self._monotonic() - polled.surveyed >= LOOK_AGAIN:
                await self._meet(polled, this)
            for table, plan in self._plans(polled):
                for span in list(plan.requests):
                    await this.fetch(table, plan, span)
        except Refused as refused:
            self._count(refused)
            polled.bad(refused, self._monotonic())
            if refused.reason in NO_DOOR:
                raise
            return False
        finally:
            polled.doubtful += this.doubtful
            if self._answers(number) == before:
                polled.admit_again()  # it was the unit that failed, and not its registers
        if self._answers(number) == before:
            polled.bad(Refused(Refusal.FAILURE, self._name(number)), self._monotonic())
            return False
        polled.good(self._monotonic())
        self._remember(polled)
        return True

    def _answers(self, number: int) -> int:
        heard = self.decoder.units.get(number)
        return heard.answers if heard else 0

    async def _meet(self, polled: Polled, this: Round) -> None:
        """Who is it, and where do its models stand?"""
        unit = polled.unit
        polled.admit_again()
        if unit.language is Language.SUNSPEC:
            for read in await survey.walk(self.patient, unit):
                self._take(unit.number, HOLDING, Span(read.address, len(read.registers)), read.registers)
            if (span := identity_span(self.chains.chain(unit.number))) is not None:
                await this.fetch(HOLDING, Plan([span]), span)
        polled.surveyed = self._monotonic()

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
        return [(HOLDING, polled.plan(HOLDING, spans, walls, learned.get(HOLDING)))]

    async def _look(self, told: list[int]) -> None:
        """Look for units that are not known yet; those that tell something join ``told``.

        Raises:
            Refused: nobody can be asked.
        """
        if self._monotonic() < self._look_at:
            return
        for number in survey.candidates(self._wanted.units, self._wanted.usual, iter(self.units)):
            if number in self.units:
                continue
            languages = self._wanted.languages if self.language is None else (self.language,)
            try:
                unit = await survey.look(self.patient, number, languages)
            except Refused as refused:
                self._count(refused)
                if refused.reason in NO_DOOR:
                    raise
                self.absent[number] = refused.detail
                continue
            if unit is None:
                self.absent[number] = "answers in no language that is known"
                continue
            if unit.language is Language.NATIVE and not self._maps_of(unit):
                self.absent[number] = f"no register map is for its product, {unit.product}"
                continue
            self.absent.pop(number, None)
            if await self._ask(self._admit(unit)):
                told.append(number)
                self._memory.set("units", {**self._memory.table("units"), self._key: self._document()})
        missing = not self.units or (self._wanted.units and len(self.units) < len(self._wanted.units))
        self._look_at = self._monotonic() + (LOOK_SOON if missing else LOOK_AGAIN)

    def _admit(self, unit: Unit) -> Polled:
        polled = self.units[unit.number] = Polled(unit, version=self._known(unit).get("version"))
        if unit.language is Language.NATIVE:
            self._maps += [one.for_unit(unit.number) for one in self._maps_of(unit)]
        return polled

    def _maps_of(self, unit: Unit) -> Sequence[RegisterMap]:
        """The maps of a unit. What is read only because it lies between others is known, but not published."""
        order = self._wanted.order if self._wanted.order != "auto" else self._memory.get("word_order")
        found = of_product(self._wanted.maps, unit.number, unit.product)
        its_own = [one for one in found if any(unit.number in entry.units for entry in one.entries)]
        if not self._wanted.everything:
            its_own = [one.of_live() for one in its_own]
        return [one.with_word_order("little") for one in its_own] if order == "little" else its_own

    def _remember(self, polled: Polled) -> None:
        """Keep what was learned of a unit that has just told everything; begin anew when it is another one since."""
        number = polled.unit.number
        self._check_order(polled)
        device = self.decoder.units[number].device
        version = device.sw_version if device else None
        if version is not None and polled.version not in (None, version):
            polled.plans.clear()
        polled.version = version or polled.version
        key = f"{self._key} {number}"
        known = self._memory.table("plans")
        document = {"of": self._nature(polled.unit), **polled.document()}
        if known.get(key) != document:
            self._memory.set("plans", {**known, key: document})

    def _check_order(self, polled: Polled) -> None:
        """Equipment may be set to tell the low word first: seen by values that can only be right in one order."""
        unit = polled.unit
        image = self.images.get((unit.number, HOLDING))
        if self._wanted.order != "auto" or unit.language is not Language.NATIVE or image is None:
            return
        order = plausible(self._maps, unit.number, image)
        if order is not None and order != (self._memory.get("word_order") or "big"):
            self._memory.set("word_order", order)
            self._maps[:] = [
                one.with_word_order(order) for polled in self.units.values() for one in self._renewed(polled.unit)
            ]

    def _renewed(self, unit: Unit) -> list[RegisterMap]:
        if unit.language is not Language.NATIVE:
            return []
        return [one.for_unit(unit.number) for one in self._maps_of(unit)]

    def _learned(self, unit: Unit) -> dict[str, Any]:
        plans = self._known(unit).get("plans")
        return plans if isinstance(plans, dict) else {}

    def _known(self, unit: Unit) -> dict[str, Any]:
        known = self._memory.table("plans").get(f"{self._key} {unit.number}")
        return known if isinstance(known, dict) and known.get("of") == self._nature(unit) else {}

    def _nature(self, unit: Unit) -> str:
        return unit.product or f"{unit.language} {unit.base}"

    def _rest(self) -> None:
        """Nobody can be asked: what is on its way is lost, and the connection begins anew."""
        for polled in self.units.values():
            polled.trouble = polled.trouble or self.shut

    def _count(self, refused: Refused) -> None:
        self.refused[refused.reason] += 1

    def _name(self, number: int) -> str:
        return f"{self.patient.door.name} unit {number}"

    def _document(self) -> list[list[Any]]:
        return [[p.unit.number, p.unit.language.value, p.unit.base, p.unit.product] for p in self.units.values()]


def _unit(row: object) -> Unit | None:
    """A unit that was remembered, if it is one."""
    if not isinstance(row, list) or len(row) != 4:
        return None
    number, language, base, product = row
    good = type(number) is int and 0 < number < 256 and language in list(Language) and type(base) is int
    return Unit(number, Language(language), base, product if isinstance(product, str) else None) if good else None
