"""``pvsmqtt discover``: is there a PVS on this network, which firmware has it, and how is it written into the
configuration?"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pvsmqtt.commands import log

if TYPE_CHECKING:
    from pvsmqtt.sources.pvs.finding.find import Found
    from pvsmqtt.sources.pvs.finding.wifi import Wifi
    from pvsmqtt.sources.pvs.generation import Identity
    from pvsmqtt.sources.pvs.refusal import Refused

ADVICE = (
    "if it is on your Wi-Fi, your router knows its address; on its port LAN1 it is 172.27.153.1, and this machine "
    "needs an address of that network"
)
HOW = {"announced": "it announced itself", "asked": "it answered when asked"}


@dataclass(frozen=True, slots=True)
class Seen:
    """A PVS: what it is, how it was found, the name of its interface and that in words, and what is wrong with it."""

    host: str
    model: str | None
    version: str | None
    build: int | None
    serial: str | None
    how: str
    api: str | None
    speaks: str
    trouble: str = ""


def discover(
    seconds: float | None, hosts: Sequence[str], as_json: bool, wifi: Wifi | None, modbus: bool = False
) -> int:
    """Print every PVS found and a configuration for them. Exit status 1 when none answers.

    Args:
        seconds: how long to listen for announcements, None for the usual time.
        hosts: where to ask; none for the places where a PVS usually is.
        as_json: print for a machine.
        wifi: print this network and do nothing else.
        modbus: look for equipment that answers Modbus TCP in place of a PVS.
    """
    log.set_up("error")
    if modbus:
        from pvsmqtt.commands import modbus_search

        return modbus_search.search(hosts, as_json)
    if wifi is not None:
        print(_network(wifi, as_json))  # noqa: T201
        return 0
    seen, missed = asyncio.run(look(seconds, hosts))
    good = [one for one in seen if not one.trouble]
    for text in _as_json(seen, good) if as_json else _as_text(seen, good):
        print(text)  # noqa: T201
    if good:
        for text in missed:
            print(f"pvsmqtt: {text}", file=sys.stderr)  # noqa: T201
        return 0
    advice = "" if seen else "; then ask it with --host ADDRESS"
    print(f"pvsmqtt: {why_none(seen, missed)}{advice}", file=sys.stderr)  # noqa: T201
    return 1


async def look(seconds: float | None, hosts: Sequence[str]) -> tuple[list[Seen], list[str]]:
    """Every PVS once, those that announce themselves first; and of the ``hosts`` those that are none."""
    from pvsmqtt.sources.pvs.finding import find
    from pvsmqtt.sources.pvs.refusal import Refused

    seconds = find.LISTEN if seconds is None else seconds
    places = hosts or find.PLACES
    if sys.stderr.isatty():
        print(f"listening for {seconds:g} s, asking {', '.join(places)} …", file=sys.stderr)  # noqa: T201
    asking = asyncio.ensure_future(find.ask(places, find.KNOWN if hosts else find.GUESS))
    missed = []
    try:
        announced = await find.browse(seconds)
    except OSError as error:
        announced = []
        missed.append(f"announcements cannot be listened for: {error}")
    answers = await asking
    answers |= await find.ask((one.host for one in announced if one.host not in answers), find.KNOWN)
    known = {one.host: one for one in announced}
    seen: dict[str, Seen] = {}
    for host in dict.fromkeys((*known, *answers)):
        answer = answers[host]
        if isinstance(answer, Refused):
            if host in hosts:
                missed.append(f"no PVS answers at {host} ({answer.detail})")
            if host not in known:
                continue
        one = _describe(host, answer, known.get(host))
        # The same PVS may answer at several addresses; one that answers counts more than one that does not.
        if (old := seen.get(key := one.serial or host)) is None or (old.trouble and not one.trouble):
            seen[key] = one
    return list(seen.values()), missed


def _describe(host: str, answer: Identity | Refused, found: Found | None) -> Seen:
    from pvsmqtt.sources.pvs.generation import LABELS, Identity, expected
    from pvsmqtt.sources.pvs.refusal import Refused

    how = "asked" if found is None else found.how.value
    model, serial = (None, None) if found is None else (found.model, found.serial)
    if isinstance(answer, Refused):
        return Seen(host, model, None, None, serial, how, None, f"unknown: {answer.detail}", str(answer))
    identity = Identity(*(_plain(text) for text in (answer.model, answer.build, answer.version, answer.serial)))
    about = (identity.model or model, identity.version, identity.build, identity.serial or serial)
    try:
        generation = expected(identity)
    except Refused as refused:
        return Seen(host, *about, how, None, f"nothing that could be read: {refused.detail}", str(refused))
    if generation is None:
        return Seen(host, *about, how, None, "unknown by its build; pvsmqtt will find out when it runs")
    return Seen(host, *about, how, generation.value, LABELS[generation])


def _as_text(seen: Sequence[Seen], good: Sequence[Seen]) -> list[str]:
    lines = []
    for one in seen:
        lines += [
            f"{one.model or 'PVS of unknown model'} at {one.host}",
            f"  serial    {one.serial or 'unknown'}",
            f"  firmware  {one.version or 'unknown'}",
            f"  speaks    {one.speaks}",
            f"  found     {HOW[one.how]}",
            "",
        ]
    if good:
        lines += ["For the configuration file:", "", _configuration(good)]
    return lines


def _as_json(seen: Sequence[Seen], good: Sequence[Seen]) -> list[str]:
    keys = ("host", "model", "version", "build", "serial", "how", "api", "trouble")
    found = [{key: getattr(one, key) for key in keys} for one in seen]
    return [json.dumps({"found": found, "configuration": _configuration(good)}, indent=2)]


def _configuration(good: Sequence[Seen]) -> str:
    """A table for each. The serial number is left out: its last five characters are the password."""
    return "\n\n".join(f"[[pvs]]\nhost = {json.dumps(one.host)}" for one in good)


def why_none(seen: Sequence[Seen], missed: Sequence[str]) -> str:
    """Why there is no PVS that can be read, and what to do."""
    from pvsmqtt.sources.pvs.finding.find import MISS

    if seen:
        return "; ".join(f"the PVS at {one.host} cannot be read: {one.trouble}" for one in seen)
    return "; ".join((*missed, f"no PVS found: {MISS}; {ADVICE}"))


def _network(wifi: Wifi, as_json: bool) -> str:
    if as_json:
        return json.dumps({"ssid": wifi.ssid, "password": wifi.password})
    return f"network   {wifi.ssid}\npassword  {wifi.password}"


def _plain(value: Any) -> Any:
    """Text from the network without characters that a terminal would obey."""
    return "".join(c if c.isprintable() else "?" for c in value) if isinstance(value, str) else value
