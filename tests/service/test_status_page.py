"""The status page of a real service: it shows what the PVS tells, over restarts, reloads and troubles."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from harness import NOON, PATIENCE, ROOT, Bench, device_ids, free_port
from helpers_web import HASH, PASSWORD, POLICY, Follower, basic

TIMEOUT = aiohttp.ClientTimeout(total=PATIENCE)
LISTENS = "the status page listens on"
STOP_WITHIN = 5.0


class Browser:
    """Asks the page of one service."""

    def __init__(self, port: int, session: aiohttp.ClientSession) -> None:
        self._session = session
        self.url = f"http://127.0.0.1:{port}/"

    async def get(self, path: str, **how: Any) -> tuple[int, str]:
        async with self._session.get(self.url + path, **how) as response:
            assert response.headers["Content-Security-Policy"] == POLICY
            return response.status, await response.text()

    async def state(self) -> Any:
        status, text = await self.get("api/state")
        assert status == 200
        return json.loads(text)

    @asynccontextmanager
    async def follow(self) -> AsyncIterator[Follower]:
        async with self._session.get(f"{self.url}api/events") as response:
            assert response.status == 200
            yield Follower(response)

    async def until_refused(self) -> None:
        with contextlib.suppress(aiohttp.ClientConnectionError):
            async with asyncio.timeout(PATIENCE):
                while True:
                    await self.get("healthz")
        with contextlib.closing(socket.socket()) as sock:
            assert sock.connect_ex(("127.0.0.1", int(self.url.rsplit(":", 1)[1][:-1]))) != 0


@asynccontextmanager
async def browser(port: int, **how: Any) -> AsyncIterator[Browser]:
    async with aiohttp.ClientSession(timeout=TIMEOUT, **how) as session:
        yield Browser(port, session)


async def running(bench: Bench, **web: Any):
    broker, pvs, port = await bench.broker(), await bench.pvs(), free_port()
    impatient = {"pvsmqtt.sinks.web.verdict.SOURCE_PATIENCE": 0.0}
    web = {"listen": f"127.0.0.1:{port}", **web}
    service = await bench.service(broker.port, pvs.port, patch=impatient, web=web)
    await service.says(LISTENS)
    return broker, pvs, port, service


async def shows(events: Follower, *ids: str) -> dict[str, Any]:
    """Follow until all these devices are online; the devices."""
    devices: dict[str, Any] = {}
    while not all(devices.get(one, {}).get("online") for one in ids):
        document = await events.next("state", "device")
        devices |= {one["id"]: one for one in document.get("devices", [document])}
    return devices


def value(device: dict[str, Any], key: str) -> Any:
    return next(one["value"] for one in device["values"] if one["key"] == key)


async def test_it_shows_what_the_pvs_tells(bench: Bench) -> None:
    broker, pvs, port, service = await running(bench)
    recorder = await bench.recorder(broker.port)
    states = await recorder.have("site", *device_ids(pvs))
    async with browser(port) as page, page.follow() as events:
        devices = await shows(events, "site", *device_ids(pvs))
        panel = device_ids(pvs)[3]
        assert value(devices[panel], "power") == states[panel]["power"]
        assert devices[panel]["topic"] == f"{ROOT}/{panel}/state"
        assert devices[panel]["measured_at"] == states[panel]["measured_at"]
        assert devices[panel]["received_at"] is not None
        assert devices[panel]["sources"][0] == f"pvs 127.0.0.1:{pvs.port}"
        state = await page.state()
        assert [device["kind"] for device in state["devices"]][:2] == ["site", "supervisor"]
        assert state["devices"][-1]["kind"] == "bridge"
        health = state["health"]
        assert health["broker"]["connected"]
        assert health["sources"][0]["state"] == "ok"
        assert health["web"]["listening"]
        assert health["web"]["following"] == 1
        while not (told := (await page.state())["home_assistant"])["topics"]:
            await events.next()
        assert told["discovery"] is True
        assert told["prefix"] == "homeassistant"
        assert f"homeassistant/device/pvsmqtt_{panel}/config" in told["topics"]
        assert told["devices"] == len(told["topics"])
        assert any("connected to the broker" in line["text"] for line in state["log"])
        assert await page.get("healthz") == (200, "ok\n")
        # A poll later the panel has another power.
        before = value(devices[panel], "power")
        pvs.clock = lambda: NOON.replace(hour=20)
        while value(await next_of(events, panel), "power") == before:
            pass
        pvs.fault = "http-503"
        while (await page.get("healthz"))[0] == 200:
            await events.next()
        status, text = await page.get("healthz")
        assert status == 503
        assert text.startswith(f"pvs 127.0.0.1:{pvs.port} has failed for ")
    assert not service.said("Traceback")


async def test_curves_go_on_after_a_restart(bench: Bench) -> None:
    broker, pvs, port, service = await running(bench)
    recorder = await bench.recorder(broker.port)
    states = await recorder.have("site", *device_ids(pvs))
    panel = device_ids(pvs)[3]
    async with browser(port) as page, page.follow() as events:
        await shows(events, "site", panel)
        before = await curve(page, "site", "pv_power")
        assert before == pytest.approx(states["site"]["pv_power"], rel=0.01)
    service.signal(signal.SIGTERM)
    assert await service.exit() == 0
    await pvs.stop()  # nothing new comes
    await service.start()
    async with browser(port) as page:
        await service.says(LISTENS, len(service.log.items))
        assert await curve(page, "site", "pv_power") == pytest.approx(before, rel=0.01)
        assert await curve(page, panel, "power") == pytest.approx(states[panel]["power"], rel=0.01)


async def curve(page: Browser, device: str, key: str) -> float:
    """The last mean of a curve that is known."""
    status, text = await page.get(f"api/curves?device={device}")
    assert status == 200
    return [float(mean) for mean in json.loads(text)["series"][device][key] if mean is not None][-1]


async def test_metrics_and_a_report_without_what_is_the_owners(bench: Bench) -> None:
    broker, pvs, port = await bench.broker({"grandma": "right"}), await bench.pvs(), free_port()
    panel = pvs.house.serials.inverters[0]
    service = await bench.service(
        broker.port,
        {"host": f"http://127.0.0.1:{pvs.port}", "site": "grandmas_orchard"},
        web={"listen": f"127.0.0.1:{port}"},
        names={panel: "Uncle Bob's barn"},
        mqtt={"username": "grandma", "password": "right"},
    )
    await service.says(LISTENS)
    async with browser(port) as page, page.follow() as events:
        devices = await shows(events, "site_grandmas_orchard", panel.lower())
        status, text = await page.get("metrics")
        assert status == 200
        power = value(devices[panel.lower()], "power")
        (line,) = [one for one in text.splitlines() if one.startswith("pvsmqtt_power_watts") and panel.lower() in one]
        assert 'name="Uncle Bob\'s barn"' in line
        assert float(line.rpartition(" ")[2]) == power
        status, report = await page.get("api/diagnostics")
        assert status == 200
        assert "# pvsmqtt diagnostics" in report
        assert "connected to the broker" in report, "the log is in it"
        for private in ("grandma", "Uncle Bob", "orchard", panel, panel.lower(), pvs.house.serials.supervisor):
            assert private not in report


async def next_of(events: Follower, device: str) -> Any:
    while (document := await events.next("device"))["id"] != device:
        pass
    return document


async def test_it_is_off_unless_it_is_asked_for(bench: Bench) -> None:
    broker, pvs = await bench.broker(), await bench.pvs()
    recorder = await bench.recorder(broker.port)
    service = await bench.service(broker.port, pvs.port)
    health = await recorder.wait(f"{ROOT}/health")
    assert health.json["web"] is None
    assert not service.said("status page")


async def test_a_restart(bench: Bench) -> None:
    _, pvs, port, service = await running(bench)
    async with browser(port) as page:
        async with page.follow() as events:
            await shows(events, "site", *device_ids(pvs))
            service.signal(signal.SIGTERM)
            await events.end()
        assert await service.exit(STOP_WITHIN) == 0
        mark = len(service.log.items)
        await service.start()
        await service.says(LISTENS, mark)
        async with page.follow() as events:
            await shows(events, "site", *device_ids(pvs))


async def test_it_stops_in_time_though_nobody_reads(bench: Bench) -> None:
    _, _, port, service = await running(bench)
    deaf = []
    try:
        for _ in range(8):
            sock = socket.socket()
            deaf.append(sock)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.connect(("127.0.0.1", port))
            sock.sendall(b"GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert sock.recv(12) == b"HTTP/1.1 200"
        service.signal(signal.SIGTERM)
        assert await service.exit(STOP_WITHIN) == 0
        assert not service.said("without a clean end")
    finally:
        for sock in deaf:
            sock.close()


async def test_a_reload_takes_up_another_address_and_a_password(bench: Bench) -> None:
    broker, pvs, port, service = await running(bench)
    recorder = await bench.recorder(broker.port)
    other = free_port()
    async with browser(port) as page, browser(other, headers=basic(PASSWORD)) as inside, browser(other) as outside:
        async with page.follow() as events:
            devices = await shows(events, *device_ids(pvs))
            mark = len(service.log.items)
            await service.reload(web={"listen": f"127.0.0.1:{other}", "password_hash": HASH})
            await events.end()
        await page.until_refused()
        await service.says(LISTENS, mark)
        assert (await outside.get("api/state"))[0] == 401
        state = await inside.state()
        assert {device["id"] for device in state["devices"]} >= devices.keys()
        assert any("pvsmqtt" in line["text"] and "runs" in line["text"] for line in state["log"])
        await recorder.fence()
        # Nothing that the service tells anywhere has the hash in it.
        secret = HASH.split("$")[-1]
        texts = [json.dumps(state), *(message.text for message in recorder.messages), *service.log.items]
        texts += [(await inside.get(path))[1] for path in ("api/diagnostics", "metrics", "healthz", "")]
        assert not [text for text in texts if secret in text]
        # Off, and on again.
        service.settings.pop("web")
        await service.reload()
        await inside.until_refused()
        mark = len(service.log.items)
        await service.reload(web={"listen": f"127.0.0.1:{port}"})
        await service.says(LISTENS, mark)
        async with page.follow() as events:
            await shows(events, *device_ids(pvs))
    assert not service.said("Traceback")


async def test_a_reload_of_something_else_leaves_it_alone(bench: Bench) -> None:
    _, pvs, port, service = await running(bench)
    async with browser(port) as page, page.follow() as events:
        await shows(events, *device_ids(pvs))
        panel = device_ids(pvs)[3]
        await service.reload(names={panel.upper(): "South roof"})
        while (await next_of(events, panel))["name"] != "South roof":
            pass
        await service.reload(mqtt={"base_topic": "energy/roof"})
        state = await events.next("state")
        assert {device["topic"].split("/")[0] for device in state["devices"]} == {"energy"}
        await service.reload(ignore=[panel.upper()])
        assert await events.next("gone") == {"id": panel}
    assert len(service.said(LISTENS)) == 1


async def test_a_port_that_is_taken(bench: Bench) -> None:
    broker, pvs, port = await bench.broker(), await bench.pvs(), free_port()
    recorder = await bench.recorder(broker.port)
    with contextlib.closing(socket.socket()) as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        service = bench.make_service(
            bench.settings(broker.port, pvs.port, web={"listen": f"127.0.0.1:{port}"}),
            patch={
                "pvsmqtt.sinks.web.sink.RETRY": 0.1,
                "pvsmqtt.service.TICK": 0.2,
                "pvsmqtt.service.HEALTH_EVERY": 0.2,
            },
        )
        await service.start()
        health = await recorder.wait(f"{ROOT}/health", lambda m: m.json["web"]["reason"])
        assert health.json["web"]["reason"] == "port_in_use"
        assert f"cannot listen on 127.0.0.1:{port}: another program" in health.json["web"]["message"]
        await recorder.have("site", *device_ids(pvs))
        assert len(service.said("cannot listen")) == 1
    await service.says(LISTENS)
    await recorder.wait(f"{ROOT}/health", lambda m: m.json["web"]["listening"] and not m.json["web"]["reason"])
    assert len(service.said("cannot listen")) == 1


async def test_foreign_names_and_methods(bench: Bench) -> None:
    _, _, port, _ = await running(bench, hosts=["solar.example.org"])
    async with browser(port) as page:
        assert (await page.get("api/state", headers={"Host": "evil.example"}))[0] == 403
        assert (await page.get("api/state", headers={"Host": f"{socket.gethostname()}.local:{port}"}))[0] == 200
        assert (await page.get("api/state", headers={"Host": "solar.example.org"}))[0] == 200
        async with page._session.post(f"{page.url}api/state", data=b"x") as response:
            assert response.status == 405
            assert response.headers["Allow"] == "GET, HEAD"
            assert response.headers["Content-Security-Policy"] == POLICY
