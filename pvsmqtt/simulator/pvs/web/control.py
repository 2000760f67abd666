"""``/simulator/...``: switching things while it runs, and asking what it was asked. Never faulty.

fault/NAME[?seconds=N]     a fault, for a while; NAME none switches it off
trap/NAME[?off]            one more trap, or one less; NAME none takes all away
firmware/NAME              an update: the supervisor boots with another firmware
restart[?seconds=N]        connections are refused for N seconds, then it boots
certificate                another certificate, as after a factory reset
expire                     all sessions are over
clock/SECONDS              the supervisor's clock is this much ahead
stats                      what has been asked so far, as JSON
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import asdict

from aiohttp import web

from pvsmqtt.simulator.pvs.firmware import FIRMWARES
from pvsmqtt.simulator.pvs.traps import TRAPS
from pvsmqtt.simulator.pvs.web.faults import ALL_FAULTS
from pvsmqtt.simulator.pvs.web.served import PREFIX, Served

Control = Callable[[Served, web.Request], Awaitable[web.StreamResponse]]

NOTHING = "none"


def add_routes(router: web.UrlDispatcher, pvs: Served) -> None:
    """Add the control paths; any method will do."""

    def bound(control: Control) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handler(request: web.Request) -> web.StreamResponse:
            return await control(pvs, request)

        return handler

    for path, control in CONTROLS.items():
        router.add_route("*", PREFIX + path, bound(control))


async def _fault(pvs: Served, request: web.Request) -> web.StreamResponse:
    name = request.match_info["name"]
    if name != NOTHING and name not in ALL_FAULTS:
        return _unknown("fault", name, (NOTHING, *ALL_FAULTS))
    seconds = _seconds(request.query.get("seconds", "inf"))
    if seconds is None:
        return _not_a_number("seconds")
    pvs.set_fault(None if name == NOTHING else name, seconds)
    return web.json_response({"fault": pvs.fault})


async def _trap(pvs: Served, request: web.Request) -> web.StreamResponse:
    name = request.match_info["name"]
    if name != NOTHING and name not in TRAPS:
        return _unknown("trap", name, (NOTHING, *TRAPS))
    if name == NOTHING:
        pvs.traps.clear()
    elif "off" in request.query:
        pvs.traps.discard(name)
    else:
        pvs.traps.add(name)
    pvs.settle()
    return web.json_response({"traps": sorted(pvs.traps)})


async def _firmware(pvs: Served, request: web.Request) -> web.StreamResponse:
    name = request.match_info["name"]
    if name not in FIRMWARES:
        return _unknown("firmware", name, FIRMWARES)
    pvs.firmware = name
    pvs.settle()
    return web.json_response({"firmware": pvs.running.software, "model": pvs.running.model})


async def _restart(pvs: Served, request: web.Request) -> web.StreamResponse:
    seconds = _seconds(request.query.get("seconds", "0"))
    if seconds is None or not 0 <= seconds < math.inf:
        return _not_a_number("seconds")
    response = web.json_response({"restart": seconds})
    await response.prepare(request)
    await response.write_eof()
    pvs.begin_restart(seconds)
    return response


async def _certificate(pvs: Served, _request: web.Request) -> web.StreamResponse:
    pvs.new_certificate()
    return web.json_response({"fingerprint": pvs.fingerprint})


async def _expire(pvs: Served, _request: web.Request) -> web.StreamResponse:
    pvs.sessions.clear()
    return web.json_response({"sessions": 0})


async def _clock(pvs: Served, request: web.Request) -> web.StreamResponse:
    seconds = _seconds(request.match_info["seconds"])
    if seconds is None or math.isinf(seconds):
        return _not_a_number("seconds")
    pvs.clock_offset = seconds
    return web.json_response({"clock_offset": seconds, "now": pvs.told_now().isoformat()})


async def _stats(pvs: Served, _request: web.Request) -> web.StreamResponse:
    told = pvs.stats.as_json()
    told |= {
        "fault": pvs.fault,
        "traps": sorted(pvs.traps),
        "firmware": pvs.running.software,
        "now": pvs.now().isoformat(),
    }
    if pvs.live is not None:
        told["live"] = asdict(pvs.live.stats)
    return web.json_response(told)


def _unknown(what: str, name: str, known: Iterable[str]) -> web.StreamResponse:
    return web.json_response({"error": f"no {what} is called {name!r}", "known": ", ".join(known)}, status=404)


def _not_a_number(what: str) -> web.StreamResponse:
    return web.json_response({"error": f"{what} is not a number"}, status=400)


def _seconds(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return None if math.isnan(seconds) else seconds


CONTROLS: dict[str, Control] = {
    "fault/{name}": _fault,
    "trap/{name}": _trap,
    "firmware/{name}": _firmware,
    "restart": _restart,
    "certificate": _certificate,
    "expire": _expire,
    "clock/{seconds}": _clock,
    "stats": _stats,
}
