"""The fields of a frame, judged by pymodbus and by the recorded streams."""

from typing import Any

import pytest
from helpers_modbus import adu
from helpers_samples import each_sample, frames_of, heard
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.pdu import DecodePDU, ModbusPDU
from pymodbus.pdu import bit_message as bits
from pymodbus.pdu import register_message as words
from pymodbus.pdu.file_message import ReadFifoQueueRequest, ReadFifoQueueResponse

from pvsmqtt.modbus.frame import Frame
from pvsmqtt.modbus.pdu import NOTHING, Fields, fields

REQUEST, RESPONSE = DecodePDU(True), DecodePDU(False)

PLACE = {"address": "address", "count": "count"}
READ = {"registers": "registers"}
BITS = {"bits": "bits"}
MASK = {"address": "address", "and_mask": "and_mask", "or_mask": "or_mask"}
BOTH = {
    "address": "read_address",
    "count": "read_count",
    "write_address": "write_address",
    "write_count": "write_count",
    "registers": "write_registers",
}
SUB = {"sub_function": "sub_function_code"}
NAMES: dict[tuple[int, bool], dict[str, str]] = {
    **{(code, False): PLACE for code in (1, 2, 3, 4)},
    **{(code, True): BITS for code in (1, 2)},
    **{(code, True): READ for code in (3, 4, 23)},
    **{(5, way): {"address": "address", **BITS} for way in (False, True)},
    **{(6, way): {"address": "address", **READ} for way in (False, True)},
    **{(22, way): MASK for way in (False, True)},
    **{(8, way): SUB for way in (False, True)},
    (7, True): {"status": "status"},
    (11, True): {"events": "count"},
    (12, True): {"events": "event_count"},
    (15, False): PLACE | BITS,
    (16, False): PLACE | READ,
    (15, True): PLACE,
    (16, True): PLACE,
    (23, False): BOTH,
    (24, False): {"address": "address"},
    (24, True): {"registers": "values"},
    (43, False): SUB,
    (43, True): SUB | {"objects": "information"},
}
"""What pymodbus calls a field, by function code and whether it is a response."""


def frame(data: bytes, *, response: bool) -> Frame:
    function = data[1] & 0x7F
    return Frame(0, data, data[0], function, response, data[2] if data[1] & 0x80 else None, 0.0)


def judged(heard: Frame) -> dict[str, Any] | None:
    """What pymodbus finds in a frame."""
    pdu = (RESPONSE if heard.is_response else REQUEST).decode(heard.adu[1:-2])
    if pdu is None:
        return None
    names = NAMES.get((heard.function, heard.is_response), {}) if heard.exception is None else {}
    return {mine: canonical(getattr(pdu, theirs)) for mine, theirs in names.items()}


def canonical(value: Any) -> Any:
    match value:
        case dict():
            return tuple((number, bytes(text)) for number, text in value.items())
        case list():
            return tuple(int(one) for one in value)
    return value


def told(heard: Frame) -> dict[str, Any]:
    known = fields(heard)
    return {name: getattr(known, name) for name in NAMES.get((heard.function, heard.is_response), {})}


CASES = {
    "read": (False, "dc 03 0064 0018", Fields(address=100, count=24)),
    "registers": (True, "dc 04 04 0001 ffff", Fields(registers=(1, 65535))),
    "bits": (True, "11 01 02 05 80", Fields(bits=(1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1))),
    "one coil on": (False, "11 05 b480 ff00", Fields(address=0xB480, bits=(1,))),
    "one coil off": (True, "11 05 b480 0000", Fields(address=0xB480, bits=(0,))),
    "neither on nor off": (False, "11 05 b480 0001", NOTHING),
    "one register": (True, "dc 06 00c8 755d", Fields(address=200, registers=(0x755D,))),
    "many coils are as many as are counted": (
        False, "11 0f 0010 000a 02 cd 01",
        Fields(address=16, count=10, bits=(1, 0, 1, 1, 0, 0, 1, 1, 1, 0)),
    ),
    "many registers": (False, "e6 10 012c 0002 04 0001 0002", Fields(address=300, count=2, registers=(1, 2))),
    "many were written": (True, "e6 10 012c 0002", Fields(address=300, count=2)),
    "mask": (False, "11 16 0004 00f2 0025", Fields(address=4, and_mask=0xF2, or_mask=0x25)),
    "read and write": (
        False, "11 17 0003 0006 000e 0001 02 00ff",
        Fields(address=3, count=6, registers=(255,), write_address=14, write_count=1),
    ),
    "queue": (True, "11 18 0006 0002 01b8 1284", Fields(count=2, registers=(0x1B8, 0x1284))),
    "exception status": (True, "11 07 6d", Fields(status=0x6D)),
    "diagnostics": (False, "11 08 0000 a537", Fields(sub_function=0, payload=b"\xa5\x37")),
    "event counter": (True, "11 0b ffff 0108", Fields(status=0xFFFF, events=264)),
    "event log": (True, "11 0c 08 0000 0108 0121 20 00", Fields(status=0, events=264, payload=b"\x20\x00")),
    "identifier": (True, "11 11 03 53 50 ff", Fields(payload=b"SP\xff")),
    "identification": (
        True, "11 2b 0e 01 81 00 00 02 00 03 50 56 53 01 00",
        Fields(sub_function=14, objects=((0, b"PVS"), (1, b"")), payload=b"\1\x81\0\0\2\0\3PVS\1\0"),
    ),
    "no data": (False, "11 11", NOTHING),
    "exception": (True, "dc 83 02", NOTHING),
    "user defined": (False, "11 41 46 5f", NOTHING),
    "byte count beyond the end": (True, "dc 03 04 0001", NOTHING),
    "byte count that is odd": (True, "dc 03 03 000100", NOTHING),
    "byte count that does not fit the count": (False, "e6 10 012c 0003 04 0001 0002", NOTHING),
    "too short": (False, "dc 03 00", NOTHING),
    "nothing at all": (True, "dc 03", NOTHING),
    "objects beyond the end": (True, "11 2b 0e 01 81 00 00 01 00 09 50", NOTHING),
}  # fmt: skip


@pytest.mark.parametrize(("response", "text", "expected"), CASES.values(), ids=CASES)
def test_the_fields(response: bool, text: str, expected: Fields):
    body = bytes.fromhex(text)
    data = adu(body[0], body[1], body[2:])
    heard = Frame(0, data, body[0], body[1] & 0x7F, response, body[2] if body[1] & 0x80 else None, 0.0)
    assert fields(heard) == expected


@each_sample
def test_pymodbus_reads_the_same_in_every_recorded_frame(truths):
    compared = 0
    for truth in frames_of(truths):
        known = judged(heard(truth))
        if known is not None:
            assert known == (told(heard(truth)) if known else {}), truth
            compared += bool(known)
    assert compared > 100


@each_sample
def test_what_is_known_of_every_recorded_frame_is_told(truths):
    for truth in frames_of(truths):
        known = fields(heard(truth))
        is_read = truth["dir"] == "rsp" and truth["fc"] in (1, 2, 3, 4, 23)
        names = {"address", "count", "write_address", "write_count"} if not is_read else set()
        if truth["exception"] is None:
            told = {name: getattr(known, name) for name in names & truth.keys()}
            assert told == {name: truth[name] for name in told}
            if "registers" in truth:
                assert known.registers == tuple(truth["registers"])
            if "bits" in truth:
                assert known.bits is not None
                assert known.bits[: truth["count"]] == tuple(truth["bits"])
        else:
            assert known == NOTHING


word = st.integers(0, 0xFFFF)


def some(most: int) -> st.SearchStrategy[list[int]]:
    return st.lists(word, min_size=1, max_size=most)


def coils(most: int) -> st.SearchStrategy[list[bool]]:
    return st.lists(st.booleans(), min_size=1, max_size=most)


address = st.integers(0, 60000)
REQUESTS = [
    st.builds(bits.ReadCoilsRequest, address=address, count=st.integers(1, 2000)),
    st.builds(bits.ReadDiscreteInputsRequest, address=address, count=st.integers(1, 2000)),
    st.builds(words.ReadHoldingRegistersRequest, address=address, count=st.integers(1, 125)),
    st.builds(words.ReadInputRegistersRequest, address=address, count=st.integers(1, 125)),
    st.builds(bits.WriteSingleCoilRequest, address=address, bits=coils(1)),
    st.builds(words.WriteSingleRegisterRequest, address=address, registers=some(1)),
    coils(1968).flatmap(lambda v: st.builds(bits.WriteMultipleCoilsRequest, address=address, bits=st.just(v))),
    some(123).flatmap(
        lambda v: st.builds(
            words.WriteMultipleRegistersRequest, address=address, count=st.just(len(v)), registers=st.just(v)
        )
    ),
    st.builds(words.MaskWriteRegisterRequest, address=address, and_mask=word, or_mask=word),
    st.builds(
        words.ReadWriteMultipleRegistersRequest,
        read_address=address,
        read_count=st.integers(1, 125),
        write_address=address,
        write_registers=some(121),
    ),
    st.builds(ReadFifoQueueRequest, address=word),
]
RESPONSES = [
    st.builds(bits.ReadCoilsResponse, bits=coils(2000)),
    st.builds(bits.ReadDiscreteInputsResponse, bits=coils(2000)),
    st.builds(words.ReadHoldingRegistersResponse, registers=some(125)),
    st.builds(words.ReadInputRegistersResponse, registers=some(125)),
    st.builds(words.ReadWriteMultipleRegistersResponse, registers=some(125)),
    st.builds(bits.WriteSingleCoilResponse, address=address, bits=coils(1)),
    st.builds(words.WriteSingleRegisterResponse, address=address, registers=some(1)),
    st.builds(bits.WriteMultipleCoilsResponse, address=address, count=st.integers(1, 1968)),
    st.builds(words.WriteMultipleRegistersResponse, address=address, count=st.integers(1, 123)),
    st.builds(words.MaskWriteRegisterResponse, address=address, and_mask=word, or_mask=word),
    st.builds(ReadFifoQueueResponse, values=st.lists(word, max_size=31)),
]


@given(st.one_of(REQUESTS), st.integers(0, 255))
def test_pymodbus_reads_the_same_in_any_request(pdu: ModbusPDU, unit: int):
    request = frame(adu(unit, pdu.function_code, pdu.encode()), response=False)
    assert (told(request), len(told(request)) > 0) == (judged(request), True)


@given(st.one_of(RESPONSES), st.integers(0, 255))
def test_pymodbus_reads_the_same_in_any_response(pdu: ModbusPDU, unit: int):
    response = frame(adu(unit, pdu.function_code, pdu.encode()), response=True)
    assert (told(response), len(told(response)) > 0) == (judged(response), True)


@given(st.binary(max_size=260), st.integers(0, 255), st.booleans(), st.none() | st.integers(0, 255))
def test_no_bytes_at_all_are_too_much(data: bytes, function: int, response: bool, exception: int | None):
    for anything in (
        Frame(0, data, 1, function, response, exception, 0.0),
        Frame(0, adu(1, function & 0x7F, data), 1, function & 0x7F, response, exception, 0.0),
    ):
        assert isinstance(fields(anything), Fields)
