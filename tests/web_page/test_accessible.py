"""Who hears the page, uses no mouse or sees badly: axe finds nothing, and the keyboard reaches everything."""

from __future__ import annotations

import pytest
from web_page.browser import DESKTOP, PHONE, looking, violations
from web_page.documents import bus, every_state, site, state

FOCUSED = """() => {
    const element = document.activeElement, style = getComputedStyle(element);
    return [
        element.id || element.getAttribute("class") || element.tagName,
        style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    ];
}"""
"""Which element has the focus, and whether it shows that."""

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize(("size", "scheme"), [(PHONE, "dark"), (DESKTOP, "light")], ids=["phone", "desktop"])
async def test_axe_finds_nothing(browser, fake, size, scheme):
    how = {"viewport": size, "color_scheme": scheme, "ready": "#today path.line.c-pv_power"}
    fake.state = state([site(), *every_state(17), bus()])
    async with looking(browser, fake.url, **how) as viewer:
        for block in ("#today", ".sub", ".registers", ".device"):
            await viewer.at(f"{block} summary").first.click()
        await viewer.sees(".registers tbody", "grid_voltage_l1")
        await fake.stop()
        await viewer.sees("#banner", "is lost since")
        assert await violations(viewer) == []
        await fake.start()
        await viewer.at(".panel").first.click()
        await viewer.at("#detail path.line").wait_for(state="attached")
        assert await violations(viewer, "#detail") == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_at_the_login(browser, fake, scheme):
    async with looking(browser, f"{fake.url}login", ready="form", color_scheme=scheme) as viewer:
        assert await violations(viewer) == []
        assert not viewer.complaints


async def test_the_keyboard_reaches_everything(browser, fake):
    async with looking(browser, fake.url, ready="#today path.line.c-pv_power") as viewer:
        await viewer.page.keyboard.press("Tab")
        assert await viewer.page.evaluate("() => document.activeElement.className") == "skip"
        reached = []
        for _ in range(80):
            await viewer.page.keyboard.press("Tab")
            told = await viewer.page.evaluate(FOCUSED)
            reached.append(told[0])
            assert told[0] == "BODY" or told[1], f"{told[0]} shows that it has the focus"
            if told[0] == "log-level":
                break
        assert {"chart", "device-filter", "log-level"} <= set(reached)
        assert sum(one.startswith("panel") for one in reached) == 1


async def test_who_wants_no_motion_gets_none_but_still_sees_the_direction(browser, fake):
    for wish, moves in (("reduce", "none"), ("no-preference", "run")):
        async with looking(browser, fake.url, reduced_motion=wish) as viewer:
            style = "() => getComputedStyle(document.querySelector('.k-grid .moving')).animationName"
            assert await viewer.page.evaluate(style) == moves
            assert await viewer.at(".k-grid .arrow").is_visible()
