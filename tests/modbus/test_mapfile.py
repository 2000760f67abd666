"""Register maps: the form, what is refused and how it is said, and values out of an image."""

from __future__ import annotations

import struct
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvsmqtt.modbus.block import Table
from pvsmqtt.modbus.image import RegisterImage
from pvsmqtt.modbus.mapfile import (
    Entry,
    MapError,
    RegisterMap,
    decode,
    dump,
    facts,
    load,
    loads,
    of_product,
    shipped,
    unknown,
)
from pvsmqtt.modbus.mapfile.entry import FACTS, TRANSPORTS, Transport
from pvsmqtt.model.device import Kind
from pvsmqtt.model.quantity import QUANTITIES

HEAD = 'name = "Board"\nsource = "a test"\nunits = [220, "221-223"]\ntable = "holding"\nkind = "mio"\n'

CONEXT = (
    HEAD
    + """
registers = [
    { address = 0x0000, name = "device_name", type = "string", bytes = 16 },
    { address = 0x000A, name = "product", type = "string", length = 10 },
    { address = 0x0040, name = "system", type = "bits", bits = { 0 = "grid_to_load", 8 = "battery_to_load" } },
    { address = 0x0050, name = "voltage", type = "uint32", scale = 0.001, unit = "V", quantity = "battery_voltage" },
    { address = 0x0052, name = "current", type = "int32", scale = -0.001, quantity = "current", source = "seen" },
    { address = 0x0056, name = "temperature", type = "uint16", scale = 0.01, offset = -273, unit = "°C", max = 100 },
    { address = 0x007A, name = "status", type = "uint16", enum = { 1024 = "invert", 0x0401 = "ac_pass_through" } },
    { address = 0x00D0, name = "energy", type = "uint32", word_order = "little", missing = [0xFFFFFFFF] },
    { address = 7, table = "coils", name = "fan", type = "bool", enum = {0 = "off", 1 = "on"}, quantity = "FAN" },
    { address = 0x42, name = "door", type = "bool", bit = 3, units = 230, kind = "pv_disconnect" },
]
""".replace("FAN", "fan_active")
)


def image(**blocks: tuple[int, ...]) -> RegisterImage:
    found = RegisterImage()
    for address, registers in blocks.items():
        found.put(int(address[1:], 16), registers, 5.0)
    return found


def values(
    text: str, known: RegisterImage, unit: int = 220, table: Table = Table.HOLDING_REGISTERS
) -> dict[str, object]:
    return {row.entry.name: row.value for row in decode([loads(text)], unit, table, known)}


def one(row: str, *registers: int, table: str = "holding") -> object:
    """The value of a map of one row at address 0."""
    known = RegisterImage()
    known.put(0, [register & 0xFFFF for register in registers], 1.0)
    text = HEAD.replace('"holding"', f'"{table}"') + f'registers = [{{ address = 0, name = "x", {row} }}]'
    (found,) = decode([loads(text)], 220, Table(table), known)
    return found.value


def test_a_map_of_the_conext_form() -> None:
    name = struct.unpack(">8H", b"XW6848".ljust(16, b"\0"))
    known = image(
        x0000=name, x0040=(0x0103,), x0050=(0, 53512), x0052=(0xFFFF, 0xFF9C), x0056=(29815,), x007A=(1025,),
        x00D0=(1, 2), x0042=(8,),
    )  # fmt: skip
    assert values(CONEXT, known) == {
        "device_name": "XW6848",
        "system": "grid_to_load, bit 1, battery_to_load",
        "voltage": 53.512,
        "current": 0.1,
        "temperature": 25.15,
        "status": "ac_pass_through",
        "energy": 2 << 16 | 1,
    }
    assert values(CONEXT, known, unit=230) == {"door": 1}
    assert values(CONEXT, image(x0007=(1,)), table=Table.COILS) == {"fan": "on"}
    assert values(CONEXT, known, unit=224) == {}


def test_what_an_entry_says() -> None:
    entries = {entry.name: entry for entry in loads(CONEXT).entries}
    assert entries["voltage"] == Entry(
        (220, 221, 222, 223), Table.HOLDING_REGISTERS, 0x50, "uint32", "voltage", 2,
        scale=0.001, unit="V", quantity="battery_voltage", kind=Kind.MIO,
    )  # fmt: skip
    assert (entries["current"].unit, entries["current"].source) == ("A", "seen")
    assert (entries["device_name"].length, entries["door"].units, entries["door"].kind) == (
        8,
        (230,),
        Kind.PV_DISCONNECT,
    )


def test_missing_and_impossible_values() -> None:
    assert one('type = "int16", missing = 0x8000', 0x8000) is None
    assert one('type = "int16", missing = -32768', 0x8000) is None
    assert one('type = "int16", missing = 0x8000', -1) == -1
    assert one('type = "uint16", missing = [0xFFFF, 0]', 0) is None
    assert one('type = "uint16", scale = 0.1, min = 100, max = 140', 1213) == 121.3
    assert one('type = "uint16", scale = 0.1, min = 100, max = 140', 1401) is None
    assert one('type = "float32"', 0x7FC0, 0) is None
    assert one('type = "string", length = 2', 0, 0) is None


def test_numbers_without_a_name() -> None:
    assert one('type = "uint16", enum = { 1 = "one" }', 7) == 7
    assert one('type = "uint16", quantity = "grid_relay", enum = { 1 = "closed", 0 = "open" }', 1) == "closed"
    assert one('type = "uint16", quantity = "grid_relay", enum = { 1 = "closed", 0 = "open" }', 7) is None


def test_no_dust_of_multiplication() -> None:
    for scale in (0.1, 0.01, 0.001, 0.011):
        for raw in range(0, 65536, 97):
            places = len(str(scale)) - 2
            assert one(f'type = "uint16", scale = {scale}', raw) == float(f"{raw * scale:.{places}f}")


def test_holes_and_unknown_registers() -> None:
    known = image(x0050=(0,), x0056=(29815, 5, 6), x0099=(1,))
    assert values(CONEXT, known) == {"temperature": 25.15}
    maps = [loads(CONEXT)]
    assert unknown(maps, 220, Table.HOLDING_REGISTERS, known) == [0x57, 0x58, 0x99]
    assert unknown(maps, 220, Table.HOLDING_REGISTERS, known, {0x99}) == [0x57, 0x58]
    assert unknown(maps, 220, Table.INPUT_REGISTERS, known) == list(known)


def test_the_time_of_a_value_is_that_of_its_oldest_register() -> None:
    known = image(x0050=(0, 1))
    known.put(0x51, [7], 9.0)
    (row,) = decode([loads(CONEXT)], 220, Table.HOLDING_REGISTERS, known)
    assert (row.raw, row.when) == (7, 5.0)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ('type = "u16"', '(x): key `type`: found "u16", expected int16, uint16'),
        ('type = "uint"', "did you mean `uint"),
        ('type = "uint16", sclae = 2', "key `sclae`: is not known; did you mean `scale`?"),
        ('type = "uint16", scale = "2"', 'key `scale`: found "2", expected a number other than 0'),
        ('type = "uint16", scale = 0', "key `scale`: found 0"),
        ('type = "uint16", scale = nan', "key `scale`: found NaN"),
        ('type = "uint16", unit = "kV", quantity = "voltage"', 'found "kV", expected V, which `voltage`'),
        (
            'type = "uint16", quantity = "volts"',
            'key `quantity`: found "volts", expected a key of docs/quantities.md',
        ),
        ('type = "uint16", quantity = "fan_active"', "needs names for its numbers, out of on, off"),
        ('type = "uint16", quantity = "grid_relay", enum = { 1 = "shut" }', "out of closed, open, unknown"),
        ('type = "string", length = 2, quantity = "voltage"', "is a number, but the value is a text"),
        ('type = "string"', "a string has either `length` (registers) or `bytes`"),
        ('type = "string", bytes = 3', "key `bytes`: found 3, expected an even number"),
        ('type = "string", length = 2, scale = 2', "key `scale`: does not go with type string"),
        ('type = "uint16", length = 2', "key `length`: does not go with type uint16"),
        ('type = "uint16", units = 256', "key `units`: found 256, expected a unit (0 to 255)"),
        ('type = "uint16", units = "9-3"', 'key `units`: found "9-3"'),
        ('type = "uint16", units = []', "key `units`"),
        ('type = "uint16", table = "coils"', "expected bool, for table coils holds bits"),
        ('type = "bool"', "says which bit of a register"),
        ('type = "bool", bit = 1, table = "coils"', "coils and discrete inputs have none"),
        ('type = "bits", bits = { 16 = "no" }', "found bit 16, but there are 16"),
        ('type = "uint16", enum = { a = "no" }', "key `enum`: found"),
        ('type = "uint16", enum = { 1 = "a", 0x1 = "b" }', "key `enum`: found"),
        ('type = "uint16", enum = { 1 = "a" }, scale = 2', "names go with raw numbers"),
        ('type = "uint16", min = 2, max = 1', "key `min`: found 2, expected at most `max`, 1"),
        ('type = "uint16", kind = "fridge"', 'key `kind`: found "fridge", expected bridge'),
        ('type = "uint16", missing = 1.5', "key `missing`: found 1.5"),
        ('type = "string", length = 2, fact = "size"', 'key `fact`: found "size", expected serial, model'),
        ('type = "uint16", fact = "serial"', "key `fact`: does not go with type uint16"),
        ('type = "uint16", live = 1', "key `live`: found 1, expected true or false"),
    ],
)
def test_what_is_wrong_with_an_entry(row: str, said: str) -> None:
    with pytest.raises(MapError) as caught:
        loads(HEAD + f'registers = [{{ address = 0, name = "x", {row} }}]', "board.toml")
    assert str(caught.value).startswith("board.toml: registers[0]")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name = ?", "board.toml: is no TOML: Invalid value (at line 1, column 8)"),
        ("a = " + "[" * 9000, "board.toml: is no TOML"),
        ("a = 1" + "0" * 9000, "board.toml: is no TOML"),
        ("", "board.toml: key `registers`: is missing, expected a list of tables"),
        (HEAD + "registers = 5", "key `registers`: found 5"),
        (HEAD + 'transport = "http"\nregisters = []', 'key `transport`: found "http", expected rtu, conext'),
        (HEAD + 'products = "865"\nregisters = []', 'key `products`: found "865", expected a list of how'),
        (HEAD + "products = []\nregisters = []", "key `products`: found []"),
        (
            HEAD
            + """registers = [
                { address = 1, name = "a", type = "string", length = 1, fact = "serial" },
                { address = 2, name = "b", type = "string", length = 1, fact = "serial" },
            ]""",
            "fact `serial` stands twice in unit 220, at 1 and 2",
        ),
        (HEAD + "color = 5\nregisters = []", "board.toml: key `color`: is not known"),
        (HEAD + "registers = [{}]", "board.toml: registers[0]: key `address`: is missing, expected a number from 0"),
        (HEAD + 'registers = [{ address = 65535, name = "x", type = "uint32" }]', "end beyond 65535"),
        (HEAD + 'registers = [{ address = 65536, name = "x", type = "uint32" }]', "key `address`: found 65536"),
        (HEAD + 'registers = [{ address = true, name = "X", type = "uint32" }]', "key `address`: found true"),
        (
            HEAD
            + 'registers = [{ address = 1, name = "x", type = "int16" }, { address = 2, name = "x", type = "bits" }]',
            "board.toml: name `x` stands twice in unit 220, at 1 and 2",
        ),
    ],
)
def test_what_is_wrong_with_a_file(text: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "board.toml"
    file.write_text(text)
    with pytest.raises(MapError) as caught:
        load(file)
    assert said in str(caught.value)
    assert str(file) in str(caught.value)


def test_everything_wrong_is_told_at_once() -> None:
    with pytest.raises(MapError) as caught:
        loads("name = 5\nregisters = [{ address = -1 }, { type = 1 }]")
    assert len(caught.value.problems) >= 6


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(MapError, match=r"absent\.toml: cannot be read: No such file"):
        load(tmp_path / "absent.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(MapError, match="is no text in UTF-8"):
        load(tmp_path / "bytes.toml")
    with pytest.raises(MapError, match="cannot be read"):
        load(tmp_path)


def test_a_map_is_for_one_transport(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(WAYS + CONEXT)
    (tmp_path / "b.toml").write_text(CONEXT)
    assert load(tmp_path / "a.toml", "conext") == load(tmp_path / "a.toml")
    assert load(tmp_path / "b.toml", "rtu") == load(tmp_path / "b.toml")
    for name, other in (("a.toml", "rtu"), ("b.toml", "conext")):
        with pytest.raises(MapError, match=f'{name}: key `transport`: found ".*", expected "{other}"'):
            load(tmp_path / name, other)  # type: ignore[arg-type]


def test_the_maps_that_come_along_can_be_read() -> None:
    assert all(found.entries and found.source for way in ("rtu", "conext") for found in shipped(way))


WAYS = 'transport = "conext"\nproducts = ["865-6848", "865-1060-01"]\n'


def test_what_is_written_is_read_again() -> None:
    found = loads(CONEXT)
    assert loads(dump(found)) == found
    found = loads(WAYS + CONEXT)
    assert (found.transport, found.products) == ("conext", ("865-6848", "865-1060-01"))
    assert loads(dump(found)) == found
    row = '{ address = 0, name = "x", type = "string", length = 2, fact = "model", live = false }'
    found = loads(HEAD + f"registers = [{row}]")
    assert (found.transport, found.products) == ("rtu", ())
    assert (found.entries[0].fact, found.entries[0].live) == ("model", False)
    assert loads(dump(found)) == found
    assert loads(dump(RegisterMap("a", "b", ()))) == RegisterMap("a", "b", ())


texts = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12).filter(str.strip)
numbers = st.integers(-1000, 1000) | st.floats(allow_nan=False, allow_infinity=False)
plain_keys = [
    key for key, row in QUANTITIES.items() if not (row.unit or row.options or row.switch or row.state_class)
]


@st.composite
def entries(draw: st.DrawFn, index: int) -> Entry:
    kind = draw(st.sampled_from(("int16", "uint32", "float64", "string", "bits", "bool")))
    number = kind in ("int16", "uint32", "float64")
    coil = kind == "bool" and draw(st.booleans())
    named = kind in ("int16", "bool") and draw(st.booleans())
    scaled = number and not named
    low, high = sorted((draw(numbers), draw(numbers)))
    fixed = {"int16": 1, "uint32": 2, "float64": 4, "bool": 1, "bits": draw(st.sampled_from((1, 2, 4)))}
    return Entry(
        units=tuple(sorted(draw(st.sets(st.integers(0, 255), min_size=1)))),
        table=Table.COILS if coil else draw(st.sampled_from((Table.HOLDING_REGISTERS, Table.INPUT_REGISTERS))),
        address=draw(st.integers(0, 65000)),
        type=kind,
        name=f"x{index}",
        length=fixed.get(kind, draw(st.integers(1, 125))),
        word_order=draw(st.sampled_from(("big", "little"))),
        scale=draw(numbers.filter(bool)) if scaled else 1,
        offset=draw(numbers) if scaled else 0,
        unit=draw(st.none() | texts) if number else None,
        enum=draw(st.dictionaries(st.integers(0, 99), texts, min_size=1)) if named else {},
        bits=draw(st.dictionaries(st.integers(0, 15), texts)) if kind == "bits" else {},
        bit=draw(st.integers(0, 15)) if kind == "bool" and not coil else None,
        missing=tuple(draw(st.lists(st.integers()))) if kind in ("int16", "uint32") else (),
        min=draw(st.sampled_from((None, low))) if scaled else None,
        max=draw(st.sampled_from((None, high))) if scaled else None,
        quantity=draw(st.sampled_from((None, *plain_keys[:3]))) if kind == "string" else None,
        kind=draw(st.sampled_from((None, *Kind))),
        fact=FACTS[index] if kind == "string" and index < len(FACTS) and draw(st.booleans()) else None,
        live=draw(st.booleans()),
        source=draw(st.just("") | texts),
    )


@given(
    texts,
    texts,
    st.integers(0, 5).flatmap(lambda size: st.tuples(*(entries(index) for index in range(size)))),
    st.sampled_from(TRANSPORTS),
    st.lists(texts, max_size=3),
)
def test_any_map_is_written_and_read_again(
    name: str, source: str, rows: tuple[Entry, ...], way: Transport, products: list[str]
) -> None:
    found = RegisterMap(name, source, rows, way, tuple(products))
    assert loads(dump(found)) == found


@given(st.text() | st.text(alphabet='[]{}="\n 0x1aregistunm,.', max_size=60).map(lambda text: HEAD + text))
def test_any_text_is_a_map_or_refused(text: str) -> None:
    with suppress(MapError):
        assert isinstance(loads(text), RegisterMap)


def test_a_float32_tells_no_more_digits_than_it_carries() -> None:
    entry = '{ address = 0, name = "voltage", type = "float32" }'
    one = loads(f'name = "x"\nsource = "y"\nunits = [1]\ntable = "holding"\nregisters = [{entry}]')
    image = RegisterImage()
    image.put(0, (0x42F2, 0xA552), 1.0)
    assert [found.value for found in decode([one], 1, Table.HOLDING_REGISTERS, image)] == [121.3229]


def test_the_other_word_order_is_that_of_the_whole_map() -> None:
    known = image(x0050=(53512, 0), x00D0=(1, 2))
    turned = loads(CONEXT).with_word_order("little")
    found = {row.entry.name: row.value for row in decode([turned], 220, Table.HOLDING_REGISTERS, known)}
    assert (found["voltage"], found["energy"]) == (53.512, 2 << 16 | 1)
    assert turned.with_word_order("big").entries[-3].word_order == "big"
    assert (turned.name, turned.transport) == ("Board", "rtu")


def text(address: int, words: str) -> RegisterImage:
    raw = words.encode("utf-8", "surrogateescape").ljust(16, b"\0")
    known = RegisterImage()
    known.put(address, struct.unpack(">8H", raw), 1.0)
    return known


FACTS_ROW = '{ address = 0, name = "x", type = "string", bytes = 16, fact = "serial" }'


@pytest.mark.parametrize(
    "said", ["", "0", "00000000", "N/A", "n/a", "NA", "none", "----", "0.0.0", "FFFFFFFFFFFF", "\udcff\udcff"]
)
def test_placeholders_are_no_facts(said: str) -> None:
    assert facts([loads(HEAD + f"registers = [{FACTS_ROW}]")], 220, text(0, said)) == {}


@pytest.mark.parametrize("said", ["00BB5C0017", "B0", "0.7.18", "Nagano", "FF"])
def test_facts(said: str) -> None:
    maps = [loads(HEAD + f"registers = [{FACTS_ROW}]")]
    assert facts(maps, 220, text(0, said)) == {"serial": said}
    assert facts(maps, 224, text(0, said)) == {}
    assert facts(maps, 220, text(0, said), Table.INPUT_REGISTERS) == {}
    assert facts([loads(CONEXT), *maps, loads(HEAD + "registers = []")], 220, text(0, said)) == {"serial": said}


def test_the_last_map_that_tells_a_fact_has_the_last_word() -> None:
    model = 'registers = [{ address = 8, name = "y", type = "string", length = 1, fact = "serial" }]'
    known = text(0, "AB12")
    known.put(8, [0x4344], 1.0)
    maps = [loads(HEAD + model), loads(HEAD + f"registers = [{FACTS_ROW}]")]
    assert facts(maps, 220, known) == {"serial": "AB12"}
    assert facts(reversed(maps), 220, known) == {"serial": "CD"}


def test_maps_go_by_product_and_then_by_unit_number() -> None:
    xw, plain = loads(WAYS + CONEXT), loads(CONEXT)
    assert of_product([plain, xw], 9, " 865-6848-21 ") == [xw.for_unit(9)]
    assert {entry.units for entry in of_product([xw], 9, "865-6848-21")[0].entries} == {(9,)}
    assert of_product([plain, xw], 220, "865-1032") == [plain]
    assert of_product([plain, xw], 220, None) == [plain, xw]
    assert of_product([plain, xw], 220, "  ") == [plain, xw]
    assert of_product([], 220, "865-6848-21") == []


def test_for_a_line_none_but_its_own_maps_come_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.toml").write_text(WAYS + CONEXT)
    (tmp_path / "b.toml").write_text(CONEXT)
    monkeypatch.setattr("pvsmqtt.modbus.mapfile.parse.MAPS", tmp_path)
    assert [found.transport for found in shipped()] == ["rtu"]
    assert [found.transport for found in shipped("conext")] == ["conext"]
