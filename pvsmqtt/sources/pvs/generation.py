"""Which interface a PVS speaks: the open DeviceList of older firmware, or the varserver of newer firmware.

supervisor/info is open on every firmware and tells model and build. The build counts only together with the model:
5412 is new on a PVS5, 5000 was old on a PVS6. A status such as 403 proves nothing: old firmware answers it when its
web service hangs, new firmware answers it to what it has closed. A decision stands until supervisor/info tells of
another build.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from pvsmqtt.model.times import iso
from pvsmqtt.sources.pvs.access.address import address
from pvsmqtt.sources.pvs.access.certificate import Certificate
from pvsmqtt.sources.pvs.access.client import PvsClient
from pvsmqtt.sources.pvs.access.login import Login
from pvsmqtt.sources.pvs.access.requests import (
    DEVICE_LIST,
    DEVICES,
    OPEN_NAMES,
    SUPERVISOR_INFO,
    by_name,
)
from pvsmqtt.sources.pvs.memory import Memory
from pvsmqtt.sources.pvs.newer import varserver
from pvsmqtt.sources.pvs.older import dl_cgi
from pvsmqtt.sources.pvs.refusal import Refusal, Refused
from pvsmqtt.sources.pvs.values import text

NEEDS_LOGIN = {"PVS6": 61840, "PVS5": 5408}
"""The first build, by model, that has closed the device list behind a login (LocalAPI.md; PVS5 as seen)."""

NEAR = 2
"""Builds this close to the first one are not trusted to be on the right side of it."""

_DOTTED_BUILD = 1000
"""The last part of a dotted version is a build from here on, else part of the version (0.0.25)."""


class Generation(StrEnum):
    """The interface that is spoken."""

    LEGACY = "legacy"
    VARSERVER = "varserver"


LABELS = {
    Generation.LEGACY: "DeviceList without login",
    Generation.VARSERVER: "varserver with login",
}


@dataclass(frozen=True, slots=True)
class Identity:
    """Who answers. Nothing of it is secret except the last five characters of the serial number."""

    model: str | None = None
    build: int | None = None
    version: str | None = None
    serial: str | None = None

    def __str__(self) -> str:
        """``PVS6, firmware 2025.06, Build 61839``."""
        model = self.model or "a PVS of unknown model"
        return f"{model}, firmware {self.version}" if self.version else model


@dataclass(frozen=True, slots=True)
class Decision:
    """What is spoken, why, and since when. ``refused``: why the login that would confirm it did not work."""

    generation: Generation
    reason: str
    at: datetime
    identity: Identity = Identity()
    refused: Refused | None = field(default=None, compare=False)

    def report(self) -> dict[str, Any]:
        """For the health topic."""
        return {
            "generation": self.generation.value,
            "reason": self.reason,
            "decided_at": iso(self.at.replace(microsecond=0)),
            "model": self.identity.model,
            "firmware": self.identity.version,
            "build": self.identity.build,
        }

    def document(self) -> dict[str, Any]:
        """For the memory."""
        return {**self.report(), "serial": self.identity.serial}


def remembered(document: Any) -> Decision | None:
    """The decision that `Decision.document` described, if it did."""
    try:
        identity = Identity(
            text(document["model"]),
            int(document["build"] or 0) or None,
            text(document["firmware"]),
            text(document["serial"]),
        )
        at = datetime.fromisoformat(document["decided_at"]).astimezone(UTC)
        return Decision(Generation(document["generation"]), str(document["reason"]), at, identity)
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def build_of(version: str | None) -> int | None:
    """``2025.09, Build 61845``, ``2025.10.20.61846``, ``0.0.25.5408``, ``61845`` -> the build."""
    found = re.search(r"[Bb]uild\s*(\d{1,9})\b", version or "")
    if found:
        return int(found[1])
    found = re.fullmatch(r"(?:(?:\d+\.)+)?(\d{1,9})", (version or "").strip())
    return int(found[1]) if found and int(found[1]) >= _DOTTED_BUILD else None


def of_supervisor_info(document: object) -> Identity:
    """Who answers, by a supervisor/info reply.

    Raises:
        Refused: when it is none.
    """
    said = document.get("supervisor") if isinstance(document, dict) else None
    if not isinstance(said, dict) or not any(text(said.get(key)) for key in ("MODEL", "SWVER", "SERIAL")):
        raise Refused(Refusal.WRONG_SHAPE, "supervisor/info does not say who answers")
    version = text(said.get("SWVER"))
    build = said.get("BUILD")
    whole = build if isinstance(build, int) and not isinstance(build, bool) else build_of(version)
    return Identity(_model(said.get("MODEL")), whole, version, text(said.get("SERIAL")))


def of_variables(found: Mapping[str, object]) -> Identity:
    """Who answers, by the variables that are open to everybody."""
    version = text(found.get("/sys/info/sw_rev"))
    return Identity(
        _model(found.get("/sys/info/model")), build_of(version), version, text(found.get("/sys/info/serialnum"))
    )


def expected(identity: Identity) -> Generation | None:
    """What firmware of this model and build speaks; ``None`` when that cannot be told.

    Raises:
        Refused: for a PVS2, which speaks nothing that could be read.
    """
    if identity.model == "PVS2":
        raise Refused(Refusal.UNSUPPORTED, "this is a PVS2")
    first = NEEDS_LOGIN.get(identity.model or "")
    if first is None or identity.build is None:
        return None
    return Generation.VARSERVER if identity.build >= first else Generation.LEGACY


async def identify(host: str) -> Identity:
    """Who answers at an address, without a login.

    Raises:
        Refused: when nobody does, or when it is no PVS.
    """
    memory = Memory(None, host)
    async with PvsClient(address(host), Certificate("any", memory)) as client:
        return await ask(client)


async def ask(client: PvsClient) -> Identity:
    """Who answers. Each way is tried until one works, and the client keeps to the base URL that did.

    Raises:
        Refused: as the first way was, unless a later one tells more.
    """
    refused: Refused | None = None
    ways = [(SUPERVISOR_INFO, base) for base in client.address.bases]
    ways += [(by_name(OPEN_NAMES), base) for base in reversed(client.address.bases)]
    for request, base in ways:
        try:
            document = await client.get(request, base)
            if request is SUPERVISOR_INFO:
                identity = of_supervisor_info(document)
            else:
                identity = of_variables(varserver.variables(document))
                if identity == Identity():
                    raise Refused(Refusal.WRONG_SHAPE, "its variables do not say who answers")
        except Refused as error:
            refused = refused if refused is not None and error.reason is not Refusal.CERTIFICATE else error
            if error.reason is Refusal.CERTIFICATE:
                break
        else:
            client.base = base
            return identity
    assert refused is not None  # noqa: S101 - there is at least one way
    raise refused


async def decide(client: PvsClient, login: Login, identity: Identity, now: datetime) -> Decision:
    """What this PVS speaks, by its model and build, confirmed by a login or a list where these leave a doubt.

    Raises:
        Refused: when it cannot be told, or when the login needs a person.
    """
    login.serial = identity.serial
    by_build = expected(identity)
    if by_build is Generation.LEGACY and not _near(identity):
        return Decision(by_build, f"{identity} has no login", now, identity)
    if by_build is Generation.LEGACY:
        try:
            await login.fresh(0.0)
        except Refused:
            return Decision(by_build, f"{identity} has no login", now, identity)
        if await _lists_devices(client):
            return Decision(by_build, f"{identity} has a login, but still gives its list without", now, identity)
        return Decision(Generation.VARSERVER, f"{identity} lets us log in, and its list is closed", now, identity)
    try:
        await login.fresh(0.0)
    except Refused as refused:
        doubt = by_build is None or _near(identity)
        if refused.reason is Refusal.NO_LOGIN_PAGE and doubt and await _lists_devices(client):
            return Decision(Generation.LEGACY, f"{identity} has no login page and gives its list", now, identity)
        if by_build is None:
            if await _lists_devices(client):
                return Decision(Generation.LEGACY, f"{identity} gives its list without a login", now, identity)
            raise
        reason = f"{identity} needs a login ({refused.reason.value} so far)"
        return Decision(by_build, reason, now, identity, refused)
    return Decision(Generation.VARSERVER, f"{identity} let us log in", now, identity)


def _near(identity: Identity) -> bool:
    first = NEEDS_LOGIN.get(identity.model or "")
    return first is not None and identity.build is not None and first - NEAR <= identity.build <= first + NEAR


async def _lists_devices(client: PvsClient) -> bool:
    """Whether it gives a list of its devices without a login."""
    for request in (DEVICES, DEVICE_LIST):
        try:
            dl_cgi.decode(await client.get(request), "probe")
        except Refused:
            continue
        return True
    return False


def _model(raw: object) -> str | None:
    """``PV Supervisor PVS6``, ``PVS6 `` -> ``PVS6``."""
    model = text(raw)
    found = re.search(r"PVS\d+", model.upper()) if model else None
    return found[0] if found else model
