"""The door to a line: whatever it is made of, it can be opened, heard and closed. It cannot be written to.

Every byte written to a serial port or to a transparent serial server goes out on a bus on which others control a
battery. So nothing here, and nothing behind this door, has a way to write: a serial device is opened for reading
only, sockets are only received from. (RFC 2217 alone negotiates with the serial server, after that has shown that it
understands: see `rfc2217_line`.)

==================  =====================================================
`serial_line`       an adapter at this machine
`network_line`      serial servers: tcp, tcp-listen, udp-listen
`rfc2217_line`      serial servers whose speed can be set from here
`file_line`         a recording, at its own speed or faster
==================  =====================================================
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from pvsmqtt.modbus.setting import Parity, Setting
from pvsmqtt.sources.rs485.lost import LineLost, Loss
from pvsmqtt.sources.rs485.url import LineKind, LineUrl, parse

__all__ = ["Line", "LineKind", "LineLost", "LineUrl", "Loss", "Parity", "Setting", "open_line", "parse"]


class Line(Protocol):
    """An open line."""

    name: str
    """For people: the URL."""

    clock: Callable[[], float] | None
    """Seconds of the line's own clock, for a recording: when the bytes that were read last were heard. ``None``: the
    bytes are of now."""

    async def read(self, patience: float) -> bytes:
        """What came, at least one byte; ``b""`` when nothing came for ``patience`` seconds, or when what follows is
        no continuation of what came before (another serial server has connected): either way a frame that began
        before will not go on. Nothing is lost when it is cancelled.

        Raises:
            LineLost: when there is nothing more to be heard; then the line has to be closed.
        """

    def errors(self) -> dict[str, int]:
        """What went wrong since it was opened, as far as driver or line tell: ``framing``, ``parity``, ``overrun``,
        ``break`` of a serial device, ``foreign`` datagrams. Empty where nobody tells."""

    def note(self) -> str:
        """What a person should know of the line just now, such as that no serial server has connected; or nothing."""

    async def close(self) -> None:
        """Let go of it. Never raises; a second time does nothing."""


async def open_line(url: LineUrl, setting: Setting | None = None) -> Line:
    """``setting`` is for lines that are ``changeable``; ``None`` leaves the speed as the device has it.

    Raises:
        LineLost: when it cannot be opened.
    """
    return await _OPENERS[url.kind](url, setting)


async def _serial(url: LineUrl, setting: Setting | None) -> Line:
    from pvsmqtt.sources.rs485.serial_line import SerialLine

    return SerialLine.open(url, setting)


async def _tcp(url: LineUrl, _setting: Setting | None) -> Line:
    from pvsmqtt.sources.rs485.network_line import TcpLine

    return await TcpLine.open(url)


async def _tcp_listen(url: LineUrl, _setting: Setting | None) -> Line:
    from pvsmqtt.sources.rs485.network_line import ListeningLine

    return await ListeningLine.open(url)


async def _udp_listen(url: LineUrl, _setting: Setting | None) -> Line:
    from pvsmqtt.sources.rs485.network_line import DatagramLine

    return await DatagramLine.open(url)


async def _rfc2217(url: LineUrl, setting: Setting | None) -> Line:
    from pvsmqtt.sources.rs485.rfc2217_line import Rfc2217Line

    return await Rfc2217Line.open(url, setting)


async def _file(url: LineUrl, _setting: Setting | None) -> Line:
    from pvsmqtt.sources.rs485.file_line import FileLine

    return FileLine.open(url)


_OPENERS: dict[LineKind, Callable[[LineUrl, Setting | None], Awaitable[Line]]] = {
    LineKind.SERIAL: _serial,
    LineKind.TCP: _tcp,
    LineKind.TCP_LISTEN: _tcp_listen,
    LineKind.UDP_LISTEN: _udp_listen,
    LineKind.RFC2217: _rfc2217,
    LineKind.FILE: _file,
}
