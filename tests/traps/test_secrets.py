"""What nobody may learn: looked for wherever this service writes or sends anything."""

import re
from collections.abc import Iterable

import pytest
from harness import Bench, Seen
from traps.tools import LEGACY, VARSERVER, Plant, house, plant

from pvsmqtt.simulator.pvs.newer.names import SSID, WPA_KEY

MAC = re.compile(r"\b(?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}\b")


def secrets_of(it: Plant, sessions: Iterable[str]) -> dict[str, str]:
    """What must not be found, by what it is."""
    serials = it.pvs.house.serials
    return {
        "the name of its network": SSID,
        "the key of its network": WPA_KEY,
        "the number of its radio network": str(serials.panid),
        "an address of its network": serials.storage.mac_address,
        **{f"session {number}": token for number, token in enumerate(sessions)},
    }


def found_in(secrets: dict[str, str], password: str, serial: str, text: str) -> list[str]:
    """Which of them are in a text; the password is part of the serial number, which is no secret."""
    rest = re.sub(re.escape(serial), "", text, flags=re.IGNORECASE)
    found = [what for what, secret in secrets.items() if secret.lower() in text.lower()]
    found += ["the password"] if re.search(rf"\b{password}\b", rest, re.IGNORECASE) else []
    return found + (["a MAC address"] if MAC.search(text) else [])


@pytest.mark.parametrize("ess", [False, True])
async def test_no_secret_is_published_logged_or_kept(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, ess: bool
) -> None:
    """A life with everything in it: an update, logins, refusals, live data, another certificate, garbage."""
    it = await plant(bench, LEGACY, house=house(4, seed=1, ess=ess), live=True, table={"battery_interval": 0.3})
    sessions: list[str] = []
    begin = it.pvs.sessions.begin

    def noted() -> str:
        sessions.append(begin())
        return sessions[-1]

    monkeypatch.setattr(it.pvs.sessions, "begin", noted)
    await it.polled(3)
    it.pvs.firmware = VARSERVER
    await it.service.says("it is read by varserver with login from now on")
    await it.go(it.sun.now + it.step)
    for fault in ("vars-truncated", "vars-wrong-shape", "vars-400", "headers-in-body", "half-closed"):
        it.pvs.fault = fault
        it.pvs.sessions.clear()
        await it.polled(1)
    it.pvs.fault = None
    assert it.pvs.live is not None
    it.pvs.live.garbage = True
    it.pvs.traps |= {"bad-quote", "ghost"}
    it.pvs.boot()
    await it.polled(2)
    it.pvs.traps.clear()
    it.pvs.new_certificate()
    it.pvs._drop_connections()
    await it.service.says("its certificate is not the known one")
    await it.service.stop()
    assert sessions
    serial = it.pvs.house.serials.supervisor
    secrets = secrets_of(it, sessions)

    def look(where: str, text: str) -> None:
        assert not found_in(secrets, serial[-5:], serial, text), f"{where}: {text[:300]}"

    for message in it.recorder.messages:
        look(message.topic, _text(message))
    for line in [*it.service.log.items, *it.service.out.items]:
        look("log", line)
    kept = [file for file in it.service.state_dir.rglob("*") if file.is_file()]
    assert kept
    for file in kept:
        look(file.name, file.read_text("utf-8", errors="replace"))


async def test_a_password_from_the_configuration_is_nowhere_else(bench: Bench) -> None:
    it = await plant(bench, VARSERVER, table={"password": "Xq7Zk"}, ready=False)
    await it.service.says("refuses the password")
    await it.service.stop()
    texts = [_text(message) for message in it.recorder.messages] + it.service.log.items
    texts += [file.read_text("utf-8", errors="replace") for file in it.service.state_dir.rglob("*") if file.is_file()]
    assert not [text for text in texts if "Xq7Zk".lower() in text.lower()]


def _text(message: Seen) -> str:
    return message.payload.decode("utf-8", errors="replace")
