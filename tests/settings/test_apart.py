"""Two tables of one kind of source never speak of the same thing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pvsmqtt import settings
from pvsmqtt.options import Options
from pvsmqtt.settings import SettingsError, load
from pvsmqtt.sources.base import SourceKind


class Bus(Options):
    """A line."""

    line: str
    """Where."""
    name: str = "bus"
    """Name."""


class Box(Options):
    """A box."""

    host: str
    """Where."""


@pytest.fixture
def kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    def build(options: Any, state_dir: Path) -> Any:
        raise NotImplementedError

    found = {"bus": SourceKind(Bus, build, build, measures_site=False), "box": SourceKind(Box, build, build)}
    monkeypatch.setattr(settings, "source_kinds", lambda: found)


def read(tmp_path: Path, *tables: str) -> settings.Settings:
    file = tmp_path / "pvsmqtt.toml"
    file.write_text("\n".join(('[mqtt]\nhost = "b"', *tables)), "utf-8")
    return load(file, {})


@pytest.mark.usefixtures("kinds")
@pytest.mark.parametrize(
    ("tables", "words"),
    [
        (
            ('[[bus]]\nline = "x"\nname = "a"', '[[bus]]\nline = "x"\nname = "b"'),
            "two [[bus]] tables have the line 'x'",
        ),
        (('[[bus]]\nline = "x"', '[[bus]]\nline = "y"'), "two [[bus]] tables have the name 'bus': give each one"),
        (('[[box]]\nhost = "h"', '[[box]]\nhost = "h"'), "two [[box]] tables have the host 'h': each may be read"),
    ],
)
def test_what_two_tables_may_not_share(tmp_path: Path, tables: tuple[str, ...], words: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read(tmp_path, *tables)
    assert words in str(refused.value)


@pytest.mark.usefixtures("kinds")
def test_what_they_may(tmp_path: Path) -> None:
    found = read(
        tmp_path, '[[bus]]\nline = "x"\nname = "h"', '[[bus]]\nline = "y"\nname = "i"', '[[box]]\nhost = "h"'
    )
    assert [(name, options.subject) for name, _, options in found.sources()] == [
        ("bus", "h"),
        ("bus", "i"),
        ("box", "h"),
    ]


def test_a_table_that_is_about_nothing_has_no_subject() -> None:
    assert Options().subject is None
    assert Options().distinctions() == {}
