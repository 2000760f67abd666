"""config/haproxy.cfg, with the real program: it runs between a simulated PVS and the service."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import re
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from harness import Bench, device_ids, free_port
from harness.basics import NOON, PATIENCE, program
from harness.processes import Process
from helpers_neighbours import CONFIG, replaced, text

PORTS = {"http": 80, "https": 443, "live": 9002, "journal": 19531}
SLOWEST = 120
"""Seconds that a PVS may need for its list of devices."""


def haproxy() -> str:
    return program("haproxy", "haproxy")


def rewritten(targets: dict[str, int]) -> tuple[str, dict[str, int]]:
    """The file for loopback and for a user who is not root; where it listens now."""
    content = replaced(
        text("haproxy.cfg"), ("    chroot /var/lib/haproxy\n    user haproxy\n    group haproxy\n    ", "    ")
    )
    content = content.replace("    log /dev/log local0 notice\n", "")
    doors = {name: free_port() for name in PORTS}
    for name, port in PORTS.items():
        content = replaced(
            content,
            (f"bind :::{port} v4v6", f"bind 127.0.0.1:{doors[name]}"),
            (f'"${{PVS}}":{port} ', f'"${{PVS}}":{targets.get(name, 9)} '),
        )
    return content, doors


@asynccontextmanager
async def running(folder: Path, targets: dict[str, int], **env: str) -> AsyncIterator[dict[str, int]]:
    """haproxy before these ports of a PVS; the ports it listens at."""
    content, doors = rewritten(targets)
    file = folder / "haproxy.cfg"
    file.write_text(content)
    process = Process(haproxy(), "-db", "-f", str(file), env={**os.environ, "PVS": "127.0.0.1", **env})
    await process.start()
    try:
        async with asyncio.timeout(PATIENCE):
            while not await listens(doors["journal"]):
                assert process.running, process.log.items
                await asyncio.sleep(0.02)
        yield doors
    finally:
        await process.kill()


async def listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return False
    except ConnectionResetError:  # taken and thrown out
        return True
    writer.close()
    return True


async def talk(port: int, words: bytes) -> bytes:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionResetError:
        return b""
    try:
        writer.write(words)
        return await asyncio.wait_for(reader.read(100), PATIENCE)
    except ConnectionError:
        return b""
    finally:
        writer.close()


def test_haproxy_takes_the_file_as_it_is_without_a_warning() -> None:
    done = subprocess.run([haproxy(), "-c", "-f", CONFIG / "haproxy.cfg"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr


def test_a_slow_pvs_is_waited_for_and_is_not_checked() -> None:
    content = text("haproxy.cfg")
    for limit in ("client", "server", "queue"):
        times = re.findall(rf"^    timeout {limit} (\d+)(s|h)$", content, flags=re.M)
        assert times
        assert all(int(value) * {"s": 1, "h": 3600}[unit] > SLOWEST for value, unit in times)
    assert not re.search(r"^\s+server .*\bcheck\b", content, flags=re.M)


def test_every_door_is_for_private_addresses_only() -> None:
    doors = re.findall(r"^listen (\w+)\n((?:    .*\n)+)", text("haproxy.cfg"), flags=re.M)
    assert [name for name, _ in doors] == list(PORTS)
    for name, body in doors:
        assert f"bind :::{PORTS[name]} v4v6" in body
        assert 'tcp-request connection reject unless { src "${HOME_NETWORKS[*]}" }' in body


async def test_the_service_reads_a_pvs_with_a_login_and_live_data_through_it(bench: Bench, tmp_path: Path) -> None:
    broker = await bench.broker()
    began = datetime.now(UTC)
    clock = lambda: NOON + 60 * (datetime.now(UTC) - began)  # noqa: E731 - live data are what changes
    pvs = await bench.pvs(firmware="61845", https=True, live=True, clock=clock)
    targets = {"http": pvs.port, "https": pvs.https_port or 0, "live": pvs.live_port or 0}
    async with running(tmp_path, targets) as doors:
        recorder = await bench.recorder(broker.port)
        live = {"live": "auto", "live_url": f"ws://127.0.0.1:{doors['live']}/"}
        await bench.service(broker.port, {"host": f"https://127.0.0.1:{doors['https']}", **live})
        states = await recorder.have("site", *device_ids(pvs))
        assert states["site"]["pv_power"] > 0
        assert pvs.live is not None
        async with asyncio.timeout(PATIENCE):
            await pvs.live.wait_until(lambda stats: stats.open > 0 and stats.frames > 0)


async def test_the_page_and_the_log_go_through(bench: Bench, tmp_path: Path) -> None:
    async def journal(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readline())
        writer.close()

    pvs = await bench.pvs()
    async with await asyncio.start_server(journal, "127.0.0.1", 0) as server:
        targets = {"http": pvs.port, "journal": server.sockets[0].getsockname()[1]}
        async with running(tmp_path, targets) as doors:
            assert await talk(doors["journal"], b"GET /entries\r\n") == b"GET /entries\r\n"
            page = await talk(doors["http"], b"GET /cgi-bin/dl_cgi?Command=DeviceList HTTP/1.0\r\nHost: pvs\r\n\r\n")
            assert page.startswith(b"HTTP/1.0 200")


async def test_nobody_else_is_let_in(bench: Bench, tmp_path: Path) -> None:
    pvs = await bench.pvs()
    async with running(tmp_path, {"http": pvs.port}, HOME_NETWORKS="10.0.0.0/8 fd00::/8") as doors:
        assert await talk(doors["http"], b"GET / HTTP/1.0\r\n\r\n") == b""


@pytest.mark.parametrize("address", ["8.8.8.8", "172.32.0.1", "2001:db8::1", "100.64.0.1"])
def test_public_addresses_are_none_of_home(address: str) -> None:
    found = re.search(r'presetenv HOME_NETWORKS "(.+)"', text("haproxy.cfg"))
    assert found is not None
    networks = [ipaddress.ip_network(network) for network in found[1].split()]
    assert all(network.is_private or network.is_link_local or network.is_loopback for network in networks)
    assert not any(ipaddress.ip_address(address) in network for network in networks)
