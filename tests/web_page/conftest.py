"""One browser for each module; each test has a window of its own."""

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from web_page.browser import chromium
from web_page.documents import state
from web_page.fake import Fake


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Any]:
    async with chromium() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module")
async def fake() -> AsyncIterator[Fake]:
    """A server that shows a house with every state."""
    fake = Fake(state())
    await fake.start()
    yield fake
    await fake.stop()
