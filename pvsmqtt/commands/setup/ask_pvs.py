"""Which PVS: it is searched for as ``pvsmqtt discover`` does, then tried as ``pvsmqtt check`` does."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pvsmqtt.commands import check, discover
from pvsmqtt.commands.setup.choices import Choices, problem, settings_of
from pvsmqtt.commands.setup.given import Given
from pvsmqtt.commands.setup.present import Present
from pvsmqtt.commands.setup.talk import Talk, Unanswered
from pvsmqtt.options import Options
from pvsmqtt.sources.base import Finding, SourceKind

T = TypeVar("T")
Run = Callable[[Coroutine[Any, Any, T]], T]
"""Runs something that waits for the network; Ctrl-C ends it."""

Known = dict[Options, list[Finding]]
"""What was found out about sources, by their options: a PVS is slow, and not asked twice."""

USUAL = "172.27.153.1"
ALL, OTHER, AGAIN, KEEP = "all", "other", "again", "keep"


def ask_pvs(talk: Talk, run: Run[Any], given: Given, present: Present, known: Known) -> list[str]:
    """The hosts of the PVSs."""
    hosts = _wanted(talk, run, given, present)
    while True:
        bad = _try(talk, run, present, hosts, known)
        if not bad:
            return hosts
        choices = {
            AGAIN: "try again",
            OTHER: "look for it again, or type another address",
            KEEP: "write it all the same: it will be there later",
        }
        answer = talk.choose(f"{' and '.join(bad)} cannot be read now.", choices, AGAIN, silent=KEEP)
        if answer == KEEP:
            return hosts
        if answer == OTHER:
            hosts = _search(talk, run, bad[0])


def _wanted(talk: Talk, run: Run[Any], given: Given, present: Present) -> list[str]:
    if given.pvs:
        return list(dict.fromkeys(given.pvs))
    old = present.choices.pvs if present.choices else []
    if old and talk.yes(f"The PVS: {', '.join(old)}, as in the file. Keep that?", True):
        return old
    return _search(talk, run, old[0] if old else None)


def _search(talk: Talk, run: Run[Any], old: str | None) -> list[str]:
    talk.say("Looking for a PVS on this network; that takes up to a minute …")
    seen, missed = run(discover.look(None, ()))
    good = [one for one in seen if not one.trouble]
    if not good:
        why = discover.why_none(seen, missed)
        talk.say(f"{why[0].upper()}{why[1:]}.")
        return [_typed(talk, old)]
    names = {one.host: f"{one.model or 'a PVS'} at {one.host}, firmware {one.version or 'unknown'}" for one in good}
    if len(good) == 1:
        host, name = next(iter(names.items()))
        return [host] if talk.yes(f"Found {name}. Is it yours?", True) else [_typed(talk, old)]
    choices = {**names, ALL: "all of them", OTHER: "another one"}
    answer = talk.choose("Several were found.", choices, good[0].host, silent="")
    if not answer:
        raise Unanswered(
            f"several PVSs were found ({', '.join(names)}): say which one with --pvs, or each with its own"
        )
    return list(names) if answer == ALL else [_typed(talk, old)] if answer == OTHER else [answer]


def _typed(talk: Talk, old: str | None) -> str:
    talk.say(
        'Its address, or "auto": it is searched for whenever the service starts. On its port LAN1 it is '
        f"{USUAL}, also when it is connected later."
    )
    return talk.ask("Address of the PVS", old or USUAL, place, "--pvs ADDRESS")


def place(text: str) -> str:
    """The address of a PVS.

    Raises:
        ValueError: when it is none.
    """
    if wrong := problem({"pvs": [{"host": text}]}):
        raise ValueError(wrong)
    return text


def _try(talk: Talk, run: Run[Any], present: Present, hosts: Sequence[str], known: Known) -> list[str]:
    """Try each once; those that cannot be read."""
    document = present.with_the_rest(Choices(pvs=list(hosts)).document())
    settings = settings_of({"pvs": document["pvs"], "mqtt": {"host": "localhost"}})
    bad = []
    for _, kind, options in settings.sources():
        host = str(getattr(options, "host", ""))
        found = known.get(options)
        if found is None or not all(finding.ok for finding in found):
            talk.say(f"Asking {host}; a PVS may need a minute …")
            found = run(_check(kind, options, settings.state_dir))
            known[options] = found
            talk.say(*(line for finding in found for line in check.lines(finding)))
        if not all(finding.ok for finding in found):
            bad.append(host)
    return bad


async def _check(kind: SourceKind[Any], options: Options, state_dir: Path) -> list[Finding]:
    return await kind.check(options, state_dir)
