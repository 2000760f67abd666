"""A synthetic bus of one MIO whose truth is known, and the API of a PVS that tells of it now and then."""

from __future__ import annotations

import random
import struct
from collections.abc import Mapping

from pvsmqtt.commands.learn.history import History
from pvsmqtt.modbus.block import RegisterBlock, Table
from pvsmqtt.model.device import Device, Kind
from pvsmqtt.model.reading import Reading, Value

START = 1.782e9
POLL, ASK = 15.0, 60.0
UNIT, FIRST = 221, 100
MIO = Device("sy01", Kind.MIO, "MIO SY01", serial="SY01", modbus_unit=UNIT, interface="ttymxc5")


class Bus:
    """Registers by name, in the order of their first appearance; polled every 15 s, asked about every minute."""

    def __init__(self, seed: int, device: Device = MIO, unit: int = UNIT) -> None:
        self.random = random.Random(seed)
        self.history = History()
        self.lines: list[str] = []
        self.device = device
        self.unit = unit
        self.now = START
        self.addresses: dict[str, int] = {}

    def step(self, registers: Mapping[str, int], values: Mapping[str, Value] | None) -> None:
        for name in registers:
            self.addresses.setdefault(name, FIRST + len(self.addresses))
        words = tuple(value & 0xFFFF for value in registers.values())
        block = RegisterBlock(self.unit, Table.HOLDING_REGISTERS, FIRST, words, 0.0)
        self.lines += self.history.take(block, self.now)
        if values is not None:
            reading = Reading(self.device, values, "test", age=self.random.uniform(0, 30))
            late = self.random.uniform(-5, 5) + (reading.age or 0)
            self.lines += self.history.tell(reading, self.now + late)
        self.now += POLL


def walk(random_: random.Random, value: float, size: float, low: float, high: float) -> float:
    return min(high, max(low, value + random_.uniform(-size, size)))


def house(seed: int = 1, steps: int = 960, device: Device = MIO) -> Bus:
    """Temperature, humidity, two voltages, a fan, a float, a signed pair, and decoys."""
    bus = Bus(seed, device)
    r = bus.random
    temperature, near, humidity, volts, dcdc, fan, watts = 20.0, 21.0, 50.0, 11.4, 12.1, 0, 0.0
    strangers = [r.randrange(100, 60000) for _ in range(40)]
    for n in range(steps):
        temperature = walk(r, temperature, 0.5, -5, 45)
        near += 0.3 * (temperature + 0.7 - near) + r.uniform(-0.2, 0.2)
        humidity = walk(r, humidity, 1.5, 15, 90)
        volts, dcdc, watts = (
            walk(r, volts, 0.05, 10, 13),
            walk(r, dcdc, 0.05, 11, 13),
            walk(r, watts, 9000, -9e4, 9e4),
        )
        fan ^= r.random() < 0.04
        strangers = [s + r.randint(-4, 4) for s in strangers]
        ticks = round(dcdc / 0.011)
        high, low = struct.unpack(">HH", struct.pack(">f", humidity))
        pair = round(watts) & 0xFFFFFFFF
        bus.step(
            {
                "constant": 7,
                "counter": n,
                "temperature": round(temperature * 10),
                "near": round(near * 10),
                "volts": round(volts * 1000),
                "twice": 2 * round(volts * 1000),
                "ticks": ticks,
                "flags": 0x40 | fan << 3 | r.getrandbits(1),
                "float low": low,
                "float high": high,
                "pair high": pair >> 16,
                "pair low": pair & 0xFFFF,
                "noise": r.getrandbits(16),
                **{f"stranger {i}": s for i, s in enumerate(strangers)},
            },
            {
                "temperature": round(round(temperature * 10) / 10, 1),
                "humidity": round(humidity, 1),
                "supply_voltage": round(volts * 1000) / 1000,
                "dcdc_supply_voltage": round(ticks * 0.011, 3),
                "power": round(watts),
                "fan_active": "on" if fan else "off",
                "firmware_error": 0,
                "gateway_voltage": round(11.4 + 0.02 * n % 1.3, 3),  # is on no register
            }
            if n % int(ASK / POLL) == 0
            else None,
        )
    return bus
