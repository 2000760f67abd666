"""Which broker, and who we are there; tried until it lets us in, or until the owner wants it as it is."""

from __future__ import annotations

import socket
from collections.abc import Coroutine
from typing import Any

from pvsmqtt.broker import finding
from pvsmqtt.broker.finding import PORT
from pvsmqtt.commands import check
from pvsmqtt.commands.setup.ask_pvs import AGAIN, KEEP, OTHER, Run
from pvsmqtt.commands.setup.choices import INSTANCE, Choices, Login, problem, settings_of
from pvsmqtt.commands.setup.given import Given, broker_problem, split_broker
from pvsmqtt.commands.setup.present import Present
from pvsmqtt.commands.setup.published import is_ours, published
from pvsmqtt.commands.setup.talk import Talk, Unanswered
from pvsmqtt.settings import Settings
from pvsmqtt.sinks.mqtt.options import EMBEDDED

NONE = "-"
LOGIN = (
    "The broker wants a user name and a password, or does not take these. With Home Assistant's Mosquitto add-on: "
    "make a user for pvsmqtt under Settings, People, Users (no administrator), and give its name and password here."
)


def ask_broker(talk: Talk, run: Run[Any], given: Given, present: Present, choices: Choices) -> None:
    """Put the broker and the login into ``choices``."""
    old = present.choices or Choices()
    choices.host, choices.port = _where(talk, run, given, old)
    if choices.host != EMBEDDED:
        choices.login = _login(talk, given, old)
    while choices.host != EMBEDDED:
        tried = run(_try(choices, present))
        talk.say(*(line for found in tried.findings for line in check.lines(found)))
        if all(found.ok for found in tried.findings):
            return
        refused = tried.reason == "login"
        if refused:
            talk.say(LOGIN)
        answer = talk.choose(
            "pvsmqtt cannot publish there now.",
            {
                AGAIN: "type user name and password again" if refused else "try again",
                OTHER: "another broker",
                EMBEDDED: "no broker yet: run one inside pvsmqtt",
                KEEP: "write it all the same: it will be there later",
            },
            AGAIN,
            silent=KEEP,
        )
        if answer == KEEP:
            return
        if answer == EMBEDDED:
            choices.host, choices.port = EMBEDDED, PORT
        elif answer == OTHER:
            choices.host, choices.port = _typed(talk, None)
        if answer == OTHER or (answer == AGAIN and refused):
            choices.login = _login(talk, Given(), Choices(login=Login(choices.login.username)))
    # A broker of our own may have a login for others.
    choices.login = old.login if old.host == EMBEDDED else Login()
    _embedded(talk)


def _where(talk: Talk, run: Run[Any], given: Given, old: Choices) -> tuple[str, int]:
    if given.broker is not None:
        return split_broker(given.broker)
    if old.host:
        return _typed(talk, old.broker)
    talk.say("Looking for an MQTT broker on this network …")
    found = run(finding.find())
    for one in found:
        talk.say(f"  {Choices(one.host, one.port).broker}: {one.how}")
    if not found:
        talk.say(
            "  none was found. It is usually the Mosquitto add-on of Home Assistant: install it there, or type the "
            f'address of another one. "{EMBEDDED}" runs one inside pvsmqtt.'
        )
    return _typed(talk, Choices(found[0].host, found[0].port).broker if found else None)


def _typed(talk: Talk, default: str | None) -> tuple[str, int]:
    return split_broker(talk.ask("Address of the MQTT broker (host or host:port)", default, _broker, "--broker HOST"))


def _broker(text: str) -> str:
    if wrong := broker_problem(text):
        raise ValueError(wrong)
    return text


def _login(talk: Talk, given: Given, old: Choices) -> Login:
    name = old.login.username
    if given.user is not None:
        user = given.user
    else:
        hint = f"{NONE}: none" if name else "Enter: none"
        user = talk.ask(f"User name at the broker ({hint})", name or "", str, "--user NAME")
    if user in ("", NONE):
        return Login()
    if given.password is not None:
        return Login(user, given.password)
    kept = old.login.password if user == name else None
    typed = talk.secret("Password" + (" (Enter: the present one)" if kept else ""))
    return Login(user, typed or kept)


def _try(choices: Choices, present: Present) -> Coroutine[Any, Any, check.Tried]:
    return check.try_broker(_settings(choices, present))


def _settings(choices: Choices, present: Present) -> Settings:
    """What is known of the broker by now."""
    document = Choices(choices.host, choices.port, choices.login, instance=choices.instance).document()
    return settings_of(present.with_the_rest(document), choices.login.password)


def _embedded(talk: Talk) -> None:
    from pvsmqtt.sinks.mqtt import embedded

    talk.say(
        "The broker runs inside pvsmqtt, for programs of this machine; [mqtt] listen, username and password in the "
        "file open it to others. Home Assistant on another machine needs that."
    )
    if not embedded.available():
        talk.say("It is not installed yet: sudo script/install brings it along when this file is written.")


def ask_instance(talk: Talk, run: Run[Any], given: Given, present: Present, choices: Choices) -> None:
    """Put a name for this installation into ``choices``; asked only where it is taken by another machine."""
    old = present.choices
    choices.instance = given.instance or (old.instance if old else INSTANCE)
    if given.instance or choices.host == EMBEDDED:
        return
    settings = _settings(choices, present)
    same = old is not None and (old.host, old.port, old.instance) == (choices.host, choices.port, choices.instance)
    if same or is_ours(settings) or (there := run(published(settings))) is None:
        return
    since = f", running since {there.since}" if there.since else ""
    talk.say(
        f'Another pvsmqtt publishes on this broker as "{choices.instance}"'
        + (f" and is online{since}." if there.online else "; it is offline now.")
    )
    if there.online:
        talk.say("Two with one name would disturb each other: this one needs a name of its own.")
        other, option = f"{choices.instance}-{_machine()}", f'--instance NAME (such as "{choices.instance}-2")'
        if problem({"instance": other}):
            other = f"{choices.instance}-2"
        if not talk.interactive:
            raise Unanswered(f'the name "{choices.instance}" is taken on this broker: give {option}')
    else:
        talk.say("If this machine takes its place, take its name: the histories in Home Assistant go on.")
        other = choices.instance
    choices.instance = talk.ask("Name of this installation", other, _instance, "--instance NAME")


def _machine() -> str:
    return "".join(
        c for c in socket.gethostname().split(".")[0].lower() if c.isascii() and (c.isalnum() or c in "-_")
    )


def _instance(text: str) -> str:
    if wrong := problem({"instance": text}):
        raise ValueError(wrong)
    return text
