"""``simulate rs485`` from the command line's side: in a process of its own where it serves."""

import asyncio
import signal
import socket
from pathlib import Path

import pytest
from helpers_simulate import parse, run, said, serving

from pvsmqtt.modbus.framer import PassiveFramer
from pvsmqtt.simulator.rs485 import MAP
from pvsmqtt.simulator.rs485.adapters import ADAPTERS


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_it_says_where_it_is_and_ends_well(number: signal.Signals, tmp_path: Path) -> None:
    link = tmp_path / "bus"
    async with serving("rs485", "--pty", str(link), "--baudrate", "9600", "--parity", "E") as process:
        assert await said(process) == (f"RS-485 simulator is at serial://{link} (9600 8E1, registers are invented)\n")
        assert link.is_symlink()
        process.send_signal(number)
        assert await process.communicate() == (b"", b"")
        assert process.returncode == 0
    assert not link.is_symlink()


async def test_frames_come_over_tcp() -> None:
    async with serving(
        "rs485", "--listen", "127.0.0.1:0", "--speed", "200", "--interval", "5", "--unplug", "60:0.01"
    ) as process:
        url = (await said(process)).split()[4]
        assert url.startswith("tcp://127.0.0.1:")
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        framer, units = PassiveFramer(), set[int]()
        while not units >= {10, 220, 221, 230}:
            units |= {frame.unit for frame in framer.feed(await reader.read(4096), 0.0)}
        writer.close()


async def test_everything_is_understood_together() -> None:
    words = "--listen 127.0.0.1:0 --noise 0.1 --truncation 0.1 --echo --adapter random --heard-at 9600 --registration"
    words += " 0102 --prefix 03 --heartbeat 0405:1 --at-once --seed 3 --panels 4 --start 2026-06-21T18:00"
    async with serving("rs485", *words.split()) as process:
        url = (await said(process)).split()[4]
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        assert b"\x04\x05" in await reader.readuntil(b"\x04\x05")
        writer.close()


def test_help_has_an_example_and_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse("rs485", "--help")
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert "\n  pvsmqtt simulate rs485 --pty" in shown
    assert "INVENTED" in shown
    assert str(MAP) in shown
    assert all(f"\n  {name} " in shown for name in ADAPTERS)


@pytest.mark.parametrize(
    "words",
    [
        ("--pty", "/tmp/a", "--listen", "127.0.0.1:1"),
        ("--noise", "2"),
        ("--parity", "X"),
        ("--adapter", "string"),
        ("--registration", "xyz"),
        ("--heartbeat", "00"),
        ("--unplug", "1"),
        ("--interval", "0"),
    ],
)
def test_wrong_usage_is_2(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse("rs485", *words)
    assert ended.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_an_address_that_is_none_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("rs485", "--listen", "4196") == 1
    err = capsys.readouterr().err
    assert err == "pvsmqtt simulate: 4196 is no address; give one such as 127.0.0.1:4196\n"


def test_a_port_in_use_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert run("rs485", "--listen", f"127.0.0.1:{port}") == 1
    err = capsys.readouterr().err
    assert err == (
        f"pvsmqtt simulate: cannot serve at 127.0.0.1:{port}: Address already in use; choose another --listen\n"
    )


def test_a_link_that_cannot_be_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("rs485", "--pty", str(tmp_path / "no" / "bus")) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "No such file or directory; choose another --pty" in err
