"""One connection to the WebSocket of a PVS: opened, read, closed. Every end has a typed reason."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum

import aiohttp

from pvsmqtt.sources.pvs.access.client import lasting_socket

LARGEST = 64 * 1024
"""Bytes of the largest message that is read; they have some 200."""

LIBRARY = (aiohttp.ClientError, OSError, TimeoutError, ValueError)
"""What the library raises for what a network does."""


class End(StrEnum):
    """Why there is no connection any more, or none came about."""

    CLOSED = "closed"
    RENEWED = "renewed"
    STALE = "stale"
    SILENT = "silent"
    BROKEN_OFF = "broken_off"
    TOO_LARGE = "too_large"
    UNREACHABLE = "unreachable"
    NO_ANSWER = "no_answer"
    NO_WEBSOCKET = "no_websocket"
    NOT_ENABLED = "not_enabled"
    AWAY = "away"


class Ended(Exception):
    """There is no connection (any more)."""

    def __init__(self, end: End) -> None:
        super().__init__(end.value)
        self.end = end


@asynccontextmanager
async def connect(url: str, within: float) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """A connection that was made ``within`` so many seconds; it is closed at the end.

    Raises:
        Ended: when there is none.
    """
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=1, force_close=True, socket_factory=lasting_socket),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),
        trace_configs=[_no_redirects()],
    ) as session:
        try:
            async with asyncio.timeout(within):
                socket = await session.ws_connect(
                    url, max_msg_size=LARGEST, timeout=aiohttp.ClientWSTimeout(ws_close=2.0)
                )
        except (*LIBRARY, AssertionError) as error:  # the library asserts that the line outlasts the handshake
            raise Ended(why(error)) from None
        try:
            yield socket
        finally:
            await socket.close()


async def receive(socket: aiohttp.ClientWebSocketResponse) -> str:
    """The next message.

    Raises:
        Ended: when none will come.
    """
    try:
        message = await socket.receive()
    except LIBRARY:
        raise Ended(End.BROKEN_OFF) from None
    if message.type is aiohttp.WSMsgType.TEXT:
        return str(message.data)
    if message.type is aiohttp.WSMsgType.BINARY:
        return ""  # a PVS sends text
    if message.type is aiohttp.WSMsgType.ERROR:
        too_large = socket.close_code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG
        raise Ended(End.TOO_LARGE if too_large else End.BROKEN_OFF)
    raise Ended(End.BROKEN_OFF if socket.close_code == aiohttp.WSCloseCode.ABNORMAL_CLOSURE else End.CLOSED)


def why(error: BaseException) -> End:
    """The reason in an error of the library."""
    if isinstance(error, TimeoutError):
        return End.NO_ANSWER
    if isinstance(error, aiohttp.ClientConnectorError):
        return End.UNREACHABLE
    return End.NO_WEBSOCKET if isinstance(error, aiohttp.ClientResponseError) else End.BROKEN_OFF


def _no_redirects() -> aiohttp.TraceConfig:
    """The library follows redirects of a handshake; nobody is to lead us anywhere."""

    async def refuse(_session: object, _context: object, params: aiohttp.TraceRequestRedirectParams) -> None:
        params.response.close()
        raise aiohttp.TooManyRedirects(params.response.request_info, (), status=params.response.status)

    config = aiohttp.TraceConfig()
    config.on_request_redirect.append(refuse)
    return config
