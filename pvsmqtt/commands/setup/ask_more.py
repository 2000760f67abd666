"""What not every house has: an RS-485 adapter, a gateway, the status page."""

from __future__ import annotations

from pathlib import Path

from pvsmqtt.commands.setup.choices import OFF, Choices
from pvsmqtt.commands.setup.given import Given
from pvsmqtt.commands.setup.present import Present
from pvsmqtt.commands.setup.talk import Talk

ADAPTERS = "/dev/serial/by-id"
PORT = 8485
HERE, EVERYWHERE = f"127.0.0.1:{PORT}", f":{PORT}"


def ask_more(talk: Talk, given: Given, present: Present, choices: Choices) -> None:
    """Put them into ``choices``."""
    old = present.choices or Choices()
    choices.lines = list(given.rs485) or [*old.lines, *_adapters(talk, old)]
    choices.gateways = list(given.gateway) or old.gateways
    choices.listen = _page(talk, given, old)


def _adapters(talk: Talk, old: Choices) -> list[str]:
    try:
        seen = sorted(f"serial://{one}" for one in Path(ADAPTERS).iterdir())
    except OSError:
        return []
    new = [line for line in seen if line not in old.lines]
    wanted = []
    for line in new:
        talk.say(f"A serial adapter is plugged in: {line.rpartition('/')[2]}")
        if talk.yes("Does it hear the RS-485 bus of a SunVault? (pvsmqtt only listens; see docs/rs485.md)", False):
            wanted.append(line)
    return wanted


def _page(talk: Talk, given: Given, old: Choices) -> str | None:
    if given.web is not None:
        return None if given.web == OFF else given.web
    choices = {
        OFF: "no",
        HERE: "on this machine only",
        EVERYWHERE: "in the whole home network (pvsmqtt web-password gives it a password)",
    }
    present = old.listen or OFF
    if present not in choices:
        choices[present] = f"at {present}, as in the file"
    answer = talk.choose(f"A status page in the browser, at port {PORT}?", choices, present)
    return None if answer == OFF else answer
