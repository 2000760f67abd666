"""Server-Sent Events: what is new goes into the mailbox of each client, encoded once.

A mailbox holds the latest of each key and the last lines of the log, so a client that is slow skips states, and
memory is bounded by what there is to tell. A client that does not even take that is dropped by who writes to it.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from typing import Any

MOST_CLIENTS = 16
LOG_LINES = 200

RETRY = b"retry: 3000\n\n"
COMMENT = b": here\n\n"


def dumps(document: Any) -> str:
    """JSON without spaces; NaN and infinities are bugs, not JSON.

    Raises:
        ValueError: when a number is not finite.
    """
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def frame(event: str, document: Any) -> bytes:
    """One event as it goes over the line. JSON has no line breaks of its own."""
    return f"event: {event}\ndata: {dumps(document)}\n\n".encode()


class Mailbox:
    """What one client has not been told yet. ``session`` is the login by which it came."""

    def __init__(self, session: str | None = None) -> None:
        self.session = session
        self._latest: dict[str, bytes] = {}
        self._lines: deque[bytes] = deque(maxlen=LOG_LINES)
        self._news = asyncio.Event()
        self._closed = False

    def put(self, key: str, data: bytes) -> None:
        """The latest of a key; the empty key is for what is not replaced by later news."""
        if key:
            self._latest.pop(key, None)
            self._latest[key] = data
        else:
            self._lines.append(data)
        self._news.set()

    def close(self) -> None:
        """No more is to come."""
        self._closed = True
        self._news.set()

    @property
    def waiting(self) -> int:
        """How many events can be taken."""
        return len(self._latest) + len(self._lines)

    async def take(self) -> bytes | None:
        """Wait for news and take all of it; ``None``: it is over."""
        await self._news.wait()
        if self._closed:
            return None
        self._news.clear()
        data = b"".join([*self._latest.values(), *self._lines])
        self._latest.clear()
        self._lines.clear()
        return data


class Hub:
    """The mailboxes of all clients, ``most`` of them."""

    def __init__(self, most: int = MOST_CLIENTS) -> None:
        self._most = most
        self._boxes: list[Mailbox] = []

    def __len__(self) -> int:
        return len(self._boxes)

    def enter(self, session: str | None = None) -> Mailbox | None:
        """A mailbox for a client; ``None``: there are too many."""
        if len(self._boxes) >= self._most:
            return None
        box = Mailbox(session)
        self._boxes.append(box)
        return box

    def leave(self, box: Mailbox) -> None:
        """A client is gone."""
        if box in self._boxes:
            self._boxes.remove(box)

    def tell(self, event: str, key: str, document: Any) -> None:
        """Tell everybody; see `Mailbox.put` for the key."""
        if self._boxes:
            self._put(key, frame(event, document))

    def comment(self) -> None:
        """Show that the line is alive."""
        self._put("#comment", COMMENT)

    def end(self, session: str) -> None:
        """A login ends: so do the clients that came by it."""
        for box in self._boxes:
            if box.session == session:
                box.close()

    def close(self) -> None:
        """End all."""
        for box in self._boxes:
            box.close()

    def _put(self, key: str, data: bytes) -> None:
        for box in self._boxes:
            box.put(key, data)
