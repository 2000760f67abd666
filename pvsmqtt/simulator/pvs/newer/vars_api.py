"""The query language of ``/vars``: text in, status and JSON out.

    name=A,B            exactly these, all or nothing
    match=TEXT          every visible variable whose name contains the text
    cache=ID            with name or match: add to the set ID and answer all of it; alone: answer the set
    clearcache=ID       empty the set
    fmt=obj             {"A": "..."} in place of {"values": [{"name": "A", "value": "..."}], "count": 1}
    set=A=1,B=2         write, and answer what was written

Parts are joined with ``&``, in a query string or as the body of a POST. Sets belong to everybody and are lost
at a boot. Without a session everything but the open variables is unknown. Text is not escaped: a value with a
quote makes the document invalid, as on the equipment. (Semantics of fcgi_vars of tjmonk, and what
LocalAPI.md of the vendor and pypvs#19, #40 add.)
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

from pvsmqtt.simulator.pvs.newer.names import CONTROL_MODE, ENABLE, MIN_SOC, OPEN, Variable, Variables
from pvsmqtt.simulator.pvs.web.faults import BAD_REQUEST, UNAUTHORIZED
from pvsmqtt.simulator.pvs.web.stats import Write

LONGEST_BODY = 1024
PARTS = frozenset({"name", "match", "cache", "clearcache", "fmt", "set"})

MODES = frozenset({"STANDBY", "SELF_CONSUMPTION", "ENERGY_ARBITRAGE", "BACKUP_ONLY"})


def _share(value: str) -> bool:
    try:
        return 0.0 <= float(value) <= 1.0
    except ValueError:
        return False


WRITABLE: dict[str, Callable[[str], bool]] = {
    ENABLE: lambda value: value in {"0", "1"},
    CONTROL_MODE: MODES.__contains__,
    MIN_SOC: _share,
}
"""What an owner may set, and which values are taken."""


class BadRequest(Exception):
    """400, whatever the reason: the equipment does not tell."""


@dataclass(frozen=True, slots=True)
class Query:
    """A request that has been read."""

    names: tuple[str, ...] = ()
    match: str | None = None
    cache: str | None = None
    clear: str | None = None
    writes: tuple[tuple[str, str], ...] = ()
    as_object: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply; ``told`` are the variables in it."""

    status: int
    body: bytes
    writes: tuple[Write, ...] = ()
    told: frozenset[str] = frozenset()


def read(query: str) -> Query:
    """Read the text of a query; raises `BadRequest`."""
    parts: dict[str, str] = {}
    for part in filter(None, query.split("&")):
        key, equals, value = part.partition("=")
        if key not in PARTS or key in parts or not equals or not value:
            raise BadRequest
        parts[key] = unquote(value)
    if parts.get("fmt", "obj") != "obj":
        raise BadRequest
    writes = []
    for assignment in filter(None, parts.get("set", "").split(",")):
        name, equals, value = assignment.partition("=")
        if not equals:
            raise BadRequest
        writes.append((name, value))
    return Query(
        names=tuple(filter(None, parts.get("name", "").split(","))),
        match=parts.get("match"),
        cache=parts.get("cache"),
        clear=parts.get("clearcache"),
        writes=tuple(writes),
        as_object="fmt" in parts,
    )


class VarsApi:
    """What a varserver remembers of its clients: the cached sets."""

    def __init__(self) -> None:
        self._sets: dict[str, dict[str, None]] = {}

    def clear(self) -> None:
        """Forget all sets."""
        self._sets.clear()

    def answer(self, text: str, variables: Variables, owner: bool, quoted: bool = False) -> Answer:
        """Answer a query about these variables; ``owner``: with a session. The caller applies the writes.

        ``quoted``: objects are told as JSON within a string.
        """
        try:
            query = read(text)
            visible = variables if owner else {name: variables[name] for name in OPEN if name in variables}
            if query.writes:
                return self._write(query, visible, owner, quoted)
            names = self._select(query, visible)
        except BadRequest:
            return Answer(400, BAD_REQUEST)
        told = {name: visible[name] for name in names}
        return Answer(200, render(told, query.as_object, quoted), told=frozenset(told))

    def _select(self, query: Query, visible: Variables) -> list[str]:
        if query.clear is not None:
            self._sets.pop(query.clear, None)
        asks = bool(query.names) or query.match is not None
        if not asks and query.cache is None:
            if query.clear is None:
                raise BadRequest
            return []
        found = dict.fromkeys(query.names)
        if not found.keys() <= visible.keys():
            raise BadRequest
        if query.match is not None:
            found |= dict.fromkeys(name for name in visible if query.match in name)
        if asks and not found:
            raise BadRequest
        if query.cache is None:
            return list(found)
        names = self._sets.get(query.cache, {}) | found
        known = [name for name in names if name in visible]
        if not known:
            raise BadRequest
        self._sets[query.cache] = names
        return known

    def _write(self, query: Query, visible: Variables, owner: bool, quoted: bool) -> Answer:
        if not all(name in visible for name, _ in query.writes):
            raise BadRequest
        allowed = owner and all(name in WRITABLE for name, _ in query.writes)
        valid = allowed and all(WRITABLE[name](value) for name, value in query.writes)
        writes = tuple(Write(name, value, valid) for name, value in query.writes)
        if not allowed:
            return Answer(401, UNAUTHORIZED, writes)
        if not valid:
            return Answer(400, BAD_REQUEST, writes)
        told: Variables = dict(query.writes)
        return Answer(200, render(told, query.as_object, quoted), writes, frozenset(told))


def render(variables: Variables, as_object: bool, quoted: bool = False) -> bytes:
    """The reply: a list of names and values, or one object."""
    if as_object:
        members = (f'"{name}":{_value(value, quoted)}' for name, value in variables.items())
        return f"{{{','.join(members)}}}".encode()
    entries = (f'{{"name":"{name}","value":{_value(value, quoted)}}}' for name, value in variables.items())
    return f'{{"values":[{",".join(entries)}],"count":{len(variables)}}}'.encode()


def _value(value: Variable, quoted: bool) -> str:
    if value is None:
        return "null"
    if isinstance(value, str):
        return f'"{value}"'
    written = json.dumps(value)
    return json.dumps(written) if quoted else written
