"""Sources, registers, devices, log and the line to the service, in a real browser."""

from __future__ import annotations

import pytest
from web_page import documents
from web_page.browser import looking
from web_page.documents import HOSTILE, bus, device, panel, site, state

from pvsmqtt.model.device import Kind

pytestmark = pytest.mark.asyncio(loop_scope="module")

WITHOUT_CLIPBOARD = """() => {
    Object.defineProperty(navigator, "clipboard", { value: undefined });
    document.addEventListener("copy", () => {
        window.taken = getSelection().toString() || document.activeElement.value;
    });
}"""
"""As on a page without TLS."""


async def test_sources_say_how_they_do(browser, fake):
    async with looking(browser, fake.url) as viewer:
        failing = ".sub:has(h3:text-is('pvs 192.168.1.99'))"
        good = ".sub:has(h3:text-is('pvs 172.27.153.1'))"
        for selector, words in {
            f"{failing} .badge": "failing",
            failing: "power-cycle the PVS",
            f"{good} .badge": "ok",
            good: "PVS did not answer within 30 s · 2 h ago",
            f"{good} dl": "1432",
            "#attention": "PVS answered 403",
            "#link": "2 to look at",
            ".sub.wide": "CRC failures",
        }.items():
            await viewer.sees(selector, words)
        assert "timeout × 3" in await viewer.reads(good)
        line = await viewer.reads(".sub.wide")
        for words in ("8.3 %", "182734", "19200 8N1", "221 mio", "overrun × 2"):
            assert words in line
        mqtt = await viewer.reads(".sub:has(h3:text-is('MQTT'))")
        for words in ("mqtts://192.168.1.10:8883", "2 h 1 min long", "48211", "14 readings wait", "TLSv1.3"):
            assert words in mqtt
        assert "28 devices, 220 entities" in await viewer.reads(".sub:has(h3:text-is('Home Assistant'))")
        gone = {
            **documents.health()["broker"],
            "connected": False,
            "connected_for": None,
            "message": "no broker at 192.168.1.10:1883: look at host and port",
            "next_try_in": 7,
        }
        fake.tell("health", documents.health(broker=gone))
        await viewer.sees(".sub:has(h3:text-is('MQTT'))", "look at host and port")
        await viewer.sees("#attention", "MQTT: no broker")
        await viewer.at(f"{good} summary").click()
        await viewer.sees(f"{good} .tree", "build")


async def test_registers_are_asked_for_only_while_they_are_looked_at(browser, fake):
    async with looking(browser, fake.url) as viewer:
        await viewer.page.clock.install()
        assert fake.asked["/api/registers"] == 0
        await viewer.at(".registers > summary").click()
        await viewer.sees(".registers tbody", "grid_voltage_l1 = 241.3 V")
        await viewer.sees(".registers tr.fresh", "0x096D")
        fake.registers = documents.registers(2500)
        await viewer.sees(".registers tbody", "250.0 V")
        await viewer.page.fill("#register-filter", "40005")
        await viewer.sees(".registers .note", "1 of 13")
        await viewer.at(".registers > summary").click()
        asked = fake.asked["/api/registers"]
        for _ in range(4):
            await viewer.page.clock.run_for(2500)
            await viewer.page.evaluate("() => fetch('api/state').then((reply) => reply.text())")
        assert fake.asked["/api/registers"] <= asked + 1  # one may have been under way


async def test_devices_are_found_and_their_topics_copied(browser, fake):
    async with looking(browser, fake.url, permissions=["clipboard-read", "clipboard-write"]) as viewer:
        await viewer.page.fill("#device-filter", "supervisor uptime")
        await viewer.sees("#devices .note", "1 of 28 devices")
        await viewer.at(".device > summary").click()
        await viewer.sees(".device .values", "812345 s")
        assert await viewer.at(".device .values dt").count() == 1, "only the quantity that was looked for"
        await viewer.page.get_by_role("button", name="Copy topic of").click()
        await viewer.sees("#said", "Copied")
        copied = await viewer.page.evaluate("() => navigator.clipboard.readText()")
        assert copied == "pvsmqtt/home/zt184385000441e1569/state"


async def test_copying_works_where_the_browser_offers_no_clipboard(browser, fake):
    async with looking(browser, fake.url) as viewer:
        await viewer.page.evaluate(WITHOUT_CLIPBOARD)
        await viewer.page.get_by_role("button", name="Copy diagnostics").click()
        await viewer.sees("#said", "Copied")
        assert "nothing secret" in await viewer.page.evaluate("() => window.taken")
        assert await viewer.at("textarea").count() == 0


async def test_the_log_grows_and_is_filtered(browser, fake):
    async with looking(browser, fake.url) as viewer:
        await viewer.sees(".lines li", "no broker at")
        fake.tell("log", {"time": documents.ago(0), "level": "info", "logger": "pvsmqtt", "text": "works again"})
        await viewer.sees(".lines li", "works again")
        await viewer.page.select_option("#log-level", "errors")
        assert await viewer.at(".lines li").count() == 1


async def test_names_from_outside_are_only_text(browser, fake):
    odd = {"name": HOSTILE, "model": HOSTILE, "topic": HOSTILE, "serial": HOSTILE, "sources": [HOSTILE]}
    line = bus() | odd
    fake.state = state(
        [site(name=HOSTILE), panel(1, **odd), device(Kind.OTHER, "x", {"vendor_state": HOSTILE}, **odd), line]
    )
    fake.state["instance"] = HOSTILE
    fake.state["health"]["sources"][0] |= {
        "name": HOSTILE,
        "message": HOSTILE,
        "trouble": HOSTILE,
        "refused": {HOSTILE: 1},
        "units": {HOSTILE: {"kind": HOSTILE, "age": 1}},
    }
    fake.state["home_assistant"]["topics"] = [HOSTILE]
    fake.state["log"].append({"time": HOSTILE, "level": HOSTILE, "logger": HOSTILE, "text": HOSTILE})
    fake.registers["lines"][0]["units"][0]["registers"][0]["name"] = HOSTILE
    async with looking(browser, fake.url) as viewer:
        await viewer.at(".panel").click()
        await viewer.sees("#detail h2", HOSTILE)
        await viewer.sees("#detail .topic", HOSTILE)
        await viewer.page.keyboard.press("Escape")
        for summary in await viewer.at("details:visible > summary").all():
            await summary.click()
        await viewer.sees(".registers tbody", HOSTILE)
        await viewer.sees(".lines", HOSTILE)
        await viewer.sees("#title", HOSTILE)
        assert await viewer.page.evaluate("() => window.hacked") is None
        assert await viewer.page.evaluate("() => document.querySelectorAll('img').length") == 1, "the logo alone"
        assert not viewer.complaints


async def test_the_line_breaks_and_comes_back(browser, fake):
    async with looking(browser, fake.url) as viewer:
        await fake.stop()
        await viewer.sees("#banner", "The connection to pvsmqtt is lost since")
        await viewer.sees("#link", "no connection")
        await viewer.sees("#now .stamp", "stale")
        fake.state = state(
            [site(pv_power=2500, load_power=2500, grid_power=0, battery_power=0)], started_at=documents.ago(1)
        )
        await fake.start()
        await viewer.sees(".headline", "The sun gives 2.50 kW")
        await viewer.sees("#now .stamp", "live")
        assert not await viewer.at("#banner").inner_text()
        assert not await viewer.at("#panels").is_visible(), "what is gone is not shown any more"


async def test_another_version_brings_its_own_page(browser, fake):
    async with looking(browser, fake.url) as viewer:
        asked = fake.asked["/"]
        fake.state = state(version="0.9.1")
        fake.tell("state", fake.state)
        await viewer.sees("#foot", "pvsmqtt 0.9.1")
        assert fake.asked["/"] == asked + 1


async def test_a_password_that_is_wanted_meanwhile_leads_to_the_login(browser, fake):
    async with looking(browser, fake.url) as viewer:
        fake.locked = True
        await fake.stop()
        await fake.start()
        await viewer.page.wait_for_url("**/login")
        assert await viewer.page.get_by_label("Password").is_visible()
