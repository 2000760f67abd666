"""Where the simulated bus can be heard: a pseudo-terminal, a TCP server, a TCP client.

What is put at an end that nobody listens to is gone, as on a real line. What a listener writes is kept in
``written``: a passive listener leaves it empty.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import termios
from pathlib import Path
from typing import Protocol

from pvsmqtt.modbus.setting import Setting
from pvsmqtt.simulator.terminal import Terminal

PATIENCE = 2.0
"""Seconds that a listener may take to make room before bytes are lost."""

LOOK = 0.02
"""Seconds between two looks at what cannot be waited for."""

SETTLING = 0.1
"""Seconds that a program gets between opening a pseudo-terminal and the first byte: it sets it, then empties it."""

RECONNECT = 0.5
"""Seconds until a client tries again."""


class End(Protocol):
    """One end. ``listeners`` counts those that came so far."""

    listeners: int
    written: bytearray

    @property
    def url(self) -> str:
        """What a listener is told to open."""

    async def open(self) -> None:
        """Be there; raises OSError when that cannot be."""

    def present(self) -> bool:
        """Whether somebody listens now."""

    def speed(self) -> Setting | None:
        """How the listener has set the line; None where that cannot be known."""

    async def put(self, data: bytes) -> int:
        """Give bytes to whoever listens; how many could be given."""

    async def close(self) -> None:
        """Be gone, as when a plug is pulled; `open` plugs it in again."""


BAUDRATES = {getattr(termios, name): int(name[1:]) for name in dir(termios) if name[:1] == "B" and name[1:].isdigit()}
"""The constants of termios."""


class Pty:
    """A pseudo-terminal; ``link`` is a path that always leads to it, also after it was unplugged."""

    def __init__(self, link: Path | None, speed: Setting) -> None:
        self.listeners = 0
        self.written = bytearray()
        self._terminal = Terminal(link, speed.baudrate)
        self._speed = speed
        self._was_present = False

    @property
    def url(self) -> str:
        """``serial:///dev/pts/3``, or the link."""
        return self._terminal.url

    async def open(self) -> None:
        """Raises OSError when there is no link to be made."""
        self._terminal.open()

    def present(self) -> bool:
        """Whether a program has it open."""
        now = self._terminal.present()
        if now and not self._was_present:
            self.listeners += 1
        self._was_present = now
        return now

    def speed(self) -> Setting | None:
        """The baud rate that the program has set. A pseudo-terminal has no parity, so this is always the bus's."""
        if self._terminal.master is None:
            return None
        rate = BAUDRATES.get(termios.tcgetattr(self._terminal.master)[4])
        return None if not rate else Setting(rate, self._speed.parity, self._speed.stopbits)

    async def put(self, data: bytes) -> int:
        """What finds no room in time is lost, as in the buffer of a serial port."""
        deadline, given = asyncio.get_running_loop().time() + PATIENCE, 0
        while self.present() and self._terminal.master is not None:
            with contextlib.suppress(OSError):
                self.written += os.read(self._terminal.master, 4096)
            with contextlib.suppress(BlockingIOError):
                given += os.write(self._terminal.master, data[given:])
            if given == len(data) or asyncio.get_running_loop().time() > deadline:
                break
            await asyncio.sleep(LOOK)
        return given

    async def close(self) -> None:
        """The program finds its terminal hung up."""
        self._terminal.close()
        self._was_present = False


class _Connections:
    """The connections of a TCP end."""

    def __init__(self) -> None:
        self.listeners = 0
        self.written = bytearray()
        self._writers: set[asyncio.StreamWriter] = set()

    def present(self) -> bool:
        """Whether somebody is connected."""
        return bool(self._writers)

    def speed(self) -> Setting | None:
        """A serial server does not tell."""
        return None

    async def put(self, data: bytes) -> int:
        """To everybody who is connected."""
        given = 0
        for writer in list(self._writers):
            with contextlib.suppress(OSError, TimeoutError):
                writer.write(data)
                async with asyncio.timeout(PATIENCE):
                    await writer.drain()
                given = len(data)
        return given

    async def _keep(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Until the other side goes."""
        plug = writer.get_extra_info("socket")
        if plug is not None:
            plug.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.listeners += 1
        self._writers.add(writer)
        try:
            while data := await reader.read(4096):
                self.written += data
        except OSError:
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _drop(self) -> None:
        writers, self._writers = list(self._writers), set()
        for writer in writers:
            writer.close()
        for writer in writers:
            with contextlib.suppress(OSError):
                await writer.wait_closed()


class Server(_Connections):
    """A transparent serial server that waits for connections; port 0 takes a free one."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__()
        self.host, self.port = host, port
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """``tcp://127.0.0.1:4196``."""
        return f"tcp://{_address(self.host, self.port)}"

    async def open(self) -> None:
        """Raises OSError when the port is not to be had."""
        self._server = await asyncio.start_server(self._keep, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Connections end, new ones are refused."""
        if self._server is not None:
            self._server.close()
            self._server = None
        await self._drop()


class Client(_Connections):
    """A serial server that connects by itself, again and again."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__()
        self.host, self.port = host, port
        self._task: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """``tcp-listen://127.0.0.1:4196``."""
        return f"tcp-listen://{_address(self.host, self.port)}"

    async def open(self) -> None:
        """Begin to try."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        while True:
            with contextlib.suppress(OSError):
                await self._keep(*await asyncio.open_connection(self.host, self.port))
            await asyncio.sleep(RECONNECT)

    async def close(self) -> None:
        """The connection ends."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        await self._drop()


def end_of(text: str, speed: Setting) -> End:
    """``pty``, ``pty:PATH``, ``listen:HOST:PORT`` or ``connect:HOST:PORT``; raises ValueError for anything else."""
    kind, _, rest = text.partition(":")
    if kind == "pty":
        return Pty(Path(rest) if rest else None, speed)
    host, _, port = rest.rpartition(":")
    if kind in ("listen", "connect") and host and port.isdecimal() and int(port) < 65536:
        return (Server if kind == "listen" else Client)(host.strip("[]"), int(port))
    raise ValueError(f"{text!r} is none of pty, pty:PATH, listen:HOST:PORT, connect:HOST:PORT")


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
