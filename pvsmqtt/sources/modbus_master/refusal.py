"""Why equipment did not tell what it was asked: typed reasons, each with what it means and what to do."""

from __future__ import annotations

import errno
import os
import re
import socket
from enum import StrEnum


class Refusal(StrEnum):
    """Every reason. What begins with ``exception`` the equipment answered itself (Modbus exception codes)."""

    NAME = "name"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    CLOSED = "closed"
    TIMEOUT = "timeout"
    WRONG_TRANSACTION = "wrong_transaction"
    NOT_MODBUS = "not_modbus"
    FUNCTION = "exception_function"
    ADDRESS = "exception_address"
    VALUE = "exception_value"
    FAILURE = "exception_failure"
    BUSY = "exception_busy"
    AWAY = "exception_away"
    OTHER = "exception_other"
    NOBODY = "nobody"
    NOT_FOUND = "not_found"
    AMBIGUOUS = "ambiguous"
    MISSING = "missing"
    DENIED = "denied"
    TAKEN = "taken"
    NOT_ALONE = "not_alone"
    SETTING = "setting"
    BUG = "bug"


ADVICE: dict[Refusal, str] = {
    Refusal.NAME: "correct the host name, or write the address",
    Refusal.REFUSED: "something is at that address, but nothing listens at this port: check the address, and whether "
    "Modbus TCP is switched on in the equipment (SMA and Fronius have it off at first)",
    Refusal.UNREACHABLE: "check power, network and address of the equipment; for the gateway of a SunVault this "
    "machine needs an address in 172.27.153.x",
    Refusal.CLOSED: "the equipment hung up: it may have restarted, or accept a single client and have taken another "
    "one. It is tried again by itself",
    Refusal.TIMEOUT: "the unit does not answer: check its number, and that it has power. It is tried again by itself",
    Refusal.WRONG_TRANSACTION: "an answer belonged to another question: a serial server in between mixes up several "
    "masters, or answered too late. The connection was closed, and it is tried again by itself",
    Refusal.NOT_MODBUS: "whatever answers there does not speak Modbus: check host and port",
    Refusal.FUNCTION: "the unit does not know this kind of read; it is left out",
    Refusal.ADDRESS: "the unit does not have these registers; it is not asked for them again",
    Refusal.VALUE: "the unit does not give so many registers at once; it is asked for fewer",
    Refusal.FAILURE: "the unit cannot tell this at present",
    Refusal.BUSY: "the equipment is busy; it is asked again later, and less often",
    Refusal.AWAY: "the gateway cannot reach the unit behind it: check its number and its power",
    Refusal.OTHER: "no action needed unless it lasts",
    Refusal.NOBODY: "no unit answered in a language that is known: check the profile, and write the numbers of the "
    "units into units = […]",
    Refusal.NOT_FOUND: "check that this machine has an address in 172.27.153.x and that the gateway has power, or "
    "write its address into host",
    Refusal.AMBIGUOUS: "write the address of the one that is meant into host",
    Refusal.MISSING: "the adapter is not plugged in, or it has another name now: names below /dev/serial/by-id/ stay",
    Refusal.DENIED: "serial devices belong to the group dialout: sudo usermod -aG dialout $USER and log in again",
    Refusal.TAKEN: "only one program can use an adapter: stop the other one, or take this line out of [[rs485]]",
    Refusal.NOT_ALONE: "somebody else asks on this line, and two masters destroy each other's telegrams: nothing was "
    "sent. Listen to it with [[rs485]] instead",
    Refusal.SETTING: "the adapter cannot do this speed or parity: correct baudrate and parity",
    Refusal.BUG: "please report this",
}

EXCEPTIONS: dict[int, Refusal] = {
    1: Refusal.FUNCTION,
    2: Refusal.ADDRESS,
    3: Refusal.VALUE,
    4: Refusal.FAILURE,
    5: Refusal.BUSY,
    6: Refusal.BUSY,
    10: Refusal.AWAY,
    11: Refusal.AWAY,
}
"""Modbus exception codes (MODBUS Application Protocol Specification V1.1b3, chapter 7)."""

FINAL = frozenset({Refusal.ADDRESS, Refusal.VALUE})
"""The equipment will say the same again: what was asked is not to be had so."""

BROKEN = frozenset(
    {
        Refusal.NAME,
        Refusal.REFUSED,
        Refusal.UNREACHABLE,
        Refusal.CLOSED,
        Refusal.TIMEOUT,
        Refusal.WRONG_TRANSACTION,
        Refusal.NOT_MODBUS,
        Refusal.MISSING,
        Refusal.DENIED,
        Refusal.TAKEN,
        Refusal.NOT_ALONE,
        Refusal.SETTING,
    }
)
"""After these the connection is closed: what comes next on it could be anything."""

NO_DOOR = BROKEN - {Refusal.TIMEOUT, Refusal.WRONG_TRANSACTION, Refusal.CLOSED}
"""Nobody behind this door can be asked now, whichever unit."""


class Refused(Exception):
    """Something was not told. ``detail`` says what happened, ``str()`` also what to do."""

    def __init__(self, reason: Refusal, detail: str) -> None:
        super().__init__(f"{detail}: {ADVICE[reason]}")
        self.reason, self.detail, self.advice = reason, detail, ADVICE[reason]


_NETWORK: dict[int | None, Refusal] = {
    errno.ECONNREFUSED: Refusal.REFUSED,
    errno.ECONNRESET: Refusal.CLOSED,
    errno.EPIPE: Refusal.CLOSED,
    errno.ENOENT: Refusal.MISSING,
    errno.ENXIO: Refusal.MISSING,
    errno.ENODEV: Refusal.MISSING,
    errno.EACCES: Refusal.DENIED,
    errno.EPERM: Refusal.DENIED,
    errno.EBUSY: Refusal.TAKEN,
    errno.EAGAIN: Refusal.TAKEN,
    errno.EINVAL: Refusal.SETTING,
}


_ERRNO = re.compile(r"\[Errno (\d+)\]")
"""Where a host has several addresses, the errors of all of them are told as one text."""


def of_error(error: Exception, name: str) -> Refused:
    """What an error of a socket or a serial device means; ``name`` is what was to be opened."""
    if isinstance(error, TimeoutError):
        return Refused(Refusal.UNREACHABLE, f"{name} does not answer")
    if isinstance(error, socket.gaierror | UnicodeError):
        return Refused(Refusal.NAME, f"{name}: {getattr(error, 'strerror', None) or 'that cannot be a name'}".lower())
    number = next(iter(error.args), None)  # of an OSError, and of a termios.error, which is none
    if type(number) is not int and (told := _ERRNO.search(str(error))):
        number = int(told[1])
    if type(number) is not int:
        return Refused(Refusal.SETTING, f"{name}: {error or type(error).__name__}")
    return Refused(_NETWORK.get(number, Refusal.UNREACHABLE), f"{name}: {os.strerror(number).lower()}")
