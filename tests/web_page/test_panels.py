"""Panels in a real browser: their places, their states, and what a click or a key shows."""

from __future__ import annotations

import pytest
from web_page import documents
from web_page.browser import DESKTOP, PHONE, folder, looking
from web_page.documents import panel, site, state, string_inverter

pytestmark = pytest.mark.asyncio(loop_scope="module")

LOOK = """(element) => {
    const style = getComputedStyle(element);
    return style.borderStyle + style.backgroundColor + style.borderColor;
}"""


async def test_every_state_is_told_in_words_and_looks_different(browser, fake):
    async with looking(browser, fake.url) as viewer:
        await viewer.sees("#panels .told", "24 panels: 21 live, 1 asleep, 1 stale, 1 lost")
        looks = set()
        for number, word in {0: "100 %", 5: "stale", 9: "asleep", 11: "lost"}.items():
            tile = viewer.at(".panel").nth(number)
            assert word in await tile.inner_text() or number == 0
            if number:
                assert word in str(await tile.get_attribute("aria-label"))
            looks.add(await tile.evaluate(LOOK))
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


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("name", "size"), [("phone", PHONE), ("desktop", DESKTOP)])
async def test_a_string_inverter_is_no_panel(browser, fake, tmp_path, name, size, scheme):
    panels = [panel(number, power=160.0 + number) for number in range(12)]
    fake.state = state([string_inverter(), site(), *panels])
    async with looking(browser, fake.url, viewport=size, color_scheme=scheme) as viewer:
        await viewer.sees("#panels .told", "12 panels and 1 inverter: 13 live")
        await viewer.sees("#panels .side .note", "the panel in the middle, 166 W.")
        alone = viewer.at(".tiles .panel")
        assert "".join((await alone.inner_text()).split()) == "1.9kW", "nobody to compare it with"
        assert str(await alone.get_attribute("class")).split()[1] == "even"
        assert str(await alone.get_attribute("title")).endswith("live, 1.89 kW")
        assert await viewer.at(".panel.g5").count() == 12
        await viewer.at("#panels").screenshot(path=folder(tmp_path) / f"string-{name}-{scheme}.png")
        fake.tell("device", string_inverter(power=None, availability="lost") | {"online": False})
        await viewer.sees("#attention", "1 inverter is lost: Inverter STRING_SITE")
        fake.tell("device", panel(3, "lost"))
        await viewer.sees("#attention", "1 panel and 1 inverter are lost")


async def test_inverters_are_compared_with_those_beside_them(browser, fake):
    line = [string_inverter("roof", power=power) | {"id": f"s{power}"} for power in (2000, 2100, 900)]
    fake.state = state([site(), *line, panel(1), panel(2)])
    async with looking(browser, fake.url) as viewer:
        await viewer.sees(".panel[data-id='s900'] .state", "45 %")
        await viewer.sees(".panel[data-id='s2000'] .state", "100 %")
        await viewer.sees("#panels .side .note", "in the middle of its group, 2.00 kW or 247 W.")
        fake.tell("state", state([site(), *line]))
        await viewer.sees("#panels .told", "3 inverters: 3 live")
        assert await viewer.reads("#panels h2") == "Inverters"


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


@pytest.mark.parametrize(("width", "scrolls"), [(320, True), (390, False), (1280, False)])
async def test_a_roof_that_is_wider_than_the_screen_says_so(browser, fake, width, scrolls):
    async with looking(browser, fake.url, viewport={"width": width, "height": 700}) as viewer:
        await viewer.sees("#panels .told", "24 panels")
        words = viewer.at("#panels .note", has_text="it scrolls sideways")
        assert await words.is_visible() is scrolls
        last = viewer.at(".map .panel").nth(6)
        await last.click()  # a browser scrolls to it, or it could not be hit
        await viewer.sees("#detail h2", "Inverter E00122125090006")
        box = await last.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= width


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
