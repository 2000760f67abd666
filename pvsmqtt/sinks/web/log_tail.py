"""The last lines of our own log, for the page and for reports. Secrets are hidden before a line is kept."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from pvsmqtt.model.times import iso
from pvsmqtt.redaction import redact

LINES = 200
LONGEST = 4000
"""Characters of a line that are kept."""

_LOOKED_AT = 20_000
"""Characters that are searched for secrets."""

_LEVELS = ((logging.ERROR, "error"), (logging.WARNING, "warning"), (0, "info"))

Line = dict[str, Any]


class LogTail(logging.Handler):
    """Keeps the last lines from level info on; any thread may log. ``told`` is called with each line, in the thread
    that logs."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._lines: deque[Line] = deque(maxlen=LINES)
        self._guard = threading.Lock()
        self.told: Callable[[Line], None] | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        try:
            line = describe(record)
        except Exception:
            self.handleError(record)
            return
        with self._guard:
            self._lines.append(line)
        if (told := self.told) is not None:
            told(line)

    def lines(self) -> list[Line]:
        """The last lines, the oldest first."""
        with self._guard:
            return list(self._lines)


def describe(record: logging.LogRecord) -> Line:
    """A line as the page shows it."""
    text = record.getMessage()
    if record.exc_info:
        text += "\n" + _FORMATTER.formatException(record.exc_info)
    text = redact(text[:_LOOKED_AT])
    return {
        "time": iso(datetime.fromtimestamp(record.created, UTC).replace(microsecond=0)),
        "level": next(word for level, word in _LEVELS if record.levelno >= level),
        "logger": record.name,
        "text": text if len(text) <= LONGEST else f"{text[:LONGEST]}…",
    }


_FORMATTER = logging.Formatter()
