"""The pictures of the status page in this folder: of the demo, when a simulated day and some hours are over.

    .venv/bin/python docs/images/shoot.py [SECONDS]

It needs Chromium and what `script/setup test embedded` installs, and takes three minutes.
"""

import asyncio
import os
import re
import shutil
import sys
from pathlib import Path

from playwright.async_api import async_playwright

FOLDER = Path(__file__).parent
ZONE = "Etc/GMT+6"
"""Where the simulated house stands."""
SECONDS = 163.0
"""Of ours, from half past seven in the morning to half past ten of the next day."""

PICTURES = (
    ("status-page.png", {"width": 1280, "height": 1010}, "light"),
    ("status-page-phone.png", {"width": 390, "height": 844}, "dark"),
)


async def main(seconds: float) -> None:
    """Start the demo, wait, and take all pictures."""
    demo = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pvsmqtt", "demo", "--panels", "24"),
        env={**os.environ, "TZ": ZONE, "PYTHONUNBUFFERED": "1"},
        stdout=asyncio.subprocess.PIPE,
    )
    assert demo.stdout is not None  # noqa: S101 - it is a pipe
    try:
        while not (found := re.search(r"status page is at (\S+/)\.$", (await demo.stdout.readline()).decode())):
            pass
        reading = asyncio.create_task(demo.stdout.read())
        await asyncio.sleep(seconds)
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
            )
            for name, size, scheme in PICTURES:
                page = await browser.new_page(
                    viewport=size, color_scheme=scheme, timezone_id=ZONE, reduced_motion="reduce"
                )
                await page.goto(found[1])
                await page.wait_for_selector("#today path.line.c-pv_power")
                await page.screenshot(path=FOLDER / name)
            await browser.close()
    finally:
        demo.terminate()
        await demo.wait()
        await reading


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS))
