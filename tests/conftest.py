"""What holds for all tests."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# A busy machine makes no test fail.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


WAITING = frozenset({"commands", "faults", "install", "neighbours", "service", "traps", "web_page"})
"""Folders whose tests wait for processes more than they work."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files of tests that wait stand evenly among those of tests that work: so whoever runs several at once always
    has something to do, and no slow ones are left over at the end. What a file's tests share keeps it together."""
    files: dict[str, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.location[0], []).append(item)
    placed: list[tuple[float, list[pytest.Item]]] = []
    for waiting in (True, False):
        kind = [tests for name, tests in files.items() if bool(WAITING & set(Path(name).parts)) is waiting]
        total, before = sum(map(len, kind)), 0
        for tests in kind:
            placed.append(((before + len(tests) / 2) / total, tests))
            before += len(tests)
    placed.sort(key=lambda one: one[0])
    items[:] = [item for _, tests in placed for item in tests]


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """A command that is run inside this process sets logging up for itself; the next test wants it as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    levels = {one: one.level for one in root.manager.loggerDict.values() if isinstance(one, logging.Logger)}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for one in root.manager.loggerDict.values():
        if isinstance(one, logging.Logger):
            one.setLevel(levels.get(one, logging.NOTSET))
