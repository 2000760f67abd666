"""Processes: started, awaited by their lines, ended by their own id."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.basics import PATIENCE, Feed, free_port, program


class Process:
    """A process with everything it prints."""

    def __init__(self, *command: str, env: Mapping[str, str] | None = None) -> None:
        self.command = command
        self.env = None if env is None else dict(env)
        self.out: Feed[str] = Feed()
        self.log: Feed[str] = Feed()
        self._process: asyncio.subprocess.Process | None = None
        self._readers: list[asyncio.Task[None]] = []

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        assert not self.running
        self._process = await asyncio.create_subprocess_exec(
            *self.command, env=self.env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, limit=2**24
        )
        self._readers = [
            asyncio.create_task(self._read(self._process.stdout, self.out)),
            asyncio.create_task(self._read(self._process.stderr, self.log)),
        ]

    async def _read(self, stream: asyncio.StreamReader | None, feed: Feed[str]) -> None:
        assert stream is not None
        async for line in stream:
            feed.add(line.decode(errors="replace").rstrip("\n"))

    def said(self, text: str, since: int = 0) -> list[str]:
        """Lines of its log with this text."""
        return [line for line in self.log.items[since:] if text in line]

    async def says(self, text: str, since: int = 0, timeout: float = PATIENCE) -> str:
        """Wait for a line of its log with this text."""
        return await self.log.until(
            lambda: next(iter(self.said(text, since)), None), f"log line with {text!r}", timeout
        )

    def signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    async def exit(self, timeout: float = PATIENCE) -> int:
        """Wait for its end; the exit status."""
        assert self._process is not None
        async with asyncio.timeout(timeout):
            status = await self._process.wait()
            await asyncio.gather(*self._readers)
        return status

    async def kill(self) -> None:
        """End it at once, also when it is frozen."""
        if self.running:
            self.signal(signal.SIGKILL)
        if self._process is not None:
            await self.exit()

    async def run(self, timeout: float = PATIENCE) -> tuple[int, str, str]:
        """Start it and wait for its end: status, output, log."""
        await self.start()
        try:
            status = await self.exit(timeout)
        finally:
            await self.kill()
        return status, "\n".join(self.out.items), "\n".join(self.log.items)


def environment(fast: bool = True, **more: str) -> dict[str, str]:
    """The environment of this process without anything that speaks to pvsmqtt."""
    ours = ("PVSMQTT_", "STATE_DIRECTORY", "NOTIFY_SOCKET", "JOURNAL_STREAM", "CREDENTIALS_DIRECTORY", "WATCHDOG_")
    env = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    return {**env, **({"PVSMQTT_ALLOW_FAST_POLLING": "1"} if fast else {}), **more}


def pvsmqtt(
    *arguments: str, env: Mapping[str, str] | None = None, patch: Mapping[str, object] | None = None
) -> Process:
    """``pvsmqtt …`` as a process. ``patch`` shortens waits: ``{"pvsmqtt.some.module.NAME": value}``."""
    start = ["-m", "pvsmqtt"]
    if patch:
        lines = ["import importlib, sys"]
        for path, value in patch.items():
            module, name = path.rsplit(".", 1)
            lines.append(f"assert hasattr(m := importlib.import_module({module!r}), {name!r}); m.{name} = {value!r}")
        start = ["-c", "\n".join([*lines, "from pvsmqtt.cli import main", "sys.exit(main())"])]
    return Process(sys.executable, *start, *arguments, env=environment() if env is None else env)


class Mosquitto:
    """A broker that keeps its port over restarts and forgets everything else."""

    def __init__(self, folder: Path, users: Mapping[str, str] | None = None, extra: str = "") -> None:
        self.port = free_port()
        self._folder = folder / f"mosquitto-{self.port}"
        self._folder.mkdir()
        self._extra = extra
        self._program = program("mosquitto", "mosquitto")
        self.set_users(users)
        self.process = Process(self._program, "-c", str(self._folder / "mosquitto.conf"))

    def set_users(self, users: Mapping[str, str] | None) -> None:
        """Who may log in (None: everybody); takes effect with the next start."""
        login = "allow_anonymous true"
        if users is not None:
            file = self._folder / "passwords"
            file.write_text("")
            for user, password in users.items():
                make = program("mosquitto_passwd", "mosquitto")
                subprocess.run([make, "-b", str(file), user, password], check=True, capture_output=True)
            login = f"allow_anonymous false\npassword_file {file}"
        as_root = "user root\n" if os.geteuid() == 0 else ""
        (self._folder / "mosquitto.conf").write_text(
            f"{as_root}listener {self.port} 127.0.0.1\n{login}\npersistence false\nlog_dest stderr\n{self._extra}\n"
        )

    async def start(self) -> None:
        since = len(self.process.log.items)
        await self.process.start()
        await self.process.says(" running", since)

    async def kill(self) -> None:
        await self.process.kill()

    async def restart(self) -> None:
        """Forget everything and listen on the same port again."""
        await self.kill()
        await self.start()

    def freeze(self) -> None:
        self.process.signal(signal.SIGSTOP)

    def wake(self) -> None:
        self.process.signal(signal.SIGCONT)


class Service(Process):
    """``pvsmqtt run`` with a configuration file that can be changed while it runs."""

    def __init__(
        self, file: Path, settings: Mapping[str, Any], env: Mapping[str, str], patch: Mapping[str, object] | None
    ) -> None:
        process = pvsmqtt("run", "--config", str(file), env=env, patch=patch)
        super().__init__(*process.command, env=env)
        self.file = file
        self.settings = dict(settings)
        self.state_dir = Path(settings["state_dir"])
        self.write()

    def write(self, **changes: Any) -> None:
        """Change tables of the configuration file; a table is updated, everything else replaced."""
        for key, value in changes.items():
            old = self.settings.get(key)
            self.settings[key] = {**old, **value} if isinstance(old, dict) and isinstance(value, dict) else value
        self.file.write_text(toml(self.settings))

    async def reload(self, says: str = "the new configuration is in force", **changes: Any) -> None:
        """Change the file, send SIGHUP, wait until the log says that it was taken up."""
        self.write(**changes)
        since = len(self.log.items)
        self.signal(signal.SIGHUP)
        await self.says(says, since)

    async def stop(self, number: int = signal.SIGTERM) -> None:
        self.signal(number)
        assert await self.exit() == 0

    def open_files(self) -> int:
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))


def toml(document: Mapping[str, Any]) -> str:
    plain, tables = [], []
    for key, value in document.items():
        if isinstance(value, dict):
            tables += [f"[{key}]", *_lines(value)]
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for entry in value:
                tables += [f"[[{key}]]", *_lines(entry)]
        else:
            plain += _lines({key: value})
    return "\n".join([*plain, *tables, ""])


def _lines(table: Mapping[str, Any]) -> list[str]:
    return [f"{json.dumps(key)} = {json.dumps(value, ensure_ascii=False)}" for key, value in table.items()]
