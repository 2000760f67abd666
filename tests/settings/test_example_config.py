"""The example configuration is what the option classes say, and it loads."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field

from pvsmqtt import settings as settings_module
from pvsmqtt.options import Options
from pvsmqtt.settings import Settings, load, settings_class
from pvsmqtt.settings import example as example_module
from pvsmqtt.settings.example import example
from pvsmqtt.settings.schema import options_class
from pvsmqtt.sources.base import SourceKind

FILE = Path(__file__).parents[2] / "config" / "pvsmqtt.example.toml"
DEFAULT = re.compile(r"^# (\w+ = (?!.*# an example).*)$", re.MULTILINE)
COMMENTED = re.compile(r"^# (\w+ = .*)$", re.MULTILINE)


def load_text(folder: Path, text: str) -> Settings:
    (folder / "pvsmqtt.toml").write_text(text, encoding="utf-8")
    return load(folder / "pvsmqtt.toml", {})


def test_it_is_up_to_date() -> None:
    assert FILE.read_text(encoding="utf-8") == example(), (
        "run: python -m pvsmqtt.settings.example > config/pvsmqtt.example.toml"
    )


def test_it_loads() -> None:
    settings = load(FILE, {})
    assert settings.mqtt.host == "192.168.1.10"
    assert [(name, options.model_dump()["host"]) for name, _, options in settings.sources()] == [
        ("pvs", "172.27.153.1")
    ]


def test_its_four_lines_suffice(tmp_path: Path) -> None:
    lines = [line for line in example().splitlines() if line and not line.startswith("#")]
    needed = [line for line in lines if line not in ("[home_assistant]", "[journal]", "[web]", "[names]")]
    assert needed == ["[mqtt]", 'host = "192.168.1.10"', "[[pvs]]", 'host = "172.27.153.1"']
    assert load_text(tmp_path, "\n".join(needed)).model_dump() == load(FILE, {}).model_dump()


def test_what_is_commented_out_is_the_default(tmp_path: Path) -> None:
    text, count = DEFAULT.subn(r"\1", example())
    assert count > 10
    assert load_text(tmp_path, text).model_dump() == load(FILE, {}).model_dump()


def test_every_option_is_there_and_explained() -> None:
    every_source = re.sub("^#(?=[^ ])", "", example(), flags=re.MULTILINE)
    document = tomllib.loads(COMMENTED.sub(r"\1", every_source))
    model = settings_class()
    for name, info in model.model_fields.items():
        assert info.description, name
        assert name in document
        options = options_class(info.annotation)
        if options is not None:
            table = document[name][0] if isinstance(document[name], list) else document[name]
            assert set(table) == set(options.model_fields)
            assert [key for key, option in options.model_fields.items() if not option.description] == []


def test_sections_come_in_order() -> None:
    headers = re.findall(r"^\[+(\w+)\]+$", example(), re.MULTILINE)
    assert headers == ["mqtt", "home_assistant", "journal", "web", "pvs", "names"]


def test_tables_of_other_sources_are_commented_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Line(Options):
        """A line."""

        line: str
        """Where it is."""
        units: list[int] = Field(default=[1, 2])

    def build(options: Line) -> Any: ...

    kinds = {"another": SourceKind(Line, build, build), **settings_module.source_kinds()}
    monkeypatch.setattr(settings_module, "source_kinds", lambda: kinds)
    text = example_module.example()
    section = '## A line.\n#[[another]]\n## Where it is.\n#line = "…"\n## units = [1, 2]\n'
    before, after = text.split(section)
    assert "[[pvs]]" in before
    assert "[names]" in after
    assert [name for name, _, _ in load_text(tmp_path, text).sources()] == ["pvs"]
    active = before + re.sub("^#", "", section, flags=re.MULTILINE) + after
    assert [name for name, _, _ in load_text(tmp_path, active).sources()] == ["pvs", "another"]
