"""Equipment is read and nothing else: what could be built, what is let out, what the code names."""

from __future__ import annotations

import ast
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.pdu import DecodePDU

import pvsmqtt
from pvsmqtt.modbus.block import Table
from pvsmqtt.sources.modbus_master.door import READ_CODES, READS, Guard

SOURCES = Path(pvsmqtt.__file__).parent / "sources"
MASTERS = [
    path for room in ("modbus_master", "modbus_tcp", "modbus_rtu") for path in sorted((SOURCES / room).glob("*.py"))
]
PAIRS = {
    **DecodePDU.pdu_table,
    **{(code, sub): pair for code, subs in DecodePDU.pdu_sub_table.items() for sub, pair in subs.items()},
}
WRITERS = sorted({cls.__name__ for code, pair in PAIRS.items() if code not in (3, 4) for cls in pair})
"""Everything that pymodbus can build beside the two reads, by name."""

SENDS = {
    "send", "sendall", "sendto", "sendmsg", "sock_sendall", "drain", "writelines", "write", "execute", "pdu_send",
    "low_level_send", "serial_for_url", "ctypes", "subprocess", "ModbusClientMixin",
}  # fmt: skip
DOOR_MAY = {"execute"}


def test_the_table_of_requests_has_two_function_codes() -> None:
    assert {request.function_code for request in READS.values()} == {3, 4} == READ_CODES
    assert READS.keys() == {Table.HOLDING_REGISTERS, Table.INPUT_REGISTERS}
    for request in READS.values():
        packet = request(address=1, count=2, dev_id=3)
        assert (packet.function_code, len(packet.encode())) in {(3, 4), (4, 4)}


@pytest.mark.parametrize("mbap", [True, False])
@given(function=st.integers(0, 255), rest=st.binary(max_size=250), unit=st.integers(0, 255))
def test_no_other_packet_leaves(mbap: bool, function: int, rest: bytes, unit: int) -> None:
    body = bytes([unit, function]) + rest
    packet = struct.pack(">HHH", 1, 0, len(body)) + body if mbap else body
    guard = Guard(mbap)
    if function in (3, 4):
        assert guard.packet(True, packet) == packet
        assert guard.sent == len(packet)
        return
    with pytest.raises(AssertionError, match="only reads"):
        guard.packet(True, packet)
    assert guard.sent == 0


@given(st.binary(max_size=300))
def test_whatever_comes_in_is_no_exception(data: bytes) -> None:
    for mbap in (True, False):
        guard = Guard(mbap)
        assert guard.packet(False, data) in (data, b"", data.lstrip(b"\0\xff"))
        guard.packet(True, b"\0\1\0\0\0\6\1\3\0\0\0\1" if mbap else b"\1\3\0\0\0\1\0\0")
        for end in range(len(data)):
            guard.packet(False, data[:end])


def names(tree: ast.AST) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.alias):
            found.update(node.name.split("."))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)  # getattr(client, "write_register")
    return found


def imported(tree: ast.AST) -> set[str]:
    found = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    found |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    return {name.partition(".")[0] for name in found}


def writes(source: str) -> set[str]:
    """What is there that could write to equipment, or get round the table of reads."""
    found = names(ast.parse(source))
    prefixes = ("write_", "Write", "ReadWrite", "readwrite", "Mask", "mask_write", "diag_")
    return {name for name in found if name.startswith(prefixes)} | (found & {*WRITERS, *SENDS})


@pytest.mark.parametrize("path", MASTERS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_name_in_the_code_writes(path: Path) -> None:
    assert writes(path.read_text("utf-8")) <= (DOOR_MAY if path.name == "door.py" else set())


def test_pymodbus_is_known_in_one_place_and_asked_in_one_line() -> None:
    users = {path.name for path in MASTERS if "pymodbus" in imported(ast.parse(path.read_text("utf-8")))}
    assert users == {"door.py"}
    door = ast.parse((SOURCES / "modbus_master" / "door.py").read_text("utf-8"))
    calls = [node for node in ast.walk(door) if isinstance(node, ast.Attribute) and node.attr == "execute"]
    assert len(calls) == 1
    requests = {name for name in names(door) if name.endswith("Request")}
    assert requests == {"ReadHoldingRegistersRequest", "ReadInputRegistersRequest"}


@pytest.mark.parametrize(
    "line",
    [
        "await self._client.write_register(40312, 1)",
        "await self._client.write_registers(40312, [1])",
        "await self._client.write_coil(1, True)",
        "await self._client.mask_write_register(address=1)",
        "await self._client.readwrite_registers(read_address=1)",
        "await getattr(self._client, 'write_register')(40312, 1)",
        "from pymodbus.pdu.register_message import WriteSingleRegisterRequest",
        "from pymodbus.pdu.register_message import ReadWriteMultipleRegistersRequest as Read",
        "from pymodbus.pdu.register_message import MaskWriteRegisterRequest",
        "from pymodbus.pdu.bit_message import WriteMultipleCoilsRequest",
        "from pymodbus.pdu.diag_message import ForceListenOnlyModeRequest",
        "self._client.ctx.send(data)",
        "self._client.ctx.transport.write(data)",
        "self._client.ctx.pdu_send(pdu)",
    ],
)
def test_the_test_would_find_it(line: str) -> None:
    """This is no proof that nothing else could write, but what anybody would write by mistake is found."""
    assert writes(f"async def sneak(self, data, pdu):\n    {line}\n")


def test_all_that_pymodbus_can_write_is_known_by_name() -> None:
    assert {"WriteSingleCoilRequest", "WriteSingleRegisterRequest", "WriteMultipleCoilsRequest"} <= set(WRITERS)
    assert {"WriteMultipleRegistersRequest", "MaskWriteRegisterRequest"} <= set(WRITERS)
    assert "ReadWriteMultipleRegistersRequest" in WRITERS
    assert not {"ReadHoldingRegistersRequest", "ReadInputRegistersRequest"} & set(WRITERS)
    assert "ForceListenOnlyModeRequest" in WRITERS
