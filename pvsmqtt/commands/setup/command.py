"""The order of setup: ask, show, write, check, say what comes next."""

from __future__ import annotations

import asyncio
import os
import shlex
import socket
import sys
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from pvsmqtt.commands import check, log
from pvsmqtt.commands.setup import writing
from pvsmqtt.commands.setup.ask_broker import ask_broker, ask_instance
from pvsmqtt.commands.setup.ask_more import ask_more
from pvsmqtt.commands.setup.ask_pvs import Known, Run, ask_pvs
from pvsmqtt.commands.setup.choices import Choices, Login
from pvsmqtt.commands.setup.given import Given, of_file
from pvsmqtt.commands.setup.present import Present, read
from pvsmqtt.commands.setup.talk import Silent, Talk, Terminal, Unanswered
from pvsmqtt.settings import DEFAULT_PATH, load
from pvsmqtt.settings.env import CONFIG
from pvsmqtt.settings.errors import key_text
from pvsmqtt.settings.example import toml
from pvsmqtt.sinks.mqtt.options import EMBEDDED
from pvsmqtt.sinks.web.options import WebOptions

NO_TERMINAL = (
    "setup asks questions, and this is no terminal: answer beforehand with --yes, --answers FILE or options such as "
    "--broker and --pvs (pvsmqtt setup --help)"
)
PASSWORD = "a password for the status page; its line goes under [web]"  # noqa: S105 - words about one


def setup(
    config: Path | None,
    yes: bool,
    answers: Path | None,
    broker: str | None,
    user: str | None,
    password_file: Path | None,
    pvs: list[str],
    instance: str | None,
    rs485: list[str],
    gateway: list[str],
    web: str | None,
) -> int:
    """Exit status 0 when the file is there and `check` is content with it, 1 when something is not ready or nothing
    could be written, 2 for answers that cannot be."""
    log.set_up("error")
    given = Given(broker, user, password_file, None, tuple(pvs), instance, tuple(rs485), tuple(gateway), web, yes)
    if answers is not None:
        given = given.put_over(of_file(answers))
    at_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    if not at_terminal and answers is None and not given.anything:
        return _no(NO_TERMINAL, 2)
    given = given.with_password(os.environ)
    given.refuse_nonsense()
    path = config or (Path(os.environ[CONFIG]) if os.environ.get(CONFIG) else DEFAULT_PATH)
    talk = Terminal() if at_terminal and not given.yes and answers is None else Silent()
    try:
        with asyncio.Runner() as runner:
            return _setup(talk, runner.run, given, path)
    except Unanswered as error:
        return _no(f"{error}. Nothing was written", 2)
    except (KeyboardInterrupt, EOFError):
        print(file=sys.stderr)  # noqa: T201
        return _no("interrupted: nothing was written", 1)


def _setup(talk: Talk, run: Run[Any], given: Given, path: Path) -> int:
    if not writing.may_write(path):
        return _no(f"{path} may not be written by this user: use sudo, or write elsewhere with --config FILE", 1)
    present = read(path)
    if talk.interactive:
        talk.say(
            f"This asks a few questions and writes {path}. What stands in [ ] is taken by Enter.",
            "Nothing is written before the last question; Ctrl-C ends it.",
            "",
        )
    known: Known = {}
    choices = Choices()
    choices.pvs = ask_pvs(talk, run, given, present, known)
    ask_broker(talk, run, given, present, choices)
    ask_instance(talk, run, given, present, choices)
    ask_more(talk, given, present, choices)
    choices.settings()
    if present.more and _changes(present, choices):
        return _by_hand(talk, present, choices)
    if _changes(present, choices) and not _agreed(talk, given, present, choices):
        return _no("nothing was written", 1)
    return _finish(talk, run, present, choices, known)


def _changes(present: Present, choices: Choices) -> dict[str, Any]:
    """What is not as it is, by its key; the password without its value."""
    old, new = present.choices, choices.document()
    if old is None or not present.sound:
        return new
    changed = {key: value for key, value in new.items() if old.document().get(key) != value}
    changed |= {key: None for key in old.document() if key not in new}
    return changed | ({"mqtt_password": None} if old.login.password != choices.login.password else {})


def _agreed(talk: Talk, given: Given, present: Present, choices: Choices) -> bool:
    talk.say("", *_summary(choices))
    if present.choices is None:
        return talk.yes(f"Write {present.path}?", True)
    if not talk.interactive and not given.yes:
        raise Unanswered(f"{present.path} is there and would be replaced: add --yes")
    return talk.yes(f"Replace {present.path}? The old file is kept beside it.", True)


def _summary(choices: Choices) -> Iterator[str]:
    login = f", as {choices.login.username}" if choices.login.username else ""
    yield f"  PVS       {', '.join(choices.pvs)}"
    yield f"  broker    {choices.broker}{login}"
    if choices.instance != Choices().instance:
        yield f"  name      {choices.instance}"
    yield from (f"  RS-485    {line}" for line in choices.lines)
    yield from (f"  gateway   {host}" for host in choices.gateways)
    if choices.listen:
        yield f"  page      {choices.listen}"


def _by_hand(talk: Talk, present: Present, choices: Choices) -> int:
    """A file that has more than setup knows of is left alone."""
    talk.say(
        "", f"{present.path} has settings that setup would lose: {', '.join(present.more)}.", "Change by hand:", ""
    )
    for key, value in _changes(present, choices).items():
        talk.say(*_lines(key, value, present))
    return _no(f"{present.path} was left as it is: change these lines in it by hand, then run pvsmqtt check", 1)


def _lines(key: str, value: Any, present: Present) -> Iterator[str]:
    if key == "mqtt_password":
        yield f"  the password, alone in {present.password_path} (mode 600)"
    elif value is None:
        yield f"  take out {key}"
    elif isinstance(value, Mapping):
        yield f"  [{key}]"
        yield from (f"  {key_text((name,))} = {toml(one)}" for name, one in value.items())
    elif isinstance(value, list):
        for table in value:
            yield f"  [[{key}]]"
            yield from (f"  {key_text((name,))} = {toml(one)}" for name, one in table.items())
    else:
        yield f"  {key} = {toml(value)}"


def _finish(talk: Talk, run: Run[Any], present: Present, choices: Choices, known: Known) -> int:
    path = present.path
    if _changes(present, choices):
        backup = writing.backup_name(path, datetime.now().astimezone()) if present.choices is not None else None
        try:
            writing.write(path, choices.text(), present.password_path, choices.login.password, backup)
        except OSError as error:
            return _no(f"{path} could not be written: {error.strerror or error}", 1)
        talk.say("", f"{path} is written." + (f" The old one is {backup}." if backup else ""))
        if choices.login != Login() and choices.login.password:
            talk.say(f"The password is in {present.password_path}, which only its owner can read.")
    else:
        talk.say("", f"{path} is as it should be: nothing was written.")
    talk.say("Checking it" + ("; a line is listened to for up to two minutes …" if choices.lines else " …"))
    settings = load(path, {})
    findings = run(check.look(settings, known))
    lines = [line for finding in findings for line in check.lines(finding)]
    talk.say(*lines, "", *_next(path, choices, settings.web))
    return 0 if all(finding.ok for finding in findings) else _no(check.not_ready(findings), 1)


def _next(path: Path, choices: Choices, web: WebOptions) -> Iterator[str]:
    yield "What comes next:"
    is_open = web.address is not None and not web.address.here_only and web.password_hash is None
    if path == DEFAULT_PATH:
        if choices.host == EMBEDDED:
            yield "  sudo script/install                      once more: it brings the broker along"
        if is_open:
            yield "  /opt/pvsmqtt/venv/bin/pvsmqtt web-password"
            yield f"                                           {PASSWORD} in {path}"
        yield "  sudo systemctl enable --now pvsmqtt      start it, now and at every boot"
        yield "  sudo systemctl restart pvsmqtt           where it runs already"
        yield "  journalctl -u pvsmqtt -f                 what it says"
    else:
        if is_open:
            yield f"  pvsmqtt web-password    {PASSWORD} in {path}"
        yield f"  pvsmqtt run --config {shlex.quote(str(path))}"
    if choices.host != EMBEDDED:
        yield "Home Assistant finds the devices by itself where its MQTT integration uses this broker."
    if choices.listen:
        host, _, port = choices.listen.rpartition(":")
        yield f"The status page will be at http://{host or f'{socket.gethostname()}.local'}:{port}/"
        if is_open:
            yield "Until it has a password, everybody who reaches this machine can read it."


def _no(reason: str, status: int) -> int:
    print(f"pvsmqtt: {reason}", file=sys.stderr)  # noqa: T201
    return status
