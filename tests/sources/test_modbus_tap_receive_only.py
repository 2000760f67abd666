"""Nothing of the tap could send: neither by its code, nor when it runs."""

import ast
import os
import socket
import sys
from pathlib import Path

import pytest
from helpers_packets import Talk, capture
from sources.test_rs485_line_receive_only import (
    FILES,
    MODEM,
    NETWORK,
    OPENS,
    PURE,
    SENDS,
    imported,
    names,
    parsed,
    writes,
)

import pvsmqtt
from pvsmqtt.sources.modbus_tap.inputs import open_input

ROOT = Path(pvsmqtt.__file__).parent
TAP = sorted((ROOT / "sources" / "modbus_tap").rglob("*.py"))
NAMES = {"mbap", "transactions", "link", "segment", "flow", "connection", "mirror"}
CORE = [path for path in PURE + FILES if path.stem in NAMES]
BRINGS_PACKETS = {"AF_PACKET", "SOCK_RAW", "sock_connect", "create_datagram_endpoint"}


def test_everything_is_looked_at() -> None:
    assert len(CORE) == 7
    assert {path.stem for path in TAP} > {"inputs", "tap", "source", "check"}


@pytest.mark.parametrize("path", TAP, ids=lambda path: path.name)
def test_the_tap_has_no_way_to_send(path: Path) -> None:
    tree = parsed(path)
    assert not writes(tree)
    assert not set(names(tree)) & BRINGS_PACKETS
    assert not set(imported(tree)) & {"socket", "ssl", "serial", "aiohttp", "pymodbus", "subprocess", "urllib"}


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.name)
def test_what_works_on_packets_knows_no_network(path: Path) -> None:
    tree = parsed(path)
    assert not set(imported(tree)) & NETWORK
    assert not set(names(tree)) & (SENDS | MODEM | OPENS | {"write", "open"})


@pytest.mark.parametrize(
    "line",
    [
        "sock.sendall(packet)",
        "os.write(self._descriptor, b'x')",
        "os.open(path, os.O_RDWR)",
        "asyncio.open_connection(h, 502)",
    ],
)
def test_the_test_would_find_it(line: str) -> None:
    assert writes(ast.parse(f"def sneak(self, path):\n    {line}\n"))


def test_what_is_open_is_open_for_reading(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "file").write_bytes(b"abc")
    for name in ("fifo", "file"):
        source = open_input(str(tmp_path / name))
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.write(source._descriptor, b"x")  # type: ignore[attr-defined]
        source.close()


async def test_no_socket_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pvsmqtt.sources.modbus_tap.check import check
    from pvsmqtt.sources.modbus_tap.options import ModbusTapOptions

    talk = Talk().open()
    for n in range(6):
        talk.poll(n, 10, 40070, 5)
    (tmp_path / "x.pcap").write_bytes(capture(talk.packets))

    def refused(*_: object, **__: object) -> None:
        raise AssertionError("a socket")

    monkeypatch.setattr(socket, "socket", refused)
    assert (await check(ModbusTapOptions(capture=str(tmp_path / "x.pcap"))))[-1].ok
    assert "scapy" not in sys.modules
