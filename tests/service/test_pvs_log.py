"""``pvsmqtt pvs-log`` against a server that behaves like systemd-journal-gatewayd, older and newer than 255."""

import asyncio
import json
import re
import signal
import socket
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from harness import free_port, pvsmqtt

from pvsmqtt.commands import pvs_log
from pvsmqtt.redaction import redact
from pvsmqtt.sources.pvs.finding import journal
from pvsmqtt.sources.pvs.finding.journal import moment

START = 1_766_000_000
"""2025-12-17T19:33:20Z"""


def entry(number: int, message: object = None, **fields: object) -> dict[str, object]:
    return {
        "__CURSOR": f"s=1;i={number}",
        "__REALTIME_TIMESTAMP": str((START + number) * 1_000_000 + 7),
        "_SYSTEMD_UNIT": "pvs.service",
        "MESSAGE": f"message {number}" if message is None else message,
        **fields,
    }


class Journal:
    """Entries, and how they are asked for."""

    def __init__(self, *entries: dict[str, object] | bytes, knows_times: bool = True) -> None:
        self.entries = list(entries)
        self.knows_times = knows_times
        self.asked: list[str] = []
        self.sent = 0
        self.followed = asyncio.Event()
        self.news = asyncio.Condition()
        self.ended = False

    async def add(self, *entries: dict[str, object]) -> None:
        async with self.news:
            self.entries += entries
            self.news.notify_all()

    async def end(self) -> None:
        async with self.news:
            self.ended = True
            self.news.notify_all()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        assert request.headers["Accept"] == "application/json"
        within = request.headers["Range"]
        self.asked.append(within)
        matches = [(key, value) for key, value in request.query.items() if key != "follow"]
        fitting = [one for one in self.entries if _fits(one, matches)]
        begin, count = 0, len(fitting)
        if found := re.fullmatch(r"entries=:(-\d+):(\d+)", within):
            # As in its source: it seeks to the end and goes back one more than it was told.
            begin, count = max(0, len(fitting) + int(found[1]) - 1), int(found[2])
        elif self.knows_times and (found := re.fullmatch(r"realtime=(\d+):", within)):
            since = int(found[1]) * 1_000_000
            begin = next((i for i, one in enumerate(fitting) if _time(one) >= since), len(fitting))
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        for one in fitting[begin:][:count]:
            await response.write(_raw(one))
            self.sent += 1
        if "follow" in request.query:
            self.followed.set()
            known = len(self.entries)
            async with self.news:
                while not self.ended:
                    await self.news.wait()
                    for one in self.entries[known:]:
                        await response.write(_raw(one))
                    known = len(self.entries)
        return response


def _fits(one: dict[str, object] | bytes, matches: list[tuple[str, str]]) -> bool:
    return isinstance(one, bytes) or all(one.get(key) == value for key, value in matches)


def _time(one: dict[str, object] | bytes) -> int:
    return 0 if isinstance(one, bytes) else int(str(one["__REALTIME_TIMESTAMP"]))


def _raw(one: dict[str, object] | bytes) -> bytes:
    return one if isinstance(one, bytes) else json.dumps(one).encode() + b"\n"


Serve = Callable[[Journal], Awaitable[str]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    servers: list[TestServer] = []

    async def serve(journal: Journal) -> str:
        app = web.Application()
        app.router.add_get("/entries", journal.answer)
        servers.append(TestServer(app, host="127.0.0.1"))
        await servers[-1].start_server()
        return f"127.0.0.1:{servers[-1].port}"

    yield serve
    for server in servers:
        await server.close()


async def show(*arguments: str) -> list[str]:
    """The lines of a command that works."""
    status, out, log = await pvsmqtt("pvs-log", *arguments).run()
    assert (status, log) == (0, "")
    return out.splitlines()


def told(lines: list[str]) -> list[int]:
    """The numbers of the messages."""
    return [int(text.rsplit(" ", 1)[1]) for text in lines]


class TestWhichEntries:
    async def test_the_last_hundred(self, serve: Serve) -> None:
        where = await serve(Journal(*(entry(n) for n in range(250))))
        lines = await show(where)
        assert lines[-1] == "2025-12-17T19:37:29Z pvs: message 249"
        assert told(lines) == list(range(150, 250))

    @pytest.mark.parametrize("count", [1, 2, 3, 9, 10, 11])
    async def test_so_many(self, serve: Serve, count: int) -> None:
        where = await serve(Journal(*(entry(n) for n in range(10))))
        assert told(await show(where, "--lines", str(count))) == list(range(10))[-count:]

    async def test_an_empty_log(self, serve: Serve) -> None:
        where = await serve(Journal())
        assert await show(where) == []
        assert await show(where, "--since", "2h") == []

    @pytest.mark.parametrize("knows_times", [True, False])
    @pytest.mark.parametrize("number", [0, 1, 4999, 6000, 9999, 10000])
    async def test_since_a_time(self, serve: Serve, knows_times: bool, number: int) -> None:
        journal = Journal(*(entry(n) for n in range(10_000)), knows_times=knows_times)
        where = await serve(journal)
        since = moment(entry(number))
        assert since is not None
        assert told(await show(where, "--since", since.isoformat())) == list(range(number, 10_000))
        if number > 6000 and knows_times:
            assert journal.sent <= 10_000 - number + 2

    async def test_an_old_server_is_not_asked_for_everything(self, serve: Serve) -> None:
        journal = Journal(*(entry(n) for n in range(50_000)), knows_times=False)
        where = await serve(journal)
        assert told(await show(where, "--since", "2025-12-18T09:26:00")) == list(range(49_960, 50_000))
        assert journal.asked == [
            "realtime=1766049960:",
            "entries=:-1000:1",
            f"entries=:-1000:{10**9}",
        ]

    async def test_of_the_last_those_since_a_time(self, serve: Serve) -> None:
        where = await serve(Journal(*(entry(n) for n in range(10))))
        assert told(await show(where, "--since", "2025-12-17T19:33:25+00:00", "--lines", "8")) == [5, 6, 7, 8, 9]
        assert told(await show(where, "--since", "2025-12-17T19:33:25Z", "--lines", "3")) == [7, 8, 9]

    async def test_filters(self, serve: Serve) -> None:
        senders = ("pvs.service", "ssh.service")
        where = await serve(Journal(*(entry(n, _SYSTEMD_UNIT=senders[n % 2]) for n in range(20))))
        assert told(await show(where, "--filter", "_SYSTEMD_UNIT=ssh.service", "--lines", "3")) == [15, 17, 19]
        assert told(await show(where, "--filter", "SSH: message .[37]$")) == [13, 17]
        arguments = ("--filter", "_SYSTEMD_UNIT=ssh.service", "--filter", "1", "--filter", "3")
        assert told(await show(where, *arguments)) == [13]


class TestFollow:
    async def test_until_interrupted(self, serve: Serve) -> None:
        journal = Journal(*(entry(n) for n in range(10)))
        process = pvsmqtt("pvs-log", await serve(journal), "--follow", "--lines", "3")
        await process.start()
        try:
            await journal.followed.wait()
            await journal.add(entry(10), entry(11))
            await process.out.until(lambda: any("message 11" in text for text in process.out.items) or None, "news")
            process.signal(signal.SIGINT)
            assert await process.exit() == 0
        finally:
            await process.kill()
        assert told(process.out.items) == [7, 8, 9, 10, 11]
        assert process.log.items == []
        await journal.end()

    async def test_since_a_time_that_is_still_to_come(self, serve: Serve) -> None:
        journal = Journal(*(entry(n) for n in range(10)), knows_times=False)
        process = pvsmqtt("pvs-log", await serve(journal), "--follow", "--since", "2025-12-17T19:33:31")
        await process.start()
        try:
            await journal.followed.wait()
            await journal.add(entry(10), entry(11))
            await process.out.until(lambda: process.out.items or None, "news")
        finally:
            await process.kill()
        assert told(process.out.items) == [11]
        await journal.end()

    async def test_the_pvs_ends_it(self, serve: Serve) -> None:
        journal = Journal(entry(1))
        process = pvsmqtt("pvs-log", await serve(journal), "--follow")
        await process.start()
        await journal.followed.wait()
        await journal.end()
        assert await process.exit() == 1
        assert "ended the connection: the PVS may be restarting" in process.log.items[0]


class TestNoLog:
    async def refused(self, *arguments: str, why: str) -> None:
        status, out, log = await pvsmqtt("pvs-log", *arguments).run()
        assert (status, out) == (1, "")
        assert why in log
        assert len(log.splitlines()) == 1

    async def test_closed(self) -> None:
        why = "(Connection refused): newer firmware closes this port"
        await self.refused("127.0.0.1", "--port", str(free_port()), why=why)

    @pytest.mark.parametrize(
        ("status", "kind", "why"),
        [
            (404, "text/plain", "(HTTP 404): newer firmware closes this port"),
            (301, "text/html", "(HTTP 301): newer firmware closes this port"),
            (200, "text/html", "(text/html in place of a log): newer firmware closes this port"),
            (500, "text/plain", "the PVS cannot open its log (HTTP 500)"),
        ],
    )
    async def test_something_else(self, status: int, kind: str, why: str) -> None:
        async def answer(_: web.Request) -> web.Response:
            return web.Response(status=status, content_type=kind, text="{}", headers={"Location": "http://127.0.0.1"})

        app = web.Application()
        app.router.add_get("/entries", answer)
        async with TestServer(app, host="127.0.0.1") as server:
            await self.refused(f"127.0.0.1:{server.port}", why=why)

    async def test_no_http(self) -> None:
        async def babble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"SSH-2.0-dropbear\r\n\r\n")
            writer.close()

        server = await asyncio.start_server(babble, "127.0.0.1", 0)
        async with server:
            await self.refused(f"127.0.0.1:{server.sockets[0].getsockname()[1]}", why="broke off")

    async def test_silence(self) -> None:
        with closing(socket.create_server(("127.0.0.1", 0))) as server:
            process = pvsmqtt(
                "pvs-log",
                f"127.0.0.1:{server.getsockname()[1]}",
                patch={"pvsmqtt.sources.pvs.finding.journal.SILENCE": 0.1},
            )
            status, _, log = await process.run()
        assert status == 1
        assert "no answer in time" in log


class TestWhere:
    def config(self, folder: Path, *tables: str) -> str:
        file = folder / "pvsmqtt.toml"
        file.write_text('[mqtt]\nhost = "127.0.0.1"\n' + "".join(f'[[pvs]]\nhost = "{host}"\n' for host in tables))
        return str(file)

    async def test_the_first_of_the_configuration(self, serve: Serve, tmp_path: Path) -> None:
        port = (await serve(Journal(entry(1)))).rsplit(":", 1)[1]
        for host in ("127.0.0.1", "127.0.0.1:8080", "https://127.0.0.1:8443/pvs"):
            config = self.config(tmp_path, host, "127.0.0.2")
            assert told(await show("--config", config, "--port", port)) == [1]

    async def test_no_configuration(self, tmp_path: Path) -> None:
        status, _, log = await pvsmqtt("pvs-log", "--config", str(tmp_path / "none.toml")).run()
        assert status == 2
        assert "there is no such file" in log

    async def test_a_pvs_that_is_searched_for(self, tmp_path: Path) -> None:
        values = {"PLACES": (), "INTERFACES": ("127.0.0.1",), "TYPES": {"_nobody-has-it._tcp.local.": "PVS6"}}
        patch = {f"pvsmqtt.sources.pvs.finding.find.{name}": value for name, value in values.items()}
        status, _, log = await pvsmqtt("pvs-log", "--config", self.config(tmp_path, "auto"), patch=patch).run()
        assert status == 1
        assert "no PVS was found on the network" in log

    @pytest.mark.parametrize(
        ("arguments", "why"),
        [
            (("--since", "yesterday"), "neither a time such as"),
            (("--lines", "0"), "not a number from 1"),
            (("--port", "70000"), "not a number from 1 to 65535"),
            (("--filter", "a("), "is not a regular expression"),
        ],
    )
    async def test_wrong_usage(self, arguments: tuple[str, ...], why: str) -> None:
        status, out, log = await pvsmqtt("pvs-log", "127.0.0.1", *arguments).run()
        assert (status, out) == (2, "")
        assert why in log


class TestOutput:
    async def test_damaged_and_too_long_lines_are_counted(self, serve: Serve) -> None:
        long = b'{"MESSAGE": "' + b"x" * journal.LONGEST + b'"}\n'
        where = await serve(Journal(entry(1), b"{\n", long, b"[1]\n", entry(2), b'{"MESSAGE": "cut'))
        status, out, log = await pvsmqtt("pvs-log", where).run()
        assert status == 0
        assert told(out.splitlines()) == [1, 2]
        assert log == "pvsmqtt: 4 entries too long or damaged were left out"

    async def test_a_reader_that_has_enough(self, serve: Serve) -> None:
        where = await serve(Journal(*(entry(n, "x" * 1000) for n in range(5000))))
        process = pvsmqtt("pvs-log", where, "--lines", "5000")
        running = await asyncio.create_subprocess_exec(
            *process.command, env=process.env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        assert running.stdout is not None
        assert running.stderr is not None
        assert (await running.stdout.readline()).endswith(b"x\n")
        transport = running._transport.get_pipe_transport(1)  # type: ignore[attr-defined]
        transport.close()
        assert await running.stderr.read() == b""
        assert await running.wait() == 0

    async def test_memory_stays_bounded(self) -> None:
        async def chunks() -> AsyncIterator[bytes]:
            for _ in range(1000):
                yield b"x" * 65536
            yield b"\nlast\n"

        tracemalloc.start()
        try:
            lines = [one async for one in journal.split(chunks())]
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert lines == [None, b"last"]
        assert peak < 4 * journal.LONGEST


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
async def test_lines_however_they_are_cut(size: int) -> None:
    body = b"one\n\ntwo\nthree"

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(body), size):
            yield body[start : start + size]

    assert [one async for one in journal.split(chunks())] == [b"one", b"", b"two", b"three"]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "2025-12-17T19:33:21Z pvs: message 1"),
        ({"_SYSTEMD_UNIT": None, "SYSLOG_IDENTIFIER": "kernel"}, "2025-12-17T19:33:21Z kernel: message 1"),
        ({"_SYSTEMD_UNIT": None}, "2025-12-17T19:33:21Z ?: message 1"),
        ({"__REALTIME_TIMESTAMP": "soon"}, "unknown time pvs: message 1"),
        ({"MESSAGE": list("grün".encode())}, "2025-12-17T19:33:21Z pvs: grün"),
        ({"MESSAGE": [0xFF, 0x41]}, "2025-12-17T19:33:21Z pvs: \ufffdA"),
        ({"MESSAGE": ["first", list(b"second")]}, "2025-12-17T19:33:21Z pvs: first second"),
        ({"MESSAGE": None}, "2025-12-17T19:33:21Z pvs: (a text of more than 4 kB, which the PVS leaves out)"),
        ({"MESSAGE": 5}, "2025-12-17T19:33:21Z pvs: (unreadable)"),
        ({"MESSAGE": "two\nlines\n"}, "2025-12-17T19:33:21Z pvs: two\n    lines"),
        ({"MESSAGE": "\x1b[31mred\x1b[0m\tand \x07\x1b]0;bell"}, "2025-12-17T19:33:21Z pvs: red and   ]0;bell"),
        ({"MESSAGE": list(b"ps\x1b[1mk=geheim")}, "2025-12-17T19:33:21Z pvs: psk=[hidden]"),
    ],
)
def test_a_line(fields: dict[str, Any], expected: str) -> None:
    changed = {**entry(1), **fields}
    assert f"{pvs_log.stamp(changed)} {pvs_log.said(changed)}" == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("wpa_key=geheim freq=2437", "wpa_key=[hidden] freq=2437"),
        ("/sys/info/wpa_key: geheim", "/sys/info/wpa_key: [hidden]"),
        ('{"wpa_key": "geheim", "x": 1}', '{"wpa_key": [hidden]", "x": 1}'),
        ('{"psk": "ge\\"heim", "x": 1}', '{"psk": [hidden]", "x": 1}'),
        (r"{\"ssid\":\"geheim netz\",\"y\":2}", r"{\"ssid\":[hidden]\",\"y\":2}"),
        ('{"name":"/sys/info/wpa_key","value":"geheim"},{', '{"name":"/sys/info/wpa_key","value":[hidden]"},{'),
        ("GET /x?ssid=geheim&psk=geheim&z=1", "GET /x?ssid=[hidden]&psk=[hidden]&z=1"),
        ("associated (SSID='geheim, netz' freq=2437)", "associated (SSID=[hidden]' freq=2437)"),
        ("ssid=geheim netz, psk=geheim", "ssid=[hidden], psk=[hidden]"),
        ("SSID 'geheim netz' found", "SSID [hidden]' found"),
        ("Cookie: session=geheim; x", "Cookie: [hidden]"),
        ("sessionid = geheim", "sessionid = [hidden]"),
        ("Authorization: basic Z2VoZWlt", "Authorization: [hidden]"),
        ("basic c3NtX293bmVyOmdlaGVpbQ== sent", "basic [hidden] sent"),
        ("ssm_owner:A6185", "ssm_owner:[hidden]"),
        ("user_password : geheim", "user_password : [hidden]"),
        ("http://geheim:geheim@host/", "http://[hidden]@host/"),
        ("from 00:1D:c0:aa:bb:cc at 12:30:45", "from [hidden] at 12:30:45"),
        ("00-1d-c0-aa-bb-cc", "[hidden]"),
        ("lmac=001dc0aabbcc", "lmac=[hidden]"),
        ("SERIAL ZT190585000549A6185.", "SERIAL ZT190585000549[hidden]."),
        ("AP SunPower05185 is up", "AP SunPower[hidden] is up"),
        ("psk " + "0f" * 32, "psk [hidden]"),
    ],
)
def test_secrets_are_hidden(text: str, expected: str) -> None:
    assert redact(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "pam_unix(sshd:session): session opened for user root",
        "2025-12-17 19:33:21 stomach: E00122125092032 is silent",
        "upload failed: HTTP 503, retry in 300 s",
        "SunPower portal unreachable",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    "text", ["a", " ", "psk ", "psk=", "ssid=a,", '"', "\\", "0", "://a", "ZT", "00:", "psk=\\'"]
)
def test_long_lines_are_searched_in_one_pass(text: str) -> None:
    """With a pattern that looks back again and again this would take hours."""
    redact(text * (300_000 // len(text)))
    redact("psk=" + text * (300_000 // len(text)))
    redact('psk="' + text * (300_000 // len(text)))
