"""The map of the invented registers and the boards that have them say the same."""

import pytest

from pvsmqtt.modbus.dialogue import Dialogue
from pvsmqtt.modbus.framer import PassiveFramer
from pvsmqtt.modbus.image import Images
from pvsmqtt.modbus.mapfile import decode, load, unknown
from pvsmqtt.modbus.values import TYPES
from pvsmqtt.simulator.rs485 import MAP, boards
from pvsmqtt.simulator.rs485.traffic import START, house_of, stream

ENTRIES = {(entry.units, entry.address): entry for entry in load(MAP).entries}


def images() -> Images:
    data, _ = stream(1, 1)
    framer, dialogue, heard = PassiveFramer(), Dialogue(), Images()
    for frame in framer.feed(data, 0.0) + framer.flush(1.0):
        block = dialogue.observe(frame)
        if block is not None:
            heard.take(block)
    return heard


def test_it_says_that_it_is_invented() -> None:
    assert load(MAP).source == "invented for the simulator"
    assert "INVENTED" in MAP.read_text()


@pytest.mark.parametrize("board", boards.BOARDS, ids=lambda board: board.unit)
def test_every_named_register_has_its_row_and_the_others_have_none(board: boards.Board) -> None:
    mapped = {address: entry for (units, address), entry in ENTRIES.items() if units == (board.unit,)}
    named = {address: name for address, name, _ in board.rows if not name.startswith("_")}
    assert {address: entry.quantity for address, entry in mapped.items()} == named
    assert all((entry.table == "input") == (board.function == 4) for entry in mapped.values())
    state = house_of(1).at(START)
    assert state.storage is not None
    for address, _, words in board.rows:
        if address in mapped:
            assert len(words(state.storage)) == TYPES[mapped[address].type].length


def test_what_is_heard_decodes_to_what_the_house_is_like() -> None:
    state = house_of(1).at(START)
    assert state.storage is not None
    maps, found, strange = [load(MAP)], {}, {}
    for (unit, table), image in images().items():
        for one in decode(maps, unit, table, image):
            found[unit, one.entry.quantity] = one.value
        strange[unit] = unknown(maps, unit, table, image)
    storage = state.storage
    assert found[221, "temperature"] == round(storage.temperature)
    assert found[221, "gateway_voltage"] == pytest.approx(storage.supply_voltages[2], abs=0.001)
    assert found[221, "fan_active"] == ("on" if storage.fan_on else "off")
    assert found[230, "pv_voltage_l1"] == pytest.approx(storage.pv_voltages[0], abs=0.06)
    assert found[220, "grid_voltage_l2"] == pytest.approx(storage.grid_voltages[1])
    assert found[220, "grid_relay"] == "closed"
    assert len(found) == len(ENTRIES)
    assert 102 in strange[220]
    assert 210 in strange[221]
    assert 14 in strange[230]
