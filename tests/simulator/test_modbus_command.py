"""``simulate conext`` and ``simulate sunspec`` as commands: in a process of their own where they serve."""

import asyncio
import contextlib
import signal
import socket
import sys
from pathlib import Path

import aiohttp
import pytest
from helpers_modbus_tcp import Refused, connected, layout, walk
from helpers_simulate import PROGRAM, parse, run, said, serving
from sunspec2.modbus.client import SunSpecModbusClientDeviceRTU

from pvsmqtt.simulator.modbus_server.faults import KINDS
from pvsmqtt.simulator.sunspec_devices import ABOUT


def port_of(line: str) -> int:
    url = next(word for word in line.split() if "://" in word)
    return int(url.rpartition(":")[2].partition("/")[0])


CONEXT = ("conext", "--sunspec-port", "0", "--native-port", "0", "--start", "2026-06-21T18:00")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_conext_says_where_it_is_answers_and_ends_well(number: signal.Signals) -> None:
    async with serving(*CONEXT) as process:
        first, second = await said(process), await said(process)
        assert first.startswith("Conext simulator tells SunSpec on tcp://127.0.0.1:")
        assert first.endswith(" (units 1, 10, 230)\n")
        assert second.startswith("Conext simulator tells the native map on tcp://127.0.0.1:")
        async with connected(port_of(first)) as sunspec, connected(port_of(second)) as native:
            assert await sunspec.read(230, 40000, 2) == [0x5375, 0x6E53]
            assert await native.read(1, 0x0028) == [1]
            process.send_signal(number)
            assert await process.communicate() == (b"", b"")
        assert process.returncode == 0


async def test_options_of_a_conext_reach_it() -> None:
    words = "--word-order little --gaps tolerant --serials a,b,c --xw-serial --battery-monitor --seed 3 --panels 4"
    words += " --fault busy:times=1,unit=0xBE,address=0x46 --speed 10"
    async with serving(*CONEXT, *words.split()) as process:
        await said(process)
        async with connected(port_of(await said(process))) as client:
            assert await client.read(1, 0x0012) == [0]
            assert await client.read(1, 0x002B) == [ord("a") << 8]
            assert await client.read(10, 0x002B) == [ord("b") << 8]
            low, high = await client.read(1, 0x004C, 2)
            assert 200_000 < (high << 16 | low) < 300_000
            with pytest.raises(Refused, match="6"):
                await client.read(190, 0x0046, 2)
            assert await client.read(190, 0x0046, 2)


async def test_a_running_one_is_switched_over_http() -> None:
    async with serving(*CONEXT, "--control", "0") as process:
        await said(process)
        port, control = port_of(await said(process)), (await said(process)).split()[-1]
        async with connected(port) as client, aiohttp.ClientSession() as session:

            async def get(path: str) -> tuple[int, str]:
                async with session.get(control + path) as response:
                    return response.status, await response.text()

            assert (await get("fault/busy?times=1&unit=1"))[0] == 200
            with pytest.raises(Refused, match="6"):
                await client.read(1, 0x0028)
            await get("fault/away")
            await get("fault/none")
            right = await client.read(1, 0x004C, 2)
            assert (await get("word-order/little"))[0] == 200
            assert abs((await client.read(1, 0x004C, 2))[1] - right[0]) <= 1
            for wrong in (
                "fault/bsy",
                "fault/busy?seldom=1",
                "fault/busy?times=x",
                "word-order/up",
                "reboot?seconds=x",
            ):
                status, text = await get(wrong)
                assert status == 400
                assert text.strip()
            assert (
                '"requests": 3, "refused": 1, "writes": 0, "connections": 1, "connected": 1'
                in (await get("stats"))[1]
            )
            assert (await get("reboot?seconds=0"))[0] == 200
            with contextlib.suppress(OSError):
                assert await client.reader.read() == b"", "the connection ends"
        process.send_signal(signal.SIGTERM)
        assert await process.communicate() == (b"", b"")


@pytest.mark.parametrize("kind", ABOUT)
async def test_every_kind_is_served(kind: str) -> None:
    async with serving("sunspec", "--kind", kind, "--port", "0", "--unit", "9", "--base", "0") as process:
        line = await said(process)
        assert line.startswith(f"SunSpec simulator ({kind}, unit 9")
        assert (await walk(port_of(line), 9, layout))[0][:2] == (1, 2)


async def test_options_of_a_device_reach_it() -> None:
    words = "--kind fronius --floats --phases 1 --serial 4711 --port 0 --panels 3 --seed 2"
    words += " --fault slow:seconds=0,share=0.5"
    async with serving("sunspec", *words.split()) as process:
        line = await said(process)
        assert "(fronius, unit 1 and 240)" in line
        assert (await walk(port_of(line), 1, layout))[1] == (111, 40070, 60)
        assert await walk(port_of(line), 1, lambda device: device.models[1][0].SN.value) == "4711"


async def test_a_slave_on_a_line_is_where_it_says(tmp_path: Path) -> None:
    link = tmp_path / "inverter"
    async with serving("sunspec", "--kind", "meter", "--pty", str(link), "--baudrate", "19200") as process:
        assert await said(process) == f"SunSpec simulator (meter, unit 1) is at serial://{link}\n"

        def read() -> int:
            master = SunSpecModbusClientDeviceRTU(1, str(link), 19200, timeout=5)
            try:
                master.scan()
                return int(master.models[202][0].L.value)
            finally:
                master.close()

        assert await asyncio.to_thread(read) == 105
        process.send_signal(signal.SIGTERM)
        assert await process.communicate() == (b"", b"")
    assert not link.is_symlink()


@pytest.mark.parametrize("equipment", ["conext", "sunspec"])
def test_help_has_examples_and_every_fault(equipment: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(equipment, "--help")
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert f"\n  pvsmqtt simulate {equipment}" in shown
    assert all(f"\n  {name} " in shown for name in KINDS)
    assert ("INVENTED" in shown) == (equipment == "conext")
    assert all(f"\n  {name} " in shown for name in ABOUT) == (equipment == "sunspec")


@pytest.mark.parametrize(
    "words",
    [
        ("conext", "--word-order", "middle"),
        ("conext", "--fault", "bsy"),
        ("conext", "--fault", "busy:often=1"),
        ("conext", "--fault", "busy:times=x"),
        ("conext", "--fault", "busy:times"),
        ("conext", "--battery-monitor", "0"),
        ("sunspec", "--kind", "sunny"),
        ("sunspec", "--base", "40001"),
        ("sunspec", "--phases", "2"),
        ("sunspec", "--port", "5020", "--pty", "/tmp/a"),
        ("sunspec", "--unit", "248"),
    ],
)
def test_wrong_usage_is_2(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(*words)
    assert ended.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_a_fault_that_is_wrong_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse("conext", "--fault", "busy:often=1")
    assert "often is none of times, share, seconds, port, unit, address" in capsys.readouterr().err


def test_what_cannot_be_served_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert run("conext", "--sunspec-port", "0", "--native-port", str(port)) == 1
        assert capsys.readouterr().err == (
            f"pvsmqtt simulate: cannot listen on 127.0.0.1 ports 0 and {port}: Address already in use; "
            "choose others with --sunspec-port and --native-port\n"
        )
        assert run("sunspec", "--port", str(port)) == 1
        assert capsys.readouterr().err == (
            f"pvsmqtt simulate: cannot listen on 127.0.0.1 port {port}: Address already in use; "
            "choose another --port or --host\n"
        )
        assert run("sunspec", "--port", "0", "--control", str(port)) == 1
        assert f"control on {port}: Address already in use" in capsys.readouterr().err
    assert run("sunspec", "--pty", str(tmp_path / "no" / "line")) == 1
    assert "No such file or directory; choose another --pty" in capsys.readouterr().err
    assert run("conext", "--serials", "a,b") == 1
    assert capsys.readouterr().err.startswith("pvsmqtt simulate: a,b are no serial numbers; give devicelist, ")


async def test_options_are_read_without_pymodbus() -> None:
    program = PROGRAM.replace("args = ", "assert 'pymodbus' not in sys.modules; sys.exit(7); args = ")
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program)
    assert await process.wait() == 7
