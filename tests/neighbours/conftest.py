"""A bench with real processes for the tests of this folder that want one."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from harness import Bench


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with Bench(tmp_path).open() as bench:
        yield bench
