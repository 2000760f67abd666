"""Talks to systemd: ready, status line, watchdog (sd_notify(3)), priorities of log lines (sd-daemon(3)). Does nothing
where there is no systemd."""

from __future__ import annotations

import os
import socket
from typing import TextIO


def notify(message: str) -> None:
    """Send ``READY=1``, ``STATUS=…``, ``WATCHDOG=1`` or ``STOPPING=1``; a failure is no reason to stop."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
            sock.setblocking(False)
            sock.sendto(message.encode(), address)
    except OSError:
        return


def in_journal(stream: TextIO) -> bool:
    """Whether what is written to a stream goes to the journal itself (systemd.exec(5), ``JOURNAL_STREAM``): a program
    that was started from a service, but writes elsewhere, has the variable too."""
    device, _, inode = os.environ.get("JOURNAL_STREAM", "").partition(":")
    try:
        there = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return (device, inode) == (str(there.st_dev), str(there.st_ino))


def marked(text: str, priority: int) -> str:
    """The text with its priority (3 error, 4 warning, 6 info, 7 debug) before every line, each being an entry of the
    journal for itself."""
    return "\n".join(f"<{priority}>{line}" for line in text.splitlines())
