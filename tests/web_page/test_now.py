"""Power flow, curves and ages in a real browser, with a made-up house; and pictures of it all."""

from __future__ import annotations

import re
from typing import Any

import pytest
from web_page.browser import DESKTOP, PHONE, folder, looking, violations
from web_page.documents import ago, curves, not_heard_yet, panel, site, state

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


UNKNOWN = dict.fromkeys(("pv_power", "grid_power", "load_power", "battery_power", "state_of_charge"))
LONGEST = {"pv_power": -14000, "grid_power": 0, "load_power": -14000, "battery_power": 4004, "state_of_charge": 100}

OUTSIDE = """() => {
    const picture = document.querySelector(".flow").getBoundingClientRect();
    return [...document.querySelectorAll(".flow text")].filter((text) => {
        const box = text.getBoundingClientRect();
        return box.left < picture.left || box.right > picture.right || box.bottom > picture.bottom;
    }).map((text) => text.textContent);
}"""
"""Words that the picture of the powers cuts off."""


@pytest.mark.parametrize("size", [{"width": 320, "height": 640}, PHONE, DESKTOP], ids=["small", "phone", "desktop"])
@pytest.mark.parametrize(
    "powers", [UNKNOWN, LONGEST, {"state_of_charge": None}], ids=["unknown", "longest", "charge"]
)
async def test_no_word_of_the_power_flow_is_cut(browser, fake, size, powers):
    fake.state = state([site(**powers)])
    async with looking(browser, fake.url, viewport=size) as viewer:
        full = "– % full" if powers.get("state_of_charge") is None else "100 % full"
        await viewer.sees(".node.k-battery .does >> nth=1", full)
        assert await viewer.page.evaluate(OUTSIDE) == []


async def test_nothing_known_is_not_live(browser, fake):
    """One device that is heard makes the house online, but no power known."""
    fake.state = state([site(**UNKNOWN)])
    async with looking(browser, fake.url) as viewer:
        await viewer.sees(".headline", "The powers of the house are not known.")
        assert await viewer.reads("#now .stamp") == "unknown"
        assert await viewer.reads("#today .stamp") == "unknown"
        fake.tell("device", site(**UNKNOWN | {"load_power": 700}))
        await viewer.sees("#now .stamp", "live")


async def test_curves_are_as_old_as_their_fetching(browser, fake):
    """The house may have another clock."""
    fake.curves["site"] = curves() | {"now": ago(35_340)}
    async with looking(browser, fake.url, ready="#today path.line.c-pv_power") as viewer:
        assert re.fullmatch(r"live [0-9] s ago", await viewer.reads("#today .stamp"))


@pytest.mark.parametrize(("name", "size"), [("phone", PHONE), ("desktop", DESKTOP)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_after_a_start_with_the_pvs_away(browser, fake, tmp_path, name, size, scheme):
    fake.state = state(not_heard_yet())
    async with looking(browser, fake.url, viewport=size, color_scheme=scheme) as viewer:
        assert await viewer.reads("#now .stamp") == "not heard yet"
        assert await viewer.reads("#panels .stamp") == "stale"
        assert await viewer.reads("#devices .stamp") == "not heard yet 0 live"
        for number in range(6):
            assert await viewer.reads(f".device >> nth={number} >> .stamp") == "not heard yet"
        fake.tell("device", fake.state["devices"][1] | {"measured_at": ago(4000), "sources": ["pvs 172.27.153.1"]})
        await viewer.sees(".device >> nth=1 >> .stamp", "offline")
        assert await viewer.reads(".device >> nth=1 >> .stamp") == "offline 1 h 6 min ago"
        assert await viewer.at(".s-lost").count() == 0, "only a panel is lost"
        assert await violations(viewer) == []
        await viewer.page.screenshot(path=folder(tmp_path) / f"not-heard-{name}-{scheme}.png", full_page=True)


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
