"""What can go wrong with a reply: from the name of a fault to what it does on the wire.

`FAULTS` are those of any firmware, `VARSERVER_FAULTS` those that only ``/auth`` and ``/vars`` can have.

A fault gets an `Exchange`, the answer that a healthy supervisor would have given and the means to spoil it.
Nothing here knows the HTTP library, so the table also serves ``--help`` and other generations of firmware.
A handler that waits for ever ends when the client goes away or the server stops.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from pvsmqtt.simulator.pvs.firmware import HTML, JSON

CHUNK = 64 * 1024
HUGE_SIZE = 32 * 1024 * 1024
DEPTH = 100_000
LORIS_PAUSE = 0.5
"""Seconds between two bytes: shorter than any sensible read time-out, so only a limit on the whole helps."""


class Exchange(Protocol):
    """One request and its answer in the making."""

    body: bytes
    """What would be answered if nothing were wrong."""

    async def begin(self, status: int = 200, content_type: str = JSON, length: int | None = None) -> None:
        """Send status and headers; without ``length`` the body goes out in chunks."""

    async def send(self, data: bytes) -> None:
        """Send a piece of the body; raises ConnectionError when the client has gone."""

    def close(self) -> None:
        """Close the connection after what has been sent."""

    def reset(self) -> None:
        """Break the connection (TCP RST)."""


Behaviour = Callable[[Exchange], Awaitable[None]]


class Area(Enum):
    """Which requests a fault may spoil."""

    LIST = "lists of devices"
    VARS = "/vars"
    LOGIN = "/auth?login"
    OTHER = "the rest"
    ALL = "everything"


@dataclass(frozen=True, slots=True)
class Fault:
    """A row of a table. Requests outside its area are answered as usual."""

    description: str
    behaviour: Behaviour
    area: Area = Area.LIST
    at_accept: bool = False
    """Whether new connections are closed before their request is read."""

    @property
    def list_only(self) -> bool:
        """Whether other requests than a DeviceList are answered as usual."""
        return self.area is Area.LIST

    def spoils(self, area: Area) -> bool:
        """Whether a request of this area is spoilt."""
        return self.area in (area, Area.ALL)


def _answer(status: int, content_type: str, text: str) -> Behaviour:
    async def answer(exchange: Exchange) -> None:
        await _whole(exchange, text.encode(), status, content_type)

    return answer


def _altered(alter: Callable[[bytes], bytes]) -> Behaviour:
    async def altered(exchange: Exchange) -> None:
        await _whole(exchange, alter(exchange.body))

    return altered


async def _whole(exchange: Exchange, body: bytes, status: int = 200, content_type: str = JSON) -> None:
    await exchange.begin(status, content_type, len(body))
    await exchange.send(body)


async def _reset(exchange: Exchange) -> None:
    exchange.reset()


async def _close(exchange: Exchange) -> None:
    exchange.close()


async def _half_closed(exchange: Exchange) -> None:
    await exchange.begin(length=len(exchange.body))
    await exchange.send(exchange.body[: len(exchange.body) // 2])
    exchange.close()


async def _hang(_exchange: Exchange) -> None:
    await asyncio.Event().wait()


async def _slow_loris(exchange: Exchange) -> None:
    await exchange.begin(length=len(exchange.body))
    for byte in exchange.body:
        await exchange.send(bytes((byte,)))
        await asyncio.sleep(LORIS_PAUSE)


async def _huge(exchange: Exchange) -> None:
    entries = [
        f'{{"DEVICE_TYPE":"Inverter","TYPE":"SOLARBRIDGE","SERIAL":"E{number:014}","p_3phsum_kw":"0.1"}},'
        for number in range(CHUNK // 90)
    ]
    chunk = "".join(entries).encode()
    await exchange.begin()
    await exchange.send(b'{"devices":[')
    for _ in range(HUGE_SIZE // len(chunk)):
        await exchange.send(chunk)
    await exchange.send(b'{"DEVICE_TYPE":"Other"}],"result":"succeed"}')


async def _endless(exchange: Exchange) -> None:
    await exchange.begin()
    await exchange.send(b'{"devices":[')
    while True:
        await exchange.send(b" " * CHUNK)


def _error_page(status: int, reason: str) -> Behaviour:
    title = f"{status} - {reason}"
    page = f"<html>\n <head><title>{title}</title></head>\n <body><h1>{title}</h1></body>\n</html>\n"
    return _answer(status, HTML, page)


FORBIDDEN = b'{ "status":403, "error" : "Unauthorized", "path":"" }'
"""Of ``dl_cgi``: old firmware says it now and then without any login, new firmware of what it has no more."""
BAD_REQUEST = b'{"status":400,"description":"Bad request"}'
UNAUTHORIZED = b'{"status": 401, "description" : "Unauthorized", "errorcode" : "0x0012"}'
MIME_ERROR = '{\n\t"result":\t"error",\n\t"msg":\t"Could not connect to mime.",\n\t"success":\tfalse\n}'
LOGIN_PAGE = (
    "<!DOCTYPE html>\n<html><head><title>Login</title></head><body><form method='post'>"
    "<input name='username'><input name='password' type='password'></form></body></html>\n"
)
LEAKED_HEADERS = b"Content-Type: application/json\r\nCache-Control: no-cache\r\nPragma: no-cache\r\n\r\n"

FAULTS: dict[str, Fault] = {
    "http-503": Fault("503, as while busy or restarting", _error_page(503, "Service Not Available"), Area.ALL),
    "http-403": Fault("403 without any login, until a power cycle", _answer(403, JSON, FORBIDDEN.decode())),
    "http-500": Fault("500, as when dl_cgi has crashed", _error_page(500, "Internal Server Error")),
    "reset": Fault("the connection is reset after the request", _reset, Area.ALL),
    "refuse": Fault(
        "every connection is closed at once; ends with ?seconds=N",
        _close,
        Area.ALL,
        at_accept=True,
    ),
    "half-closed": Fault("the connection is closed in the middle of the body", _half_closed, Area.ALL),
    "html": Fault("a login page in place of JSON, with status 200", _answer(200, HTML, LOGIN_PAGE), Area.ALL),
    "truncated": Fault("JSON cut in the middle, in a complete reply", _altered(lambda b: b[: len(b) // 2])),
    "mime-error": Fault("200, but the data logger is down", _answer(200, JSON, MIME_ERROR)),
    "headers-in-body": Fault("headers before the JSON: still readable", _altered(LEAKED_HEADERS.__add__)),
    "huge": Fault(f"{HUGE_SIZE >> 20} MiB of valid devices", _huge),
    "endless": Fault("a body that never ends", _endless, Area.ALL),
    "hang": Fault("the request is accepted and never answered", _hang, Area.ALL),
    "slow-loris": Fault(f"one byte of the body every {LORIS_PAUSE:g} s", _slow_loris, Area.ALL),
    "deep": Fault(
        f"JSON nested {DEPTH} levels deep",
        _answer(200, JSON, '{"devices":' + "[" * DEPTH + "]" * DEPTH + ',"result":"succeed"}'),
    ),
    "empty": Fault("200 with an empty body", _answer(200, JSON, "")),
    "wrong-shape": Fault(
        "valid JSON in which the devices are not a list",
        _answer(200, JSON, '{"devices":{"count":3},"result":"succeed"}'),
    ),
}
"""Seen on real equipment: 403 (krbaker/hass-sunpower#110), 500 and mime (sunpower-pvs-exporter#19 of
ginoledesma), 503 and resets while busy, headers in the body (cmalek/sungazer). The others are what a hostile
network can do."""


LOGIN_WITHOUT_SESSION = "{}"

VARSERVER_FAULTS: dict[str, Fault] = {
    "login-401": Fault("no password is right", _answer(401, JSON, UNAUTHORIZED.decode()), Area.LOGIN),
    "login-404": Fault("there is no login", _error_page(404, "Not Found"), Area.LOGIN),
    "login-500": Fault("500 at the login", _error_page(500, "Internal Server Error"), Area.LOGIN),
    "login-empty": Fault("the login gives no session", _answer(200, JSON, LOGIN_WITHOUT_SESSION), Area.LOGIN),
    "login-hang": Fault("the login is never answered", _hang, Area.LOGIN),
    "vars-400": Fault("400 for everything in /vars", _answer(400, JSON, BAD_REQUEST.decode()), Area.VARS),
    "vars-401": Fault("401, however fresh the session", _answer(401, JSON, UNAUTHORIZED.decode()), Area.VARS),
    "vars-500": Fault("500 for everything in /vars", _error_page(500, "Internal Server Error"), Area.VARS),
    "vars-empty": Fault("200 with an empty body", _answer(200, JSON, ""), Area.VARS),
    "vars-truncated": Fault("JSON cut in the middle", _altered(lambda b: b[: len(b) // 2]), Area.VARS),
    "vars-wrong-shape": Fault(
        "valid JSON without a list of values", _answer(200, JSON, '{"values":{"count":3},"count":3}'), Area.VARS
    ),
    "vars-deep": Fault(
        f"JSON nested {DEPTH} levels deep",
        _answer(200, JSON, '{"values":' + "[" * DEPTH + "]" * DEPTH + ',"count":1}'),
        Area.VARS,
    ),
    "vars-hang": Fault("/vars is never answered", _hang, Area.VARS),
}
"""500 and empty replies are what some builds say of an invalid session (a remark in pypvs)."""

ALL_FAULTS = FAULTS | VARSERVER_FAULTS


def table() -> str:
    """The faults for ``--help``: name and description, one line each."""
    width = max(map(len, ALL_FAULTS))
    return "\n".join(f"  {name:<{width}}  {fault.description}" for name, fault in ALL_FAULTS.items())
