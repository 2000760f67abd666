"""``pvsmqtt discover`` as a process: what it prints, and when it fails. Everything stays on the loopback network."""

import json
import socket
import tomllib
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from harness import free_port, pvsmqtt
from zeroconf import IPVersion
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

SERIAL, OTHER = "ZT190585000549A6185", "ZT184485000001E0042"
OLD = {"SWVER": "2025.06, Build 61839", "SERIAL": SERIAL, "MODEL": "PVS6", "BUILD": 61839}
NEW = {"SWVER": "2025.11, Build 5412", "SERIAL": OTHER, "MODEL": "PVS5"}
FIND = "pvsmqtt.sources.pvs.finding.find"

Serve = Callable[[dict[str, Any]], Awaitable[str]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Start something that answers supervisor/info; its host:port."""
    async with AsyncExitStack() as stack:

        async def serve(supervisor: dict[str, Any]) -> str:
            async def info(_: web.Request) -> web.Response:
                return web.json_response({"result": "succeed", "supervisor": supervisor})

            app = web.Application()
            app.router.add_get("/cgi-bin/dl_cgi/supervisor/info", info)
            server = await stack.enter_async_context(TestServer(app, host="127.0.0.1"))
            return f"127.0.0.1:{server.port}"

        yield serve


async def discover(
    *arguments: str, places: tuple[str, ...] = (), service: str | None = None, seconds: str = "0.01"
) -> tuple[int, str, str]:
    types = {service or f"_p{uuid.uuid4().hex[:11]}._tcp.local.": "PVS6"}
    patch = {f"{FIND}.INTERFACES": ("127.0.0.1",), f"{FIND}.PLACES": places, f"{FIND}.TYPES": types}
    return await pvsmqtt("discover", "--seconds", seconds, *arguments, patch=patch).run()


def configured(out: str) -> list[dict[str, Any]]:
    document: list[dict[str, Any]] = tomllib.loads(out[out.index("[[pvs]]") :])["pvs"]
    return document


async def test_two_of_two_generations(serve: Serve) -> None:
    old, new = await serve(OLD), await serve(NEW)
    status, out, log = await discover("--host", old, "--host", new)
    assert (status, log) == (0, "")
    assert out.splitlines()[:5] == [
        f"PVS6 at {old}",
        f"  serial    {SERIAL}",
        "  firmware  2025.06, Build 61839",
        "  speaks    DeviceList without login",
        "  found     it answered when asked",
    ]
    assert f"PVS5 at {new}" in out
    assert "  speaks    varserver with login" in out
    assert configured(out) == [{"host": old}, {"host": new}]


async def test_for_a_machine(serve: Serve) -> None:
    old = await serve(OLD)
    status, out, log = await discover("--json", "--host", old)
    assert (status, log) == (0, "")
    answer = json.loads(out)
    assert answer["found"] == [
        {
            "host": old,
            "model": "PVS6",
            "version": "2025.06, Build 61839",
            "build": 61839,
            "serial": SERIAL,
            "how": "asked",
            "api": "legacy",
            "trouble": "",
        }
    ]
    assert configured(answer["configuration"]) == [{"host": old}]
    assert SERIAL[-5:] not in answer["configuration"]


async def test_the_usual_places_and_the_same_pvs_twice(serve: Serve) -> None:
    first, second = await serve(OLD), await serve(OLD)
    status, out, log = await discover(places=(f"127.0.0.1:{free_port()}", first, second))
    assert (status, log) == (0, "")
    assert configured(out) == [{"host": first}]


async def test_nothing_found() -> None:
    status, out, log = await discover(places=(f"127.0.0.1:{free_port()}",))
    assert (status, out) == (1, "")
    assert len(log.splitlines()) == 1
    for words in ("no PVS found", "nothing heard proves nothing", "your router", "172.27.153.1", "--host"):
        assert words in log
    status, out, log = await discover("--json")
    assert status == 1
    assert json.loads(out) == {"found": [], "configuration": ""}


async def test_an_address_that_does_not_answer(serve: Serve) -> None:
    dead = f"127.0.0.1:{free_port()}"
    status, _, log = await discover("--host", dead)
    assert status == 1
    assert len(log.splitlines()) == 1
    assert f"no PVS answers at {dead} (cannot connect to" in log
    good = await serve(OLD)
    status, out, log = await discover("--host", dead, "--host", good)
    assert status == 0
    assert f"no PVS answers at {dead}" in log
    assert configured(out) == [{"host": good}]


async def test_a_pvs2_is_named_but_not_configured(serve: Serve) -> None:
    host = await serve({"SWVER": "2.2.2, Build 234", "MODEL": "PVS2", "SERIAL": SERIAL})
    status, out, log = await discover("--host", host)
    assert status == 1
    assert f"PVS2 at {host}" in out
    assert "[[pvs]]" not in out
    assert f"the PVS at {host} cannot be read: this is a PVS2" in log


async def test_a_build_that_nobody_knows_and_a_terminal_that_obeys(serve: Serve) -> None:
    host = await serve({"SWVER": "9.9\x1b[2J", "MODEL": "PVS7"})
    status, out, _ = await discover("--host", host)
    assert status == 0
    assert "  firmware  9.9?[2J\n" in out
    assert "  serial    unknown\n" in out
    assert "  speaks    unknown by its build" in out


async def test_an_announcement_without_an_answer() -> None:
    service = f"_p{uuid.uuid4().hex[:11]}._tcp.local."
    radio = AsyncZeroconf(interfaces=["127.0.0.1"], ip_version=IPVersion.V4Only)
    info = AsyncServiceInfo(
        service,
        f"pvs6.{service}",
        80,
        properties={"serialnum": SERIAL},
        server=f"{uuid.uuid4().hex[:8]}.local.",
        addresses=[socket.inet_aton("127.99.0.77")],
    )
    try:
        await (await radio.async_register_service(info, cooperating_responders=True))
        status, out, log = await discover("--json", service=service, seconds="5")
    finally:
        await radio.async_close()
    assert status == 1
    (found,) = json.loads(out)["found"]
    assert (found["host"], found["serial"], found["how"]) == ("127.99.0.77", SERIAL, "announced")
    assert "cannot connect to" in found["trouble"]
    assert "the PVS at 127.99.0.77 cannot be read: cannot connect to" in log


async def test_wifi() -> None:
    status, out, log = await discover("--wifi", "ZT190585000549A6185")
    assert (status, out, log) == (0, "network   SunPower05185\npassword  19056185", "")
    status, out, _ = await discover("--wifi", "ZT190585000549A6185", "--json")
    assert (status, json.loads(out)) == (0, {"ssid": "SunPower05185", "password": "19056185"})


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--wifi", "ZT1905850A6185"), "has 19 characters, this one has 14"),
        (("--host", "ftp://pvs"), "ftp:// is not something a PVS speaks"),
        (("--host", "pvs:99999"), "allowed: 1 to 65535"),
        (("--host", "http://user:word@pvs"), "names no host"),
        (("--seconds", "0"), "not a number of seconds above 0"),
    ],
)
async def test_wrong_usage(arguments: tuple[str, ...], why: str) -> None:
    status, out, log = await pvsmqtt("discover", *arguments).run()
    assert (status, out) == (2, "")
    assert why in log


@pytest.mark.parametrize("command", ["run", "check", "discover", "pvs-log", "demo", "purge"])
async def test_every_command_has_help_with_an_example(command: str) -> None:
    status, out, log = await pvsmqtt(command, "--help").run()
    assert (status, log) == (0, "")
    assert f"example: pvsmqtt {command}" in out
