"""``simulate pvs`` from the command line's side: in a process of its own where it serves."""

import argparse
import asyncio
import json
import signal
import socket
import sys
from pathlib import Path

import aiohttp
import pytest

from pvsmqtt.simulator.command import add_parser, run
from pvsmqtt.simulator.pvs.firmware import FIRMWARES
from pvsmqtt.simulator.pvs.traps import TRAPS
from pvsmqtt.simulator.pvs.web.faults import ALL_FAULTS

PROGRAM = """
import argparse, sys
from pvsmqtt.simulator.command import add_parser
parser = argparse.ArgumentParser()
add_parser(parser.add_subparsers(required=True))
args = parser.parse_args()
assert "aiohttp" not in sys.modules
sys.exit(args.run(args))
"""


def parse(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="pvsmqtt")
    add_parser(parser.add_subparsers(required=True))
    return parser.parse_args(["simulate", *words])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_it_says_where_it_listens_and_ends_well(number: signal.Signals) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROGRAM, "simulate", "pvs", "--port", "0", "--panels", "3"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        line = (await process.stdout.readline()).decode()
        assert line.startswith("PVS simulator listens on http://127.0.0.1:")
        assert line.endswith(" (3 panels)\n")
        async with aiohttp.ClientSession(line.split()[4]) as http:
            async with http.get("/simulator/fault/wrong-shape") as reply:
                assert await reply.json() == {"fault": "wrong-shape"}
            async with http.get("/cgi-bin/dl_cgi?Command=DeviceList") as reply:
                assert not isinstance(json.loads(await reply.read())["devices"], list)
        process.send_signal(number)
        assert await process.communicate() == (b"", b"")
        assert process.returncode == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_it_says_where_https_and_live_data_are() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROGRAM, "simulate", "pvs", "--port", "0", "--panels", "2"),
        *("--firmware", "61846", "--https-port", "0", "--live-port", "0", "--trap", "ghost", "--trap", "duplicate"),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        http, https, live = [(await process.stdout.readline()).decode().split() for _ in range(3)]
        assert https[4].startswith("https://127.0.0.1:")
        assert live[-1].startswith("ws://127.0.0.1:")
        async with aiohttp.ClientSession() as session:
            async with session.get(http[4] + "/vars?name=/sys/info/sw_rev") as reply:
                assert (await reply.json())["values"][0]["value"] == "2025.10.20.61846"
            async with session.get(http[4] + "/simulator/stats") as reply:
                assert (await reply.json())["traps"] == ["duplicate", "ghost"]
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def test_https_without_its_package_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "cryptography", None)
    assert run(parse("pvs", "--port", "0", "--https-port", "0")) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "cryptography" in err
    assert "--https-port" in err


def test_help_has_an_example_and_every_fault(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (("--help",), ("pvs", "--help")):
        with pytest.raises(SystemExit) as ended:
            parse(*words)
        assert ended.value.code == 0
        shown = capsys.readouterr().out
        assert "example:\n  pvsmqtt simulate pvs" in shown
    assert all(f"  {name}  " in shown for name in [*ALL_FAULTS, *TRAPS, *FIRMWARES])


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("windmill",),
        ("pvs", "--panels", "0"),
        ("pvs", "--panels", "401"),
        ("pvs", "--port", "65536"),
        ("pvs", "--delay", "nan"),
        ("pvs", "--start", "yesterday"),
        ("pvs", "--fault", "earthquake"),
        ("pvs", "--trap", "door"),
        ("pvs", "--firmware", "1"),
        ("pvs", "--https-port", "-1"),
    ],
)
def test_wrong_usage_is_2(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(*words)
    assert ended.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_a_start_without_zone_is_utc() -> None:
    assert parse("pvs", "--start", "2026-06-21T18:00").start.isoformat() == "2026-06-21T18:00:00+00:00"
    assert parse("pvs", "--start", "2026-06-21T12:00-06:00").start.isoformat() == "2026-06-21T12:00:00-06:00"


def test_an_unreadable_payload_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(parse("pvs", "--port", "0", "--payload", str(tmp_path / "none.json"))) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "none.json" in err
    assert "--payload" in err


def test_a_port_in_use_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert run(parse("pvs", "--port", str(port))) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert f"port {port}: Address already in use" in err
    assert "--port" in err
