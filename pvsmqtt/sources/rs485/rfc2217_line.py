"""Serial servers whose speed can be set from here: RFC 2217, telnet with a COM port option (ser2net, Moxa).

pyserial speaks it, and undoubles 0xFF. It negotiates with the serial server: speed, parity, DTR and RTS. None of that
goes out on the bus, provided that the serial server understands it. A transparent one would pass the negotiation on
to the bus. So a first connection only listens: a telnet server greets with options at once (ser2net and pyserial's
own server do), and without a greeting nothing is sent. ``?speaks_first=1`` leaves that out.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any

from pvsmqtt.modbus.setting import Setting
from pvsmqtt.sources.rs485.lost import LineLost, Loss
from pvsmqtt.sources.rs485.readable import readable
from pvsmqtt.sources.rs485.sockets import connect
from pvsmqtt.sources.rs485.url import LineUrl

GREETING = 3.0
"""Seconds in which a telnet server has said which options it has."""
PAUSE = 0.5
"""Seconds that a serial server for a single client needs after one has hung up."""
MOST = 1 << 20
"""Bytes that wait to be read; what comes when so many wait is counted as overrun."""
SLICE = 0.2

_IAC = 0xFF
_WILL_TO_DONT = range(251, 255)
_OPTIONS = frozenset({0, 1, 3, 44})
"""Binary, echo, suppress go ahead, COM port: what a server with RFC 2217 begins with."""


class Rfc2217Line:
    """A thread takes the bytes from pyserial, `read` takes them from the thread."""

    clock: Callable[[], float] | None = None

    def __init__(self, name: str, port: Any) -> None:
        self.name = name
        self._port = port
        self._loop = asyncio.get_running_loop()
        self._some = asyncio.Event()
        self._lock = threading.Lock()
        self._waiting = bytearray()
        self._overrun = 0
        self._ended = False
        self._thread = threading.Thread(target=self._pump, name=name, daemon=True)
        self._thread.start()

    @classmethod
    async def open(cls, url: LineUrl, setting: Setting | None) -> Rfc2217Line:
        """Make sure that it is RFC 2217, connect, and set the speed; without a ``setting``, 9600 8N1.

        Raises:
            LineLost: when it is not, cannot be reached, or cannot do the setting.
        """
        await _greeted(url)
        opening = asyncio.ensure_future(asyncio.to_thread(_open, url, setting or Setting(9600)))
        try:
            return cls(str(url), await asyncio.shield(opening))
        except asyncio.CancelledError:
            opening.add_done_callback(_close_late)
            raise

    async def read(self, patience: float) -> bytes:
        """See `Line.read`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while not self._waiting and not self._ended:  # the thread may tell of bytes that were taken already
                    self._some.clear()
                    await self._some.wait()
        with self._lock:
            data = bytes(self._waiting)
            self._waiting.clear()
        if not data and self._ended:
            raise LineLost(Loss.CLOSED, f"{self.name} was closed")
        return data

    def errors(self) -> dict[str, int]:
        """``overrun``: bytes that nobody took in time, if there were any."""
        return {"overrun": self._overrun} if self._overrun else {}

    def note(self) -> str:
        """See `Line.note`."""
        return ""

    async def close(self) -> None:
        """See `Line.close`."""
        port, self._port = self._port, None
        if port is not None:
            await asyncio.to_thread(_close, port, self._thread)

    def _pump(self) -> None:
        port = self._port
        with contextlib.suppress(Exception):  # pyserial has many: whatever it is, the line is gone
            while port.is_open:
                data = port.read(1)
                if data:
                    data += port.read(port.in_waiting)
                    with self._lock:
                        room = MOST - len(self._waiting)
                        self._overrun += max(0, len(data) - room)
                        self._waiting += data[:room]
                    self._tell()
        self._ended = True
        self._tell()

    def _tell(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._some.set)


async def _greeted(url: LineUrl) -> None:
    """Listen to what the server says of itself; say nothing."""
    if url.speaks_first:
        return
    connection = await connect(url)
    try:
        heard = b""
        deadline = time.monotonic() + GREETING
        while len(heard) < 3 and await readable(max(0.0, deadline - time.monotonic()), connection.fileno()):
            data = b""
            with contextlib.suppress(OSError):
                data = connection.recv(3 - len(heard))
            if not data:
                raise LineLost(Loss.CLOSED, f"{url} was closed")
            heard += data
    finally:
        connection.close()
    if len(heard) < 3 or heard[0] != _IAC or heard[1] not in _WILL_TO_DONT or heard[2] not in _OPTIONS:
        raise LineLost(Loss.NOT_RFC2217, f"{url} does not greet as RFC 2217 does")
    await asyncio.sleep(PAUSE)


def _open(url: LineUrl, setting: Setting) -> Any:
    from serial import SerialException  # type: ignore[import-untyped]
    from serial.rfc2217 import Serial  # type: ignore[import-untyped]

    host = f"[{url.host}]" if ":" in url.host else url.host
    port = Serial(None, setting.baudrate, parity=setting.parity, stopbits=setting.stopbits, timeout=SLICE)
    port.port = f"rfc2217://{host}:{url.port}"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # how it names its thread
            port.open()
    except (SerialException, ValueError, OSError) as error:
        text = str(error)
        if "parameter change" in text or isinstance(error, ValueError):
            raise LineLost(Loss.SETTING, f"{url} does not take {setting}") from None
        if "does not seem" in text:
            raise LineLost(Loss.NOT_RFC2217, f"{url} does not agree to RFC 2217") from None
        raise LineLost(Loss.CLOSED, f"{url} broke off") from None
    return port


def _close(port: Any, thread: threading.Thread | None = None) -> None:
    with contextlib.suppress(Exception):
        port.close()
    if thread is not None:
        thread.join(10)


def _close_late(opening: asyncio.Future[Any]) -> None:
    """Close what was opened after nobody wanted it any more."""
    if not opening.cancelled() and opening.exception() is None:
        threading.Thread(target=_close, args=(opening.result(),), daemon=True).start()
