"""A real Chromium, and what its user sees. Where there is none, the tests that need it are skipped."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.async_api import Browser, Locator, Page

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 30_000.0
"""Milliseconds after which what was to be seen is missed."""

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}

SHOTS = "PVSMQTT_SCREENSHOTS"
"""Environment variable: the folder in which screenshots are kept."""


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """The browser, with a new empty profile."""
    api = pytest.importorskip("playwright.async_api", reason="playwright is not installed (script/setup test)")
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip("no browser: apt install chromium")
    async with api.async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        await browser.close()


class Viewer:
    """Somebody who looks at the page. Whatever the browser complains about is in ``complaints``."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", lambda message: self._complain(message.type, message.text))
        page.on("pageerror", lambda error: self._complain("error", str(error)))

    def _complain(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(text)

    def at(self, selector: str, **how: Any) -> Locator:
        return self.page.locator(selector, **how)

    async def sees(self, selector: str, text: str) -> None:
        """Wait until the first such element has this text somewhere in it."""
        from playwright.async_api import expect

        await expect(self.at(selector).first).to_contain_text(text, timeout=PATIENCE)

    async def reads(self, selector: str) -> str:
        """What stands there, in one line."""
        text = await self.at(selector).first.evaluate("(e) => e.innerText ?? e.textContent", timeout=PATIENCE)
        return " ".join(text.split())

    async def until(self, script: str, argument: Any = None) -> Any:
        """Wait until a JavaScript function gives something true."""
        found = await self.page.wait_for_function(script, arg=argument, timeout=PATIENCE)
        return await found.json_value()


@asynccontextmanager
async def looking(
    browser: Browser, url: str, *, ready: str | None = "#now .flow", **how: Any
) -> AsyncIterator[Viewer]:
    """A new window at ``url``, looked at as soon as the element ``ready`` is there."""
    context = await browser.new_context(**{"viewport": DESKTOP, "reduced_motion": "reduce", **how})
    try:
        viewer = Viewer(await context.new_page())
        await viewer.page.goto(url)
        if ready is not None:
            await viewer.page.wait_for_selector(ready, timeout=PATIENCE)
        yield viewer
    finally:
        await context.close()


def folder(default: Path) -> Path:
    """Where screenshots go."""
    place = Path(os.environ.get(SHOTS) or default)
    place.mkdir(parents=True, exist_ok=True)
    return place


async def violations(viewer: Viewer, part: str = "html") -> list[str]:
    """What axe finds wrong in a part of the page for people who hear it, or see it badly."""
    from importlib.resources import files

    try:
        axe = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
    except ModuleNotFoundError:
        pytest.skip("axe is not installed (script/setup test)")
    if not await viewer.page.evaluate("() => Boolean(window.axe)"):
        await viewer.page.evaluate(axe)
    found = await viewer.page.evaluate("(part) => axe.run(part, {resultTypes: ['violations']})", part)
    return [
        f"{one['id']}: {one['help']}: {node['html'][:200]} {node.get('failureSummary', '')[:300]}"
        for one in found["violations"]
        for node in one["nodes"]
    ]
