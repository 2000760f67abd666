"""The page with the real service and a simulated PVS: what is shown is what was published."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest
from harness import ROOT, Bench, device_ids, free_port, is_online
from web_page.browser import DESKTOP, looking
from web_page.prefix import Prefix

from pvsmqtt.simulator.pvs.house.house import House
from pvsmqtt.sinks.web import passwords

pytestmark = pytest.mark.asyncio(loop_scope="module")

LISTENS = "the status page listens"
PASSWORD = "sunny side up"


def told(port: int, path: str) -> Any:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=20) as reply:
        return json.load(reply)


async def test_the_page_shows_what_was_published_and_survives_a_restart(browser, tmp_path):
    port = free_port()
    async with Bench(tmp_path).open() as bench:
        broker, pvs = await bench.broker(), await bench.pvs(house=House(9, ess=True))
        recorder = await bench.recorder(broker.port)
        service = await bench.service(broker.port, pvs.port, web={"listen": f"127.0.0.1:{port}"})
        await service.says(LISTENS)
        await recorder.have("site", *device_ids(pvs))
        site = await recorder.wait(
            f"{ROOT}/site/state",
            lambda message: None not in [message.json.get(f"{key}_power") for key in KEYS.values()],
        )
        async with looking(browser, f"http://127.0.0.1:{port}/") as viewer:
            await viewer.until("() => document.querySelectorAll('.panel').length === 9")
            await viewer.sees(".node.k-battery .does >> nth=1", f"{site.json['state_of_charge']:.0f} % full")
            for shown, key in KEYS.items():
                unit = await viewer.reads(f".node.k-{shown} .unit")
                number = float(await viewer.reads(f".node.k-{shown} .number")) * (1000 if unit == "kW" else 1)
                assert abs(number - abs(site.json[f"{key}_power"])) <= 20, key
            for id in pvs.house.serials.inverters:
                panel = recorder.last(f"{ROOT}/{id.lower()}/state").json
                assert panel["availability"] == "live"
                await viewer.sees(f".panel[data-id='{id.lower()}'] .watts", f"{panel['power']:.0f}")
            assert await viewer.at(".map .panel").count() in (0, 9)
            first = pvs.house.serials.inverters[0].lower()
            await viewer.at(f".panel[data-id='{first}']").click()
            await viewer.sees("#detail .values", f"{recorder.last(f'{ROOT}/{first}/state').json['energy']:.2f} kWh")
            await viewer.sees("#detail .topic", f"{ROOT}/{first}/state")
            await viewer.page.keyboard.press("Escape")
            source = told(port, "api/state")["health"]["sources"][0]
            await viewer.sees(f".sub:has(h3:text-is('{source['name']}')) .badge", "ok")
            await viewer.sees(".sub:has(h3:text-is('MQTT')) .badge", "connected")
            topics = {m.topic for m in recorder.messages if m.topic.startswith("homeassistant/device/") and m.payload}
            await viewer.sees(".sub:has(h3:text-is('Home Assistant'))", f"{len(topics)} devices")
            await viewer.sees(".lines", "pvsmqtt")
            assert not viewer.complaints

            started = await viewer.reads("#foot")
            await service.stop()
            await viewer.sees("#banner", "is lost since")
            since = recorder.mark()
            await service.start()
            await recorder.wait(f"{ROOT}/status", is_online, since)
            await viewer.sees("#link", "all well")
            await viewer.until("() => document.querySelector('#now .badge').textContent === 'live'")
            assert not await viewer.reads("#banner")
            assert await viewer.at(".panel").count() == 9
            assert started


KEYS = {"pv": "pv", "grid": "grid", "load": "load", "battery": "battery"}
"""Where it is shown, and the quantity."""


async def test_a_pvs_that_refuses_is_explained(browser, tmp_path):
    port = free_port()
    async with Bench(tmp_path).open() as bench:
        broker = await bench.broker()
        service = await bench.service(broker.port, free_port(), web={"listen": f"127.0.0.1:{port}"})
        await service.says(LISTENS)
        async with looking(browser, f"http://127.0.0.1:{port}/", ready="#sources .sub .bad") as viewer:
            message = told(port, "api/state")["health"]["sources"][0]["message"]
            await viewer.sees("#sources .sub .bad", message[:40])
            await viewer.sees("#attention", message[:40])


async def test_below_a_path_with_a_password(browser, tmp_path):
    port = free_port()
    page = {"listen": f"127.0.0.1:{port}", "password_hash": passwords.make(PASSWORD)}
    async with Bench(tmp_path).open() as bench:
        broker, pvs = await bench.broker(), await bench.pvs()
        service = await bench.service(broker.port, pvs.port, web=page)
        await service.says(LISTENS)
        async with Prefix(port) as prefix, looking(browser, prefix.url, ready="form", viewport=DESKTOP) as viewer:
            assert viewer.page.url == f"{prefix.url}login"
            await viewer.page.get_by_label("Password").fill("wrong")
            await viewer.page.get_by_role("button", name="Log in").click()
            await viewer.sees(".said", "Wrong password")
            viewer.complaints.clear()  # the browser reports the 401
            await viewer.page.get_by_label("Password").fill(PASSWORD)
            await viewer.page.get_by_role("button", name="Log in").click()
            await viewer.sees(".headline", "The sun gives")
            await viewer.until("() => document.querySelectorAll('.panel').length === 4")
            assert not viewer.complaints
            await viewer.page.get_by_role("button", name="Log out").click()
            await viewer.page.wait_for_url("**/login")
            assert prefix.elsewhere == []


async def test_after_a_restart_with_the_pvs_away_nothing_is_said_that_nobody_told(browser, tmp_path):
    port = free_port()
    async with Bench(tmp_path).open() as bench:
        broker, pvs = await bench.broker(), await bench.pvs(house=House(3, ess=True))
        recorder = await bench.recorder(broker.port)
        service = await bench.service(broker.port, pvs.port, web={"listen": f"127.0.0.1:{port}"})
        await service.says(LISTENS)
        await recorder.have("site", *device_ids(pvs))
        await service.stop()
        await pvs.stop()
        since = len(service.log.items)
        await service.start()
        await service.says(LISTENS, since)
        async with looking(browser, f"http://127.0.0.1:{port}/", ready="#devices .device") as viewer:
            await viewer.sees("#now .headline", "are not known")
            assert await viewer.reads("#now .stamp") == "not heard yet"
            assert await viewer.reads("#panels .stamp") == "stale"
            for words, state in {"": "not heard yet", "inverter e0": "stale"}.items():
                await viewer.page.fill("#device-filter", words)
                told = {await one.inner_text() for one in await viewer.at(".device .stamp").all()}
                assert told == {state}, "no age, and only panels are stale"
