"""A pseudo-terminal that a simulator sits behind, and a link to it that stays where it is."""

from __future__ import annotations

import os
import select
import termios
import tty
from pathlib import Path


class Terminal:
    """The side of the equipment; a program opens ``path``, or the link."""

    def __init__(self, link: Path | None, baudrate: int) -> None:
        self.link = link
        self.baudrate = baudrate
        self.master: int | None = None
        """File descriptor, not blocking; None while it is closed."""
        self._path = ""

    @property
    def url(self) -> str:
        """``serial:///dev/pts/3``, or the link."""
        return f"serial://{self.link.absolute() if self.link else self._path}"

    def open(self) -> None:
        """Be there, raw, at the speed; raises OSError when there is no link to be made."""
        self.master, slave = os.openpty()
        try:
            os.set_blocking(self.master, False)
            self._path = os.ttyname(slave)
            tty.setraw(slave)
            settings = termios.tcgetattr(slave)
            settings[4] = settings[5] = getattr(termios, f"B{self.baudrate}", termios.B19200)
            termios.tcsetattr(slave, termios.TCSANOW, settings)
        finally:
            os.close(slave)
        if self.link is not None:
            self._make_link(self.link)

    def hold(self) -> int:
        """Open the other side too, so that nothing is hung up while no program has it open; a descriptor to close."""
        return os.open(self._path, os.O_RDWR | os.O_NOCTTY)

    def present(self) -> bool:
        """Whether a program has it open."""
        if self.master is None:
            return False
        poll = select.poll()
        poll.register(self.master, select.POLLHUP)
        return not any(events & select.POLLHUP for _, events in poll.poll(0))

    def close(self) -> None:
        """The program finds its terminal hung up."""
        self._let_go()
        if self.link is not None and self.link.is_symlink():
            self.link.unlink()

    def _make_link(self, link: Path) -> None:
        """Only a link is ever replaced."""
        if link.is_symlink():
            link.unlink()
        try:
            link.symlink_to(self._path)
        except OSError:
            self._let_go()
            raise

    def _let_go(self) -> None:
        if self.master is not None:
            os.close(self.master)
            self.master = None
