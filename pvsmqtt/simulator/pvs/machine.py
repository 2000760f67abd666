"""The simulated supervisor without its web server: clock, firmware, sessions, variables, and what a boot undoes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from pvsmqtt.simulator.pvs.firmware import DEFAULT, FIRMWARES, Firmware
from pvsmqtt.simulator.pvs.house import days
from pvsmqtt.simulator.pvs.house.house import COMMISSIONED, NIGHTLY_RESTART, House
from pvsmqtt.simulator.pvs.newer import device_fields, variables
from pvsmqtt.simulator.pvs.newer.auth import LIFETIME, Sessions
from pvsmqtt.simulator.pvs.newer.device_fields import Device
from pvsmqtt.simulator.pvs.newer.names import ENABLE, SETTINGS, Variables
from pvsmqtt.simulator.pvs.newer.numbering import Numbering
from pvsmqtt.simulator.pvs.newer.vars_api import Answer, VarsApi
from pvsmqtt.simulator.pvs.older import dl_cgi
from pvsmqtt.simulator.pvs.told import Replacements, ToldHouse, booted, of_traps, until
from pvsmqtt.simulator.pvs.traps import TRAPS, Trap
from pvsmqtt.simulator.pvs.web.stats import Stats


@dataclass
class Machine:
    """Every attribute may be changed while it runs, except `speed` and `start_at`.

    A change of `firmware` is an update: the supervisor boots before it answers the next request.
    """

    house: House = field(default_factory=House)
    speed: float = 1.0
    """Simulated seconds per second."""
    start_at: datetime | None = None
    """Simulated time at the start; None is now."""
    clock: Callable[[], datetime] | None = None
    """Gives the simulated time (UTC) in place of `speed` and `start_at`."""
    clock_offset: float = 0.0
    """Seconds that the supervisor's own clock is ahead of the simulated time."""
    firmware: Firmware | str = DEFAULT
    """A firmware, or the name of one in `FIRMWARES`."""
    traps: set[str] = field(default_factory=set)
    """Keys of `TRAPS`."""
    replaced: dict[int, str] = field(default_factory=dict)
    """Inverters that were replaced: place on the roof to the serial number of the new one."""
    inverters_missing_until: datetime | None = None
    """No inverter is told before this time of the supervisor's clock."""
    nightly_restart: bool = True
    """Whether the restart that the house's uptime shows every night undoes what a boot undoes."""
    session_lifetime: float = LIFETIME
    """Real seconds."""
    sliding: bool = False
    """Whether a session that is used lasts longer."""
    session_clock: Callable[[], float] = time.monotonic
    """Seconds of any epoch."""
    quoted_objects: bool = False
    """Whether JSON objects in ``/vars`` are told as text that holds JSON."""
    settings: dict[str, str] = field(default_factory=lambda: dict(SETTINGS))
    """What an owner may set, by the name of the variable."""
    stats: Stats = field(default_factory=Stats, init=False)

    def __post_init__(self) -> None:
        self.traps = set(self.traps)
        self.running = self._wanted()
        """The firmware that runs."""
        self.sessions = Sessions(lambda: self.session_clock())
        self._vars = VarsApi()
        self._replacements = Replacements()
        self._numbering = Numbering(self.house.seed, 1)
        self._boot_at: datetime | None = None
        self._nights: int | None = None
        self._devices: tuple[object, Variables] = (None, {})
        self._spent: dict[str, object] = {}
        self.start_clock()

    def start_clock(self) -> None:
        """Begin at `start_at`."""
        self._started = time.monotonic()
        self._epoch = self.start_at or datetime.now(UTC)

    def now(self) -> datetime:
        """The simulated time."""
        if self.clock is not None:
            return self.clock()
        if self.speed == 1 and self.start_at is None:
            return datetime.now(UTC)
        return self._epoch + timedelta(seconds=(time.monotonic() - self._started) * self.speed)

    def told_now(self) -> datetime:
        """What the supervisor's clock shows."""
        return self.now() + timedelta(seconds=self.clock_offset)

    @property
    def told(self) -> House:
        """The house as the supervisor tells of it now, by its own clock."""
        alterations = [
            booted(self._boot_at),
            self._replacements.alteration(self.replaced),
            *of_traps(self.traps),
            until(self.inverters_missing_until),
        ]
        return ToldHouse(self.house, timedelta(seconds=self.clock_offset), alterations)

    @property
    def live_enabled(self) -> bool:
        """Whether live data are sent: old firmware has no switch for it."""
        return self.running.generation == "legacy" or self.settings[ENABLE] == "1"

    def settle(self) -> None:
        """Do what is due before a request is answered: an update, the nightly restart."""
        nights = math.floor(((self.now() - COMMISSIONED).total_seconds() - NIGHTLY_RESTART) / days.DAY)
        if self._wanted() != self.running:
            self.boot()
        elif self.nightly_restart and self._nights is not None and nights > self._nights:
            self.boot(nightly=True)
        self._nights = nights

    def boot(self, nightly: bool = False) -> None:
        """Start anew: no sessions, no cached sets, other indices, uptime 0 (the house knows that of the night)."""
        self.running = self._wanted()
        self.sessions.clear()
        self._vars.clear()
        self.stats.boots += 1
        self._numbering = Numbering(self.house.seed, self.stats.boots + 1)
        self._devices = (None, {})
        if not nightly:
            self._boot_at = self.told_now()

    def device_list(self) -> bytes:
        """A DeviceList, finished now."""
        alterations = [trap.entry for trap in self._set_traps() if trap.entry is not None]
        body = dl_cgi.device_list(self.told, self.told_now(), self.running, alterations)
        self.traps -= {name for name in self.traps if TRAPS[name].once}
        return body

    def answer_vars(self, text: str, owner: bool) -> Answer:
        """Answer a query of ``/vars``, and do what it sets."""
        answer = self._vars.answer(text, self._variables(), owner, self.quoted_objects)
        self.stats.writes.extend(answer.writes)
        self.settings |= {write.name: write.value for write in answer.writes if write.accepted}
        return answer

    def hanging(self) -> frozenset[str]:
        """Variables for which no answer ever comes."""
        return frozenset().union(*(trap.hangs for trap in self._set_traps()))

    def _variables(self) -> Variables:
        now, offset = self.now(), timedelta(seconds=self.clock_offset)
        self._end_traps(device_fields.mark(now))
        supervisor = self.told.at(self.told_now()).supervisor
        live = variables.of_live_data(self.house, now, offset, self.running)
        for trap in self._set_traps():
            live = live if trap.live is None else trap.live(live)
        told = variables.of_supervisor(self.house, supervisor, self.running, self.settings)
        return told | live | self._of_devices(device_fields.mark(now))

    def _of_devices(self, mark: datetime) -> Variables:
        """As they were at the last full 5 minutes; rendered once for as long as nothing about them changes."""
        when, missing = mark + timedelta(seconds=self.clock_offset), self.inverters_missing_until
        hidden = missing is not None and when < missing
        key = (mark, when, self.house, frozenset(self.traps), tuple(self.replaced.items()), hidden)
        if self._devices[0] != key:
            told = self.told
            state = told.at(when)
            devices = filter(None, map(self._alter, device_fields.devices(told, state)))
            self._devices = (key, variables.of_devices(devices, self.running, self._numbering))
        return self._devices[1]

    def _alter(self, device: Device) -> Device | None:
        told: Device | None = device
        for trap in self._set_traps():
            if trap.fields is not None and told is not None:
                told = trap.fields(told)
        return told

    def _end_traps(self, mark: datetime) -> None:
        """A trap that comes once stays for the 5 minutes in which it was told first."""
        for name in [name for name in self.traps if TRAPS[name].once]:
            if self._spent.setdefault(name, mark) != mark:
                self.traps.discard(name)
        self._spent = {name: first for name, first in self._spent.items() if name in self.traps}

    def _set_traps(self) -> Iterator[Trap]:
        return (trap for name, trap in TRAPS.items() if name in self.traps)

    def _wanted(self) -> Firmware:
        return FIRMWARES[self.firmware] if isinstance(self.firmware, str) else self.firmware
