"""A polled bus in recorded time: what an adapter at any setting hears of it, without waiting."""

import random
from functools import cached_property

from helpers_modbus import read, registers
from helpers_uart import receive, wave

from pvsmqtt.sources.rs485.line import LineLost, Loss


def burst(baudrate, parity="N", polls=6, seed=1, answered=True, late=0.5):
    """What one poll of all units looks like: (time, bytes). As in such registers, many values are small."""
    rnd = random.Random(seed)
    character = (10 if parity == "N" else 11) / baudrate
    values = [rnd.choice([0, rnd.randrange(65536), rnd.randrange(300), 2400 + rnd.randrange(20)]) for _ in range(200)]
    now, chunks = late, []
    for _ in range(polls):
        unit, count, address = rnd.choice([220, 221, 230]), rnd.choice([1, 2, 4, 10, 20, 40]), rnd.randrange(100)
        chunks.append((now, read(unit, address, count)))
        now += 8 * character + 0.02
        if answered:
            response = registers(unit, *values[address : address + count])
            chunks.append((now, response))
            now += len(response) * character + 0.05
    return chunks


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


class Bus:
    """The same burst every ``period`` seconds. ``open`` is what `autobaud.find` takes; ``counts``: the adapter tells
    framing and parity errors."""

    def __init__(self, line, period=15.0, counts=True, impossible=()):
        self.line, self.period, self.counts, self.impossible = line, period, counts, impossible
        self.clock = Clock()
        self.opened = []
        self.open_now = 0
        self._heard = {}

    @classmethod
    def of(cls, baudrate, parity="N", swap=None, **options):
        of_burst = {name: options.pop(name) for name in ("polls", "seed", "answered", "late") if name in options}
        line = wave(burst(baudrate, parity, **of_burst), baudrate, parity)
        if swap is not None:
            line = line.swapped(fail_safe=swap == "fail-safe")
        return cls(line, **options)

    def heard(self, setting):
        key = (setting.baudrate, setting.parity)
        if key not in self._heard:
            self._heard[key] = receive(self.line, *key) if self.line else []
        return self._heard[key]

    async def open(self, setting):
        if setting in self.impossible:
            raise LineLost(Loss.SETTING, "cannot")
        self.opened.append(setting)
        self.open_now += 1
        return HeardLine(self, setting)


class HeardLine:
    name = "bus"
    clock = None

    def __init__(self, bus, setting):
        self.bus, self.setting = bus, setting
        self.at = bus.clock.now
        self.wrong = {"framing": 0, "parity": 0}

    @cached_property
    def all(self):
        return self.bus.heard(self.setting)

    async def read(self, patience):
        """Bytes come 16 ms late, as USB adapters have it."""
        bus = self.bus
        until = bus.clock.now + patience
        first = next((when for when, _ in self._from(self.at)), None)
        bus.clock.now = until if first is None or first > until else max(bus.clock.now, first) + 0.016
        data = bytearray()
        for when, one in self._from(self.at):
            if when > bus.clock.now:
                break
            data.append(one.byte)
            self.wrong["framing"] += one.framing_error
            self.wrong["parity"] += one.parity_error
        self.at = bus.clock.now
        return bytes(data)

    def _from(self, after):
        """(time, character) of what is heard after this moment, of this burst and the next."""
        turn = int(after // self.bus.period)
        for number in (turn - 1, turn, turn + 1):
            for one in self.all:
                when = number * self.bus.period + one.when
                if when > after:
                    yield when, one

    def errors(self):
        return dict(self.wrong) if self.bus.counts else {}

    def note(self):
        return ""

    async def close(self):
        self.bus.open_now -= 1
