"""``pvsmqtt web-password``."""

from __future__ import annotations

import asyncio
import io
import os
import pty
import tomllib

import pytest
from harness import PATIENCE, pvsmqtt

from pvsmqtt.commands import web_password
from pvsmqtt.sinks.web import passwords
from pvsmqtt.sinks.web.options import WebOptions

PASSWORD = "Grüße vom Dach"


def piped(monkeypatch: pytest.MonkeyPatch, text: str) -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    return web_password.web_password()


def test_a_line_of_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert piped(monkeypatch, f"{PASSWORD}\r\nmore\n") == 0
    out = capsys.readouterr().out
    options = WebOptions(**tomllib.loads(out))
    assert options.password_hash is not None
    assert passwords.matches(PASSWORD, passwords.parse(options.password_hash.get_secret_value()))
    assert PASSWORD not in out


@pytest.mark.parametrize("text", ["", "\n", "short\n", "x" * 2000])
def test_what_is_too_short_or_too_long(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    assert piped(monkeypatch, text) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "allowed: 8 to 1024" in captured.err


@pytest.mark.parametrize(("second", "status"), [(PASSWORD, 0), (PASSWORD + "x", 1)])
async def test_on_a_terminal_it_asks_twice_and_shows_nothing(second: str, status: int) -> None:
    """getpass speaks to the terminal of the process, so the process gets one of its own."""
    ours, theirs = pty.openpty()
    process = pvsmqtt("web-password")
    child = await asyncio.create_subprocess_exec(
        *process.command, env=process.env, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    os.set_blocking(ours, False)
    loop, seen, news = asyncio.get_running_loop(), bytearray(), asyncio.Event()

    def read() -> None:
        try:
            data = os.read(ours, 4096)
        except OSError:
            data = b""
        if not data:
            loop.remove_reader(ours)
        seen.extend(data)
        news.set()

    loop.add_reader(ours, read)
    try:
        async with asyncio.timeout(PATIENCE):
            for question, answer in ((b"Password", PASSWORD), (b"again", second)):
                while question not in seen:
                    news.clear()
                    await news.wait()
                os.write(ours, answer.encode() + b"\n")
            assert await child.wait() == status
            while b"scrypt$" not in seen and b"two different" not in seen:
                news.clear()
                await news.wait()
    finally:
        loop.remove_reader(ours)
        os.close(ours)
        if child.returncode is None:
            child.kill()
            await child.wait()
    text = seen.decode()
    assert PASSWORD not in text
    assert ('password_hash = "scrypt$' in text) is (status == 0)
