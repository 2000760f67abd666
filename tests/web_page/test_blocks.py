"""What each block shows and does, in a real browser, with a made-up house."""

from __future__ import annotations

import re
from typing import Any

import pytest
from web_page import documents
from web_page.browser import DESKTOP, PHONE, folder, looking
from web_page.documents import HOSTILE, bus, device, panel, site, state

from pvsmqtt.model.device import Kind

pytestmark = pytest.mark.asyncio(loop_scope="module")

FIGURE = ".node.k-{} .number"


async def figures(viewer: Any) -> dict[str, float]:
    """The powers as they are shown, with the sign that the words give them."""
    shown = {}
    for key in ("pv", "grid", "load", "battery"):
        number = float(await viewer.reads(FIGURE.format(key)))
        words = await viewer.reads(f".node.k-{key} .does")
        shown[key] = -number if words in ("exporting", "charging") else number
    return shown


async def test_power_flow_says_what_happens(browser, fake):
    async with looking(browser, fake.url) as viewer:
        await viewer.sees(".headline", "The sun gives 4.20 kW")
        await viewer.sees(".headline", "Exporting 1.60 kW · battery charging 1.10 kW (78 %)")
        await viewer.sees(".node.k-battery", "78 % full")
        for key, way in {"pv": "in", "load": "out", "grid": "out", "battery": "out"}.items():
            assert await viewer.at(f".flow .k-{key}.{way} .moving").count() == 1, key
        fake.tell("device", site(pv_power=0, grid_power=640, battery_power=480, load_power=1120, state_of_charge=41))
        await viewer.sees(".headline", "Importing 0.64 kW · battery discharging 0.48 kW (41 %)")
        await viewer.sees(".headline", "The sun gives nothing")
        assert await viewer.at(".flow .k-grid.in").count() == await viewer.at(".flow .k-battery.in").count() == 1
        assert await viewer.at(".flow .k-pv.still").count() == 1
        assert not viewer.complaints


@pytest.mark.parametrize(
    ("powers", "unit"),
    [
        ({"pv_power": 1004.9, "grid_power": 1004.9, "battery_power": 1004.9, "load_power": 3014.7}, "kW"),
        ({"pv_power": 333.4, "grid_power": 333.4, "battery_power": -0.4, "load_power": 666.4}, "W"),
        ({"pv_power": 5004, "grid_power": -2496, "battery_power": -1004, "load_power": 1500}, "kW"),
    ],
)
async def test_figures_balance_after_rounding(browser, fake, powers, unit):
    fake.state = state([site(**powers)])
    async with looking(browser, fake.url) as viewer:
        await viewer.sees(".node.k-load .unit", unit)
        shown = await figures(viewer)
        assert round(shown["pv"] + shown["grid"] + shown["battery"], 3) == shown["load"]
        for key, watts in {key.removesuffix("_power"): value for key, value in powers.items()}.items():
            assert abs(shown[key] * (1000 if unit == "kW" else 1) - watts) <= 20
        assert not await viewer.at("#now .note").inner_text()


async def test_a_house_without_battery_has_none_and_what_is_unknown_is_no_zero(browser, fake):
    fake.state = state([site(battery_power="absent", state_of_charge="absent", grid_power=None)])
    async with looking(browser, fake.url) as viewer:
        await viewer.sees(FIGURE.format("grid"), "–")
        await viewer.sees(".node.k-grid", "not known")
        assert not await viewer.at(".node.k-battery").is_visible()


async def test_figures_that_do_not_balance_are_not_bent(browser, fake):
    fake.state = state([site(load_power=2600)])
    async with looking(browser, fake.url) as viewer:
        await viewer.sees(FIGURE.format("load"), "2.60")
        await viewer.sees("#now .note", "do not add up")


async def test_one_of_several_houses_is_chosen(browser, fake):
    second = site("site_barn", "Barn", pv_power=0, grid_power=90, load_power=90, battery_power="absent")
    fake.state = state([site(), second, panel(1), panel(2), panel(3, site="site_barn", name="Barn panel")])
    async with looking(browser, fake.url) as viewer:
        assert await viewer.at(".panel").count() == 2
        await viewer.page.select_option("#site", label="Barn")
        await viewer.sees(".headline", "the house uses 90 W")
        assert await viewer.at(".panel").count() == 1
        assert "site_barn" in fake.curves or fake.asked["/api/curves"] >= 2


async def test_every_state_is_told_in_words_and_looks_different(browser, fake):
    async with looking(browser, fake.url) as viewer:
        await viewer.sees("#panels .told", "24 panels: 21 live, 1 asleep, 1 stale, 1 lost")
        looks = set()
        for number, word in {0: "100 %", 5: "stale", 9: "asleep", 11: "lost"}.items():
            tile = viewer.at(".panel").nth(number)
            assert word in await tile.inner_text() or number == 0
            if number:
                assert word in str(await tile.get_attribute("aria-label"))
            looks.add(await tile.evaluate("(e) => { const s = getComputedStyle(e); return s.borderStyle + s.backgroundColor + s.borderColor; }"))
        assert len(looks) == 4
        grades = [str(await viewer.at(".panel").nth(number).get_attribute("class")) for number in (0, 14, 15, 16)]
        assert [grade.split()[1] for grade in grades] == ["g5", "g4", "g3", "g2"]
        await viewer.page.fill("#device-filter", "inverter")
        for word, age in {"stale": "31 min ago", "asleep": "8 h 20 min ago", "lost": "4 h ago"}.items():
            await viewer.sees(f".device:has(.s-{word}) .stamp", word)
            await viewer.sees(f".device:has(.s-{word}) .stamp", age)
        fake.tell("device", panel(11))
        await viewer.sees("#panels .told", "22 live, 1 asleep, 1 stale")


@pytest.mark.parametrize("night", ["asleep", "lost", "stale"])
async def test_panels_without_light_are_not_compared(browser, fake, night):
    fake.state = state([site(pv_power=0), *(panel(number, night) for number in range(6))])
    async with looking(browser, fake.url) as viewer:
        await viewer.sees("#panels .stamp", night)
        await viewer.sees("#panels .told", f"6 panels: 6 {night}")


async def test_panels_lie_as_they_do_on_the_roof(browser, fake):
    async with looking(browser, fake.url) as viewer:
        boxes = [await viewer.at(".map .panel").nth(number).bounding_box() for number in range(24)]
        assert all(boxes)
        places = [(box["x"], box["y"]) for box in boxes if box]
        assert places[0][1] == places[6][1] < places[7][1], "a row is a row, and the second is below the first"
        assert places[0][0] == places[7][0] < places[1][0]
        fake.tell("state", state([site(), *documents.every_state(place=False)]))
        await viewer.until("() => document.querySelectorAll('.tiles .panel').length === 24")
        fake.tell("state", state([site(), *(panel(number % 3) | {"id": f"p{number}"} for number in range(9))]))
        await viewer.until("() => document.querySelectorAll('.tiles .panel').length === 9")  # on each other: no map


async def test_a_panel_is_opened_with_the_keyboard(browser, fake):
    async with looking(browser, fake.url) as viewer:
        await viewer.at(".panel").nth(0).focus()
        for key in ("ArrowRight", "ArrowRight", "ArrowDown"):
            await viewer.page.keyboard.press(key)
        await viewer.page.keyboard.press("Enter")
        await viewer.sees("#detail h2", "Inverter E00122125090009")  # below the third
        await viewer.sees("#detail .stamp", "asleep")
        await viewer.sees("#detail .values", "1843.52 kWh")
        await viewer.sees("#detail .readout", "Power")
        assert await viewer.at("#detail path.line").count() == 1
        await viewer.page.keyboard.press("Escape")
        assert not await viewer.at("#detail").is_visible()
        assert await viewer.page.evaluate("() => document.activeElement.dataset.id") == "e00122125090009"
        assert await viewer.at('.panel[tabindex="0"]').count() == 1


async def test_an_open_panel_stays_current(browser, fake):
    async with looking(browser, fake.url) as viewer:
        await viewer.at(".panel").nth(2).click()
        await viewer.sees("#detail .values", "247 W")
        fake.tell("device", panel(2, power=12.0))
        await viewer.sees("#detail .values", "12 W")
        fake.tell("gone", {"id": panel(2)["id"]})
        await viewer.until("() => !document.querySelector('#detail').open")


async def test_four_hundred_panels_stay_usable(browser, fake):
    fake.state = state([site(), *documents.every_state(400)])
    async with looking(browser, fake.url, viewport=PHONE) as viewer:
        assert await viewer.at(".panel").count() == 400
        box = await viewer.at(".panel").nth(3).bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 40, "a finger hits it"
        assert await viewer.at('.panel[tabindex="0"]').count() == 1, "one stop of the tab key, not 400"
        for number in range(400):
            fake.tell("device", panel(number, power=100.0 + number % 3))
        await viewer.until("() => document.querySelectorAll('.panel')[399].textContent.startsWith('100')")
        wide = await viewer.page.evaluate("() => document.documentElement.scrollWidth")
        assert wide <= PHONE["width"], "only the roof scrolls sideways"


async def test_curves_are_drawn_and_read(browser, fake):
    async with looking(browser, fake.url, ready="#today path.line.c-pv_power") as viewer:
        for key in ("pv_power", "load_power", "grid_power", "battery_power"):
            assert await viewer.at(f"#today path.line.c-{key}").count() == 1
        gap = await viewer.at("#today path.line.c-pv_power").get_attribute("d")
        assert str(gap).count("M") == 2, "what is not known is a gap"
        ticks = await viewer.at("#today .chart .tick").all_text_contents()
        assert {"00:00", "12:00", "kW"} <= set(ticks)
        plot = viewer.at("#today .chart")
        await plot.focus()
        await viewer.page.keyboard.press("Home")
        words = await viewer.reads("#today .readout")
        assert words.startswith("14:00 Solar 5.8"), "the time of the house"
        assert await plot.get_attribute("aria-valuenow") == "0"
        assert "Solar" in str(await plot.get_attribute("aria-valuetext"))
        await plot.hover(position={"x": 300, "y": 80})
        assert await viewer.reads("#today .readout") != words
        await viewer.page.get_by_role("button", name="Grid", exact=True).click()
        assert await viewer.at("#today path.line.c-grid_power").count() == 0
        await viewer.at("#today summary").click()
        await viewer.until("() => document.querySelectorAll('#today tbody tr').length === 24")


async def test_a_finger_reads_the_curve(browser, fake):
    how = {"viewport": PHONE, "has_touch": True, "is_mobile": True, "ready": "#today path.line.c-pv_power"}
    async with looking(browser, fake.url, **how) as viewer:
        before = await viewer.reads("#today .readout")
        await viewer.at("#today .chart").tap(position={"x": 120, "y": 80})
        assert await viewer.reads("#today .readout") != before


async def test_ages_tick(browser, fake):
    async with looking(browser, fake.url) as viewer:
        await viewer.page.clock.install()
        first = await viewer.page.evaluate("() => document.querySelector('#now .age').textContent")
        assert re.fullmatch(r"\d+ s ago", first)
        await viewer.page.clock.run_for(65_000)
        await viewer.sees("#now .age", "1 min ago")


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
        gone = {**documents.health()["broker"], "connected": False, "connected_for": None, "message": "no broker at 192.168.1.10:1883: look at host and port", "next_try_in": 7}
        fake.tell("health", documents.health(broker=gone))
        await viewer.sees(".sub:has(h3:text-is('MQTT'))", "look at host and port")
        await viewer.sees("#attention", "MQTT: no broker")
        await viewer.at(f"{good} summary").click()
        await viewer.sees(f"{good} .tree", "build")


async def test_registers_are_asked_for_only_while_they_are_looked_at(browser, fake):
    async with looking(browser, fake.url) as viewer:
        assert fake.asked["/api/registers"] == 0
        await viewer.at(".registers > summary").click()
        await viewer.sees(".registers tbody", "grid_voltage_l1 = 241.3 V")
        await viewer.sees(".registers tr.fresh", "0x096D")
        fake.registers = documents.registers(2500)
        await viewer.sees(".registers tbody", "250.0 V")
        await viewer.page.fill("#register-filter", "40005")
        await viewer.sees(".registers .note", "1 of 13")
        await viewer.at(".registers > summary").click()
        await viewer.page.clock.install()
        asked = fake.asked["/api/registers"]
        await viewer.page.clock.run_for(30_000)
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
        await viewer.page.evaluate("() => { Object.defineProperty(navigator, 'clipboard', {value: undefined}); document.addEventListener('copy', () => { window.taken = getSelection().toString() || document.activeElement.value; }); }")
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
    fake.state = state([site(name=HOSTILE), panel(1, **odd), device(Kind.OTHER, "x", {"vendor_state": HOSTILE}, **odd), line])
    fake.state["instance"] = HOSTILE
    fake.state["health"]["sources"][0] |= {"name": HOSTILE, "message": HOSTILE, "trouble": HOSTILE, "refused": {HOSTILE: 1}, "units": {HOSTILE: {"kind": HOSTILE, "age": 1}}}
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
        fake.state = state([site(pv_power=2500, load_power=2500, grid_power=0, battery_power=0)], started_at=documents.ago(1))
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


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("name", "size"), [("phone", PHONE), ("desktop", DESKTOP)])
async def test_screenshots(browser, fake, tmp_path, name, size, scheme):
    place = folder(tmp_path)
    how = {"viewport": size, "color_scheme": scheme, "ready": "#today path.line.c-pv_power"}
    async with looking(browser, fake.url, **how) as viewer:
        for part in (False, True):
            file = place / f"{name}-{scheme}{'-full' if part else ''}.png"
            await viewer.page.screenshot(path=file, full_page=part)
            assert file.stat().st_size > 10_000
        wide = await viewer.page.evaluate("() => document.documentElement.scrollWidth")
        assert wide <= size["width"], "nothing has to be scrolled sideways"
        box = await viewer.at(".headline").bounding_box()
        assert box is not None
        assert box["y"] + box["height"] < size["height"] / 2, "the headline comes first"
