"""Learning from the simulated bus and the simulated PVS of the same house: hours of it, without waiting."""

import json
from datetime import timedelta
from itertools import islice

from pvsmqtt.commands.learn.analysis import analyse
from pvsmqtt.commands.learn.evidence import Strength
from pvsmqtt.commands.learn.history import History
from pvsmqtt.modbus.dialogue import Dialogue
from pvsmqtt.modbus.framer import PassiveFramer
from pvsmqtt.modbus.mapfile import load
from pvsmqtt.simulator.pvs.older.dl_cgi import device_list
from pvsmqtt.simulator.rs485 import MAP
from pvsmqtt.simulator.rs485.traffic import START, house_of, traffic
from pvsmqtt.sources.pvs.older import dl_cgi

HOURS = 6
BURST = 15


def gathered() -> History:
    house, history, framer, dialogue = house_of(1), History(), PassiveFramer(), Dialogue()
    for number, wire in enumerate(islice(traffic(1), HOURS * 3600 // BURST)):
        at = START.timestamp() + BURST * number
        for frame in framer.feed(wire.data, at) + framer.flush(at + 1):
            if (block := dialogue.observe(frame)) is not None:
                history.take(block, at)
        if number % 4 == 0:
            when = START + timedelta(seconds=BURST * number + 3)
            for reading in dl_cgi.decode(json.loads(device_list(house, when)), "x").readings:
                history.tell(reading, when.timestamp())
    return history


def test_what_is_learned_is_true() -> None:
    truth = {
        (unit, entry.quantity): (entry.table, entry.address, entry.scale)
        for entry in load(MAP).entries
        for unit in entry.units
    }
    found = {}
    for result in analyse(gathered()).results:
        if result.best is not None:
            meaning = result.best.meaning
            where = (meaning.place.table, meaning.place.address, round(meaning.scale, 6))
            found[meaning.place.unit, result.key] = (where, result.best.strength)
    strong = [spot for spot, (_, strength) in found.items() if strength is Strength.STRONG]
    assert (221, "dcdc_supply_voltage") in strong
    for spot in strong:
        assert found[spot][0] == truth[spot]
    # The others are whole degrees and per cent, or voltages with few steps: right, but weak evidence.
    for key in ("temperature", "humidity"):
        assert found[221, key][0][1] == {"temperature": 202, "humidity": 203}[key]
        assert found[221, key][1] is Strength.WEAK
    assert found[230, "grid_voltage_l1"][0] == truth[230, "grid_voltage_l1"]
