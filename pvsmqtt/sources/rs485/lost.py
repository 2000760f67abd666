"""Why a line cannot be heard, or no longer: typed reasons, each with what it means and what to do."""

from __future__ import annotations

import errno
import os
from enum import StrEnum


class Loss(StrEnum):
    """Every reason for which a line is not there."""

    MISSING = "missing"
    DENIED = "denied"
    BUSY = "busy"
    NOT_SERIAL = "not_serial"
    SETTING = "setting"
    UNPLUGGED = "unplugged"
    NAME = "name"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    CLOSED = "closed"
    NOT_RFC2217 = "not_rfc2217"
    PORT_TAKEN = "port_taken"
    LOW_PORT = "low_port"
    NO_ADDRESS = "no_address"
    RECORDING = "recording"
    ENDED = "ended"
    FAILED = "failed"


ADVICE: dict[Loss, str] = {
    Loss.MISSING: "the adapter is not plugged in, or it has another name now: names below /dev/serial/by-id/ stay",
    Loss.DENIED: "serial devices belong to the group dialout: sudo usermod -aG dialout $USER and log in again. The "
    "service has that group; as the service, the device may be of a kind that its unit does not list (DeviceAllow)",
    Loss.BUSY: "only one program can hear an adapter: stop the other one. A login prompt on a UART of a Raspberry Pi "
    "is switched off in raspi-config, Interface Options, Serial Port",
    Loss.NOT_SERIAL: "write the path of a serial device, such as one below /dev/serial/by-id/",
    Loss.SETTING: "the adapter or the serial server cannot do this speed or parity: correct baudrate and parity, or "
    "use another adapter",
    Loss.UNPLUGGED: "the adapter went away: check the plug, the cable and the power of the USB port. It is taken up "
    "again as soon as it is back",
    Loss.NAME: "correct the name, or write the address",
    Loss.REFUSED: "something answers at that address, but not at this port: the serial server must be in mode TCP "
    "server, transparent (protocol: none), and many accept a single client",
    Loss.UNREACHABLE: "check power, network and address of the serial server",
    Loss.CLOSED: "the serial server hung up: it may have restarted, or accept a single client and have taken another "
    "one. It is tried again by itself",
    Loss.NOT_RFC2217: "nothing was sent, for whatever is sent to a transparent serial server goes out on the bus. If "
    "it is a transparent one, write tcp:// instead; if it is RFC 2217 for sure and waits for us to begin, write "
    "rfc2217://host:port?speaks_first=1",
    Loss.PORT_TAKEN: "another program or another [[rs485]] listens there: take another port, here and in the serial "
    "server",
    Loss.LOW_PORT: "ports below 1024 belong to root: take one from 1024 on, here and in the serial server",
    Loss.NO_ADDRESS: "this machine does not have that address (yet): correct it, or leave it out to listen on all",
    Loss.RECORDING: "correct the path, or make the recording anew: it may have been cut, or is none",
    Loss.ENDED: "there is nothing more to hear",
    Loss.FAILED: "if it lasts, please report it",
}


class LineLost(Exception):
    """A line that cannot be opened or went away. ``detail`` says what happened, ``str()`` also what to do."""

    def __init__(self, reason: Loss, detail: str) -> None:
        super().__init__(f"{detail}: {ADVICE[reason]}")
        self.reason = reason
        self.detail = detail
        self.advice = ADVICE[reason]


_NETWORK: dict[int | None, Loss] = {
    errno.ECONNREFUSED: Loss.REFUSED,
    errno.EADDRINUSE: Loss.PORT_TAKEN,
    errno.EACCES: Loss.LOW_PORT,
    errno.EPERM: Loss.LOW_PORT,
    errno.EADDRNOTAVAIL: Loss.NO_ADDRESS,
    errno.ECONNRESET: Loss.CLOSED,
    errno.EPIPE: Loss.CLOSED,
    errno.EBADF: Loss.CLOSED,
    **dict.fromkeys(
        (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ETIMEDOUT, errno.EHOSTDOWN, errno.ENETDOWN), Loss.UNREACHABLE
    ),
}


def of_network(error: OSError, what: str) -> LineLost:
    """The loss that an error of a socket means; ``what`` is the line."""
    text = error.strerror or type(error).__name__
    if error.errno is not None and error.errno > 0:
        text = os.strerror(error.errno)  # what asyncio says is for programmers
    return LineLost(_NETWORK.get(error.errno, Loss.FAILED), f"{what}: {text.lower()}")
