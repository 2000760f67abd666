"""What is remembered of what was left on the broker."""

import logging
from pathlib import Path

import pytest

from pvsmqtt.sinks.mqtt.announced import Announced


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "announced.json"


async def test_it_is_remembered(file: Path) -> None:
    announced = Announced(file)
    announced.root = "pvsmqtt/home"
    announced.add("a/state")
    announced.add("ha/device/x/config", {"power": "sensor"})
    await announced.save()
    again = Announced(file)
    assert again.root == "pvsmqtt/home"
    assert again.topics == {"a/state", "ha/device/x/config"}
    assert again.components == {"ha/device/x/config": {"power": "sensor"}}


async def test_what_is_forgotten_is_gone(file: Path) -> None:
    announced = Announced(file)
    announced.add("ha/device/x/config", {"power": "sensor"})
    await announced.save()
    announced.forget("ha/device/x/config")
    announced.forget("never there")
    await announced.save()
    again = Announced(file)
    assert again.topics == set()
    assert again.components == {}


async def test_it_is_written_only_when_something_is_new(file: Path) -> None:
    announced = Announced(file)
    announced.add("a", {"power": "sensor"})
    await announced.save()
    file.unlink()
    announced.add("a", {"power": "sensor"})
    await announced.save()
    assert not file.exists()
    announced.add("a", {"power": "sensor", "energy": "sensor"})
    await announced.save()
    assert file.exists()


@pytest.mark.parametrize(
    "damage",
    [b"", b"{", b"[]", b"null", b'{"topics": 1, "root": "", "components": {}}', b"\xff\xfe", b'{"root": ""}'],
)
async def test_a_damaged_file_is_no_obstacle(file: Path, damage: bytes, caplog: pytest.LogCaptureFixture) -> None:
    file.parent.mkdir()
    file.write_bytes(damage)
    announced = Announced(file)
    assert announced.topics == set()
    assert "cannot be used" in caplog.text
    announced.add("a")
    await announced.save()
    assert Announced(file).topics == {"a"}


async def test_a_disk_that_refuses_is_said_once_and_tried_again(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    file.parent.write_text("in the way")
    announced = Announced(file)
    caplog.clear()
    with caplog.at_level(logging.ERROR):
        for topic in "abc":
            announced.add(topic)
            await announced.save()
    assert caplog.text.count("cannot save") == 1
    file.parent.unlink()
    await announced.save()
    assert Announced(file).topics == {"a", "b", "c"}


async def test_without_a_file() -> None:
    announced = Announced(None)
    announced.add("a")
    await announced.save()
    assert announced.topics == {"a"}
