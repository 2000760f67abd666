"""Packets of a network -> what Modbus TCP clients ask and are told; tshark is the judge."""

from __future__ import annotations

import asyncio
import io
import random
import struct
import subprocess
from pathlib import Path

import pytest
from harness.basics import free_port, program
from helpers_packets import (
    ACK,
    EPOCH,
    FIN,
    GATEWAY,
    PSH,
    PVS,
    RST,
    SYN,
    Talk,
    capture,
    ethernet,
    exception,
    frames,
    header,
    ip,
    read,
    record,
    registers,
    tcp,
)
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusIOException
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from pvsmqtt.capture import pcap
from pvsmqtt.capture.items import Faults
from pvsmqtt.capture.mirror import MOST_CONNECTIONS, MOST_SERVERS, Mirror, Spoken
from pvsmqtt.capture.segment import Segment, segment_of
from pvsmqtt.modbus.block import Table

HOLDING = Table.HOLDING_REGISTERS


def records(data: bytes) -> list[tuple[pcap.Record, int]]:
    how = pcap.form(data[: pcap.HEAD])
    assert how is not None
    found = pcap.records(io.BytesIO(data[pcap.HEAD :]), how, Faults())
    return [(one, how.link_type) for one in found]


def hear(data: bytes, mirror: Mirror | None = None, end: bool = True) -> tuple[Mirror, list[Spoken]]:
    mirror = mirror or Mirror()
    found = [spoken for packet, link in records(data) for spoken in mirror.take(packet, link)]
    if end:
        found += mirror.finish()
    return mirror, found


def said(spoken: list[Spoken]) -> list[tuple[int, int, bool]]:
    return [(one.told.transaction, one.told.frame.unit, one.told.frame.is_response) for one in spoken]


def values(mirror: Mirror, address: int, port: int = 502, unit: int = 10) -> int | None:
    (server,) = (one for at, one in mirror.servers.items() if at.port == port)
    return server.images[unit, HOLDING].get(address)


BOTH = [(1, 10, False), (1, 10, True)]


class TestConnections:
    def test_ports_have_nothing_in_common(self) -> None:
        one = Talk().open().poll(1, 10, 100, 5)
        two = Talk(503, client_port=40002).open().poll(1, 10, 100, 6)
        mirror, found = hear(capture(one.packets + two.packets))
        assert [str(spoken.server.endpoint) for spoken in found] == [f"{GATEWAY}:502"] * 2 + [f"{GATEWAY}:503"] * 2
        assert str(found[0].client) == f"{PVS}:40001"
        assert (values(mirror, 100, 502), values(mirror, 100, 503)) == (5, 6)

    def test_what_changed(self) -> None:
        talk = Talk().open().poll(1, 10, 100, 5, 6).poll(2, 10, 100, 5, 7)
        _, found = hear(capture(talk.packets))
        assert [spoken.changed for spoken in found if spoken.told.block] == [(100, 101), (101,)]

    def test_split_and_merged(self) -> None:
        talk = Talk().open()
        two = read(1, 10, 0, 2) + read(2, 10, 5, 1)
        for at in range(0, len(two), 5):
            talk.ask(two[at : at + 5])
        talk.answer(registers(1, 10, 7, 8) + registers(2, 10, 9))
        mirror, found = hear(capture(talk.packets))
        assert said(found) == [(1, 10, False), (2, 10, False), (1, 10, True), (2, 10, True)]
        assert values(mirror, 5) == 9

    def test_every_packet_twice(self) -> None:
        """As `tcpdump -i any` sees a bridge."""
        talk = Talk().open().poll(1, 10, 100, 5).poll(2, 10, 100, 6).close()
        twice = [packet for packet in talk.packets for _ in range(2)]
        mirror, found = hear(capture(twice))
        assert len(found) == 4
        (server,) = mirror.servers.values()
        assert (server.tally.requests, server.tally.paired, server.connections) == (2, 2, 1)
        assert server.flows.repeated == 4

    def test_out_of_order(self) -> None:
        talk = Talk().open()
        data = registers(1, 10, *range(60))
        talk.ask(read(1, 10, 0, 60))
        for at in range(0, len(data), 20):
            talk.answer(data[at : at + 20])
        head, parts = talk.packets[:4], talk.packets[4:]
        mirror, found = hear(capture(head + parts[::-1]))
        assert said(found) == BOTH
        assert values(mirror, 59) == 59

    def test_a_lost_answer(self) -> None:
        talk = Talk().open().poll(1, 10, 100, 5).poll(2, 10, 100, 6)
        del talk.packets[-1]
        talk.poll(3, 10, 200, 7).poll(4, 10, 300, 8).close()
        mirror, found = hear(capture(talk.packets))
        (server,) = mirror.servers.values()
        assert [number for number, _, response in said(found) if response] == [1, 3, 4]
        assert (server.tally.spoiled, server.tally.timeouts, server.flows.gaps) == (1, {}, 1)
        assert (values(mirror, 200), values(mirror, 300)) == (7, 8)

    def test_a_lost_request(self) -> None:
        talk = Talk().open().poll(1, 10, 100, 5).poll(2, 10, 100, 6)
        del talk.packets[-2]
        talk.poll(3, 10, 200, 7).poll(4, 10, 300, 8)
        mirror, _ = hear(capture(talk.packets))
        (server,) = mirror.servers.values()
        assert (server.tally.paired, server.tally.unpaired) == (3, 1)
        assert values(mirror, 100) == 5, "whose registers the second answer has, nobody knows"
        assert values(mirror, 300) == 8

    def test_joining_later(self) -> None:
        talk = Talk().open().poll(1, 10, 100, 5).poll(2, 10, 200, 6).poll(3, 10, 300, 7)
        for left in range(3, 7):
            mirror, found = hear(capture(talk.packets[left:]))
            assert values(mirror, 300) == 7
            assert all((number, 10, response) in said(found) for number in (3,) for response in (False, True))

    def test_a_port_is_used_again(self) -> None:
        first = Talk().open().poll(1, 10, 100, 5)
        again = Talk(first=(77, 88), now=first.now).open().poll(1, 10, 200, 6)
        mirror, found = hear(capture(first.packets + again.packets))
        assert said(found) == BOTH * 2
        assert values(mirror, 200) == 6
        (server,) = mirror.servers.values()
        assert server.connections == 2

    def test_many_short_connections(self) -> None:
        packets, now = [], EPOCH
        for n in range(5 * MOST_CONNECTIONS):
            talk = Talk(client_port=30000 + n % 200, first=(n * 7919, n), now=now)
            talk.open().poll(1, 10, n, n).close()
            packets, now = packets + talk.packets, talk.now
        mirror, found = hear(capture(packets))
        assert len(found) == 10 * MOST_CONNECTIONS
        assert mirror.forgotten == 0

    def test_what_comes_once_more_after_the_end_says_nothing(self) -> None:
        talk = Talk().open().poll(1, 10, 100, 5)
        again = talk.packets[-2:]
        talk.close()
        late = [(when + 5, packet) for when, packet in again]
        mirror, found = hear(capture(talk.packets + late))
        assert said(found) == BOTH
        (server,) = mirror.servers.values()
        assert server.tally.timeouts == {}

    @pytest.mark.parametrize("end", ["reset", "closed"])
    def test_a_request_that_its_connection_leaves_open(self, end: str) -> None:
        talk = Talk().open().ask(read(1, 230, 0, 1))
        if end == "reset":
            talk.segment(1, RST | ACK)
        else:
            talk.close()
        mirror, _ = hear(capture(talk.packets))
        (server,) = mirror.servers.values()
        assert server.tally.timeouts == {230: 1}

    def test_time_goes_by(self) -> None:
        talk = Talk().open().ask(read(1, 230, 0, 1))
        mirror, _ = hear(capture(talk.packets), end=False)
        (server,) = mirror.servers.values()
        list(mirror.tick(talk.now + 5))
        assert server.tally.timeouts == {}
        list(mirror.tick(talk.now + 11))
        assert server.tally.timeouts == {230: 1}

    def test_both_ports_are_those_of_servers(self) -> None:
        talk = Talk(502, client_port=503).open().poll(1, 10, 100, 5)
        _, found = hear(capture(talk.packets))
        assert said(found) == BOTH
        assert str(found[0].server.endpoint) == f"{GATEWAY}:502"

    def test_other_ports(self) -> None:
        talk = Talk(1502).open().poll(1, 10, 100, 5)
        mirror, found = hear(capture(talk.packets))
        assert not found
        assert mirror.foreign == {1502: 5}
        _, found = hear(capture(talk.packets), Mirror((1502,)))
        assert said(found) == BOTH

    def test_packets_that_are_cut(self) -> None:
        """Headers are there, long answers are not whole; short ones and requests are."""
        talk = Talk().open().poll(1, 10, 100, *range(60)).poll(2, 10, 500, 7).poll(3, 10, 600, 8)
        mirror, found = hear(capture(talk.packets, snaplen=96))
        assert [number for number, _, response in said(found) if response] == [2, 3]
        (server,) = mirror.servers.values()
        assert server.flows.cut == 1
        assert server.told.joins == 0
        mirror, found = hear(capture(talk.packets, snaplen=40))
        assert not found
        assert mirror.passed["cut"] == len(talk.packets)


class TestLinks:
    def packets(self, **how: str) -> list[tuple[float, bytes]]:
        return Talk(**how).open().poll(1, 10, 100, 5).packets  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        ("link_type", "wrap"),
        [
            (1, ethernet),
            (1, lambda packet: ethernet(packet, 5)),
            (1, lambda packet: ethernet(packet, 5, 7)),
            (113, lambda packet: struct.pack(">HHHQH", 0, 1, 6, 0, 0x0800) + packet),
            (113, lambda packet: struct.pack(">HHHQHHH", 0, 1, 6, 0, 0x8100, 9, 0x0800) + packet),
            (276, lambda packet: struct.pack(">HHIHBBQ", 0x0800, 0, 2, 1, 0, 6, 0) + packet),
            (101, lambda packet: packet),
            (12, lambda packet: packet),
            (228, lambda packet: packet),
            (0, lambda packet: struct.pack("<I", 2) + packet),
            (0, lambda packet: struct.pack(">I", 2) + packet),
        ],
    )
    def test_each(self, link_type: int, wrap) -> None:  # type: ignore[no-untyped-def]
        data = header(link_type) + b"".join(record(when, wrap(packet)) for when, packet in self.packets())
        mirror, found = hear(data)
        assert said(found) == BOTH
        assert not mirror.passed

    @pytest.mark.parametrize("order", ["<", ">"])
    def test_byte_orders(self, order: str) -> None:
        packets = [record(when, ethernet(packet), order=order) for when, packet in self.packets()]
        assert said(hear(header(order=order) + b"".join(packets))[1]) == BOTH

    def test_version_6(self) -> None:
        mirror, found = hear(capture(self.packets(client="fd00::1", server="fd00::60")))
        assert said(found) == BOTH
        assert str(found[0].server.endpoint) == "[fd00::60]:502"
        assert not mirror.passed

    def test_what_says_nothing(self) -> None:
        data = tcp(1, 502, 0, 0, ACK, read(1, 1, 0, 1))
        packets = {
            "other": [b"\x00" * 40, ip(PVS, GATEWAY, data, protocol=17), b""],
            "fragment": [ip(PVS, GATEWAY, data, fragment=0x2000), ip(PVS, GATEWAY, data, fragment=5)],
            "extension": [ip("fd00::1", "fd00::2", data, protocol=44)],
            "cut": [ip(PVS, GATEWAY, data)[:30], ip(PVS, GATEWAY, data)[:15]],
            "broken": [ip(PVS, GATEWAY, data[:12] + b"\x10" + data[13:])],
        }
        for reason, ones in packets.items():
            mirror, found = hear(header(101) + b"".join(record(EPOCH, one) for one in ones))
            assert not found
            assert mirror.passed == {reason: len(ones)}, reason

    def test_a_fragment_flag_that_forbids_is_none(self) -> None:
        packet = ip(PVS, GATEWAY, tcp(1, 502, 0, 0, ACK, b"x"), fragment=0x4000)
        assert isinstance(segment_of(packet), Segment)

    def test_a_length_that_the_card_fills_in(self) -> None:
        packet = bytearray(ip(PVS, GATEWAY, tcp(1, 502, 0, 0, ACK, b"abc")))
        packet[2:4] = b"\0\0"
        found = segment_of(bytes(packet))
        assert isinstance(found, Segment)
        assert (found.data, found.length) == (b"abc", 3)

    def test_a_file_that_begins_anew(self) -> None:
        """tcpdump was started again at the same pipe."""
        one, two = self.packets(), Talk(client_port=40002).open().poll(1, 10, 300, 9).packets
        how = pcap.form(header())
        assert how is not None
        data = capture(one) + capture(two)
        for size in (1, 7, len(data)):
            reader, mirror, found = pcap.Reader(how, Faults()), Mirror(), []
            rest = data[pcap.HEAD :]
            for at in range(0, len(rest), size):
                for packet in reader.feed(rest[at : at + size]):
                    found += mirror.take(packet, reader.how.link_type)
            assert said(found) == BOTH * 2


class TestBounds:
    def test_connections_and_servers(self) -> None:
        mirror = Mirror()
        for n in range(10 * MOST_CONNECTIONS):
            talk = Talk(client=f"10.0.{n >> 8}.{n & 255}", server=f"10.1.{n >> 8}.{n & 255}")
            hear(capture(talk.open().ask(b"\0" * 50).packets), mirror, end=False)
        assert len(mirror.servers) == MOST_SERVERS
        assert mirror.refused > 0
        for n in range(3 * MOST_CONNECTIONS):
            talk = Talk(client=f"10.2.{n >> 8}.{n & 255}", server="10.1.0.1")
            hear(capture(talk.open().ask(b"\0" * 50).packets), mirror, end=False)
        assert len(mirror._connections) == MOST_CONNECTIONS
        assert mirror.forgotten > 0

    @given(st.lists(st.binary(max_size=120), max_size=30), st.sampled_from([0, 1, 12, 101, 108, 113, 228, 276]))
    def test_garbage_never_raises(self, packets: list[bytes], link_type: int) -> None:
        mirror = Mirror()
        for packet in packets:
            list(mirror.take(pcap.Record(EPOCH, packet, len(packet) + 3), link_type))
        assert mirror.packets == len(packets)

    @given(
        st.lists(
            st.tuples(
                st.booleans(),
                st.integers(0, 63),
                st.integers(-3000, 3000),
                st.binary(max_size=40),
                st.floats(-5, 100),
            ),
            max_size=40,
        )
    )
    def test_garbage_on_a_connection_never_raises(self, segments: list[tuple[bool, int, int, bytes, float]]) -> None:
        mirror = Mirror()
        for back, flags, sequence, data, when in segments:
            ends = (502, 40001) if back else (40001, 502)
            packet = ip(PVS, GATEWAY, tcp(*ends, sequence, sequence + 7, flags, data))
            list(mirror.take(pcap.Record(when, packet, len(packet)), 101))
        list(mirror.finish())


class Wire:
    """Between a real client and a real server: what each says, as it said it."""

    def __init__(self, server: int) -> None:
        self.port = free_port()
        self.said: list[tuple[int, int, bytes]] = []
        """Connection, direction, bytes."""
        self._server = server
        self._count = 0

    async def serve(self) -> asyncio.Server:
        return await asyncio.start_server(self._connected, "127.0.0.1", self.port)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number, self._count = self._count, self._count + 1
        there, back = await asyncio.open_connection("127.0.0.1", self._server)
        try:
            await asyncio.gather(self._pass(number, 0, reader, back), self._pass(number, 1, there, writer))
        finally:
            writer.close()
            back.close()

    async def _pass(self, number: int, way: int, source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
        while data := await source.read(1000):
            self.said.append((number, way, data))
            to.write(data)
        to.close()


async def conversation() -> list[tuple[int, int, bytes]]:
    """Clients of a server of pymodbus: reads, writes, exceptions."""
    devices = [SimDevice(unit, [SimData(0, values=[unit] * 200, datatype=DataType.REGISTERS)]) for unit in (1, 10)]
    port = free_port()
    server = ModbusTcpServer(devices, address=("127.0.0.1", port))
    await server.serve_forever(background=True)
    wire = Wire(port)
    between = await wire.serve()
    try:
        for _ in range(2):
            client = AsyncModbusTcpClient("127.0.0.1", port=wire.port)
            assert await client.connect()
            for unit in (1, 10):
                await client.read_holding_registers(0, count=125, device_id=unit)
                await client.write_registers(20, [5, 6, 7], device_id=unit)
                await client.write_register(30, 8, device_id=unit)
                await client.read_holding_registers(15, count=20, device_id=unit)
                await client.read_holding_registers(5000, count=2, device_id=unit)  # an exception
            client.close()
        reader, writer = await asyncio.open_connection("127.0.0.1", wire.port)
        for n in range(20):
            writer.write(read(n, 10, n, 3))
            await reader.readexactly(15)
        writer.close()
    except ModbusIOException as error:
        pytest.fail(str(error))
    finally:
        between.close()
        await server.shutdown()
    return wire.said


def as_packets(words: list[tuple[int, int, bytes]], seed: int) -> bytes:
    """The same as a capture, cut anew, some packets twice; the second client on the native port. What the third one
    said comes all at once, and so do the answers to it."""
    merged = [(2, way, b"".join(data for n, w, data in words if (n, w) == (2, way))) for way in (0, 1)]
    words = [word for word in words if word[0] != 2] + merged
    chance = random.Random(seed)
    talks: dict[int, Talk] = {}
    packets: list[tuple[float, bytes]] = []
    now = EPOCH

    def put(talk: Talk, who: int, data: bytes) -> None:
        talk.now = max(talk.now, now)
        talk.segment(who, PSH | ACK, data)
        if chance.random() < 0.2:
            talk.now += 0.0005
            talk.packets.append((talk.now, talk.packets[-1][1]))

    for number, way, data in words:
        if number not in talks:
            talks[number] = Talk((502, 503)[number % 2], client_port=40000 + number, now=now).open()
        talk = talks[number]
        before = len(talk.packets)
        at = 0
        while at < len(data):
            size = (
                len(data) if number == 2 else chance.choice((len(data), 8, 11))
            )  # with less than a header tshark gives up
            put(talk, way, data[at : at + size])
            at += size
        now = talk.now
        packets += talk.packets[before if before > 3 else 0 :]
    for talk in talks.values():
        before = len(talk.packets)
        talk.now = now
        talk.segment(0, FIN | ACK)
        talk.segment(1, FIN | ACK)
        now = talk.now
        packets += talk.packets[before:]
    return capture(packets)


Row = tuple[int, int, int, int, int | None, bool]


def of_tshark(path: Path) -> list[Row]:
    """Packet, transaction, unit, function, exception, answer; one for each ADU."""
    fields = ("frame.number", "tcp.srcport", "mbtcp.trans_id", "mbtcp.unit_id", "modbus.func_code")
    command = [
        program("tshark", "tshark"),
        "-r",
        str(path),
        "-d",
        "tcp.port==503,mbtcp",
        "-Y",
        "modbus",
        "-T",
        "fields",
    ]
    command += [word for field in (*fields, "modbus.exception_code") for word in ("-e", field)]
    out = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
    found: list[Row] = []
    for line in out.splitlines():
        number, port, ids, units, functions, refusals = line.split("\t")
        codes = [int(code) for code in refusals.split(",") if code]
        for id_, unit, function in zip(ids.split(","), units.split(","), functions.split(","), strict=True):
            answer = int(port) in (502, 503)
            refused = codes.pop(0) if codes and answer else None
            found.append((int(number), int(id_), int(unit), int(function), refused, answer))
    return found


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_tshark_sees_the_same(tmp_path: Path, seed: int) -> None:
    data = as_packets(await conversation(), seed)
    (tmp_path / "mirror.pcap").write_bytes(data)
    judged = await asyncio.to_thread(of_tshark, tmp_path / "mirror.pcap")
    mirror, found = hear(data)
    ours = [
        (f.offset, one.told.transaction, f.unit, f.function, f.exception, f.is_response)
        for one in found
        for f in (one.told.frame,)
    ]
    assert ours == judged
    assert len(ours) == 80
    assert sum(one.flows.repeated for one in mirror.servers.values()) > 5
    assert sum(one.tally.paired for one in mirror.servers.values()) == 40
    assert values(mirror, 21, 502) == 6


def test_syn_and_data_in_one() -> None:
    """A SYN that is repeated, and an answer that is acknowledged with the next question."""
    talk = Talk()
    talk.segment(0, SYN, sequence=talk.next[0])
    talk.open().poll(1, 10, 100, 5)
    talk.ask(read(2, 10, 0, 1)).answer(exception(2, 10, 3, 2))
    mirror, found = hear(header() + frames(talk.packets))
    assert said(found) == [*BOTH, (2, 10, False), (2, 10, True)]
    (server,) = mirror.servers.values()
    assert server.connections == 1
