"""An RS-485 adapter at this machine, opened for reading only.

Opened for reading only the kernel refuses to write whatever the program does, and the service needs no more than read
access to the device (see systemd/pvsmqtt.service). That is why the device is set up here and not by pyserial, which
opens for reading and writing and sets RTS and DTR. What it does is the same: raw, eight bits, no flow control, the
device locked. RTS and DTR stay as the kernel sets them when a device is opened, also between one opening and the
next, for some adapters are powered by them and others would drive the bus.

Bytes with a parity or framing error are delivered as they are: the framer judges by CRC, and the driver counts.
Sources: termios(3), tty_ioctl(4), ioctl_tty(2); linux/serial.h, asm-generic/termbits.h.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import struct
import termios
from collections.abc import Callable
from pathlib import Path

from pvsmqtt.modbus.setting import Setting
from pvsmqtt.sources.rs485.lost import LineLost, Loss
from pvsmqtt.sources.rs485.readable import CHUNK, readable
from pvsmqtt.sources.rs485.url import LineUrl

BY_ID = Path("/dev/serial/by-id")
PROC = Path("/proc")

_OPEN_ERRORS = {
    errno.ENOENT: Loss.MISSING,
    errno.ENODEV: Loss.MISSING,
    errno.ENXIO: Loss.MISSING,
    errno.EIO: Loss.MISSING,  # a ttyS without hardware behind it
    errno.EACCES: Loss.DENIED,
    errno.EPERM: Loss.DENIED,
    errno.EBUSY: Loss.BUSY,
    errno.ENOTDIR: Loss.MISSING,
    errno.EISDIR: Loss.NOT_SERIAL,
}
_PARITY = {"N": 0, "E": termios.PARENB, "O": termios.PARENB | termios.PARODD}

# linux/serial.h: struct serial_icounter_struct is cts, dsr, rng, dcd, rx, tx, frame, overrun, parity, brk,
# buf_overrun and nine reserved, each an int.
_TIOCGICOUNT = 0x545D
_ICOUNT = struct.Struct("20i")
_COUNTED = {"framing": 6, "overrun": 7, "parity": 8, "break": 9, "buffer_overrun": 10}

_SERIAL_STRUCT = 128
"""More bytes than struct serial_struct has on any machine; its fifth int are the flags."""
_FLAGS = struct.Struct("i")
_FLAGS_AT = 16
_ASYNC_LOW_LATENCY = 1 << 13

# asm-generic/termbits.h: struct termios2 has four flags, c_line, 19 c_cc, then the two speeds as numbers.
_TCGETS2, _TCSETS2 = 0x802C542A, 0x402C542B
_TERMIOS2 = struct.Struct("4I20s2I")
_CBAUD, _BOTHER = 0o010017, 0o010000


class SerialLine:
    """See `open`."""

    clock: Callable[[], float] | None = None

    def __init__(self, name: str, descriptor: int, others: str) -> None:
        self.name = name
        self._descriptor = descriptor
        self._others = others
        self._before = _counters(descriptor)

    @classmethod
    def open(cls, url: LineUrl, setting: Setting | None) -> SerialLine:
        """Open, lock and set up a device; one that another program has locked is refused.

        Raises:
            LineLost: for every reason for which it cannot be had.
        """
        path = url.path
        try:
            # Without O_NONBLOCK some drivers wait for a carrier.
            descriptor = os.open(path, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise _not_opened(path, error) from None
        try:
            if not os.isatty(descriptor):
                raise LineLost(Loss.NOT_SERIAL, f"{path} is no serial device")
            _lock(path, descriptor)
            _set_up(path, descriptor, setting)
            _low_latency(descriptor)
            # What came in at another speed, or before anybody listened, is nothing to go on.
            with contextlib.suppress(termios.error):
                termios.tcflush(descriptor, termios.TCIFLUSH)
            return cls(str(url), descriptor, "" if path.startswith("/dev/pts/") else holders(path))
        except BaseException:
            os.close(descriptor)
            raise

    async def read(self, patience: float) -> bytes:
        """See `Line.read`."""
        while self._descriptor >= 0:
            try:
                data = os.read(self._descriptor, CHUNK)
            except BlockingIOError:
                if not await readable(patience, self._descriptor):
                    return b""
                continue
            except OSError as error:
                raise LineLost(Loss.UNPLUGGED, f"{self.name}: {(error.strerror or 'error').lower()}") from None
            if not data:  # never for want of data: that is BlockingIOError, since VMIN is 1
                raise LineLost(Loss.UNPLUGGED, f"{self.name} was hung up")
            return data
        raise LineLost(Loss.CLOSED, f"{self.name} is closed")

    def errors(self) -> dict[str, int]:
        """Counted by the driver since the line was opened; empty where it does not count."""
        now = _counters(self._descriptor)
        return {name: max(0, count - self._before.get(name, 0)) for name, count in now.items()}

    def note(self) -> str:
        """Who else has the device open."""
        if not self._others:
            return ""
        return f"{self._others} has it open too and takes away bytes: only one program can hear an adapter"

    async def close(self) -> None:
        """See `Line.close`."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            with contextlib.suppress(OSError):
                os.close(descriptor)


def adapters() -> list[str]:
    """The serial adapters that are plugged in, by the names that stay."""
    try:
        return sorted(str(path) for path in BY_ID.iterdir())
    except OSError:
        return []


def holders(path: str) -> str:
    """Programs that have a device open, as far as this one may see: ``minicom (process 812)``; or nothing."""
    try:
        device = Path(path).stat().st_rdev
        processes = [entry for entry in PROC.iterdir() if entry.name.isdigit() and int(entry.name) != os.getpid()]
    except OSError:
        return ""
    found = []
    for process in processes:
        with contextlib.suppress(OSError):  # it ended meanwhile, or belongs to somebody else
            if any(_is(descriptor, device) for descriptor in (process / "fd").iterdir()):
                found.append(f"{(process / 'comm').read_text().strip()} (process {process.name})")
    return ", ".join(found)


def _is(descriptor: Path, device: int) -> bool:
    try:
        return descriptor.stat().st_rdev == device
    except OSError:
        return False


def _not_opened(path: str, error: OSError) -> LineLost:
    reason = _OPEN_ERRORS.get(error.errno or 0, Loss.FAILED)
    detail = f"{path}: {(error.strerror or 'error').lower()}"
    if reason is Loss.BUSY:
        return _busy(path)
    if reason is Loss.MISSING:
        offered = adapters()
        detail += f" (there is {', '.join(offered)})" if offered else " (no serial adapter is plugged in)"
    return LineLost(reason, detail)


def _busy(path: str) -> LineLost:
    return LineLost(Loss.BUSY, f"{path} is in use by {holders(path) or 'another program'}")


def _lock(path: str, descriptor: int) -> None:
    """As pyserial does it with ``exclusive``; and nobody but root can open it any more."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise _busy(path) from None
    with contextlib.suppress(OSError):
        fcntl.ioctl(descriptor, termios.TIOCEXCL)


def _set_up(path: str, descriptor: int, setting: Setting | None) -> None:
    """Raw, eight bits, no flow control, no hang-up when it is closed (that would change RTS and DTR)."""
    try:
        _, _, cflag, _, ispeed, ospeed, characters = termios.tcgetattr(descriptor)
        cflag &= ~(termios.CSIZE | termios.HUPCL | termios.CRTSCTS)
        cflag |= termios.CS8 | termios.CREAD | termios.CLOCAL
        if setting is not None:
            cflag &= ~(termios.PARENB | termios.PARODD | termios.CSTOPB)
            cflag |= _PARITY[setting.parity] | (termios.CSTOPB if setting.stopbits == 2 else 0)
            ispeed = ospeed = getattr(termios, f"B{setting.baudrate}", ispeed)
        characters[termios.VMIN], characters[termios.VTIME] = 1, 0
        termios.tcsetattr(descriptor, termios.TCSANOW, [0, 0, cflag, 0, ispeed, ospeed, characters])
        if setting is not None and not hasattr(termios, f"B{setting.baudrate}"):
            _any_speed(descriptor, setting.baudrate)
    except (OSError, termios.error) as error:
        number = error.args[0] if error.args else 0
        reason = Loss.SETTING if number in (errno.EINVAL, errno.ENOTTY) else Loss.UNPLUGGED
        raise LineLost(reason, f"{path} cannot be set to {setting or 'raw mode'}") from None


def _any_speed(descriptor: int, baudrate: int) -> None:
    """A speed that has no name."""
    data = fcntl.ioctl(descriptor, _TCGETS2, bytes(_TERMIOS2.size))
    iflag, oflag, cflag, lflag, characters, _, _ = _TERMIOS2.unpack(data)
    cflag = cflag & ~_CBAUD | _BOTHER
    fcntl.ioctl(descriptor, _TCSETS2, _TERMIOS2.pack(iflag, oflag, cflag, lflag, characters, baudrate, baudrate))


def _low_latency(descriptor: int) -> None:
    """Bytes are handed on at once rather than after 16 ms (FTDI). Not every driver has it; one can do without."""
    with contextlib.suppress(OSError):
        data = bytearray(_SERIAL_STRUCT)
        fcntl.ioctl(descriptor, termios.TIOCGSERIAL, data)
        (flags,) = _FLAGS.unpack_from(data, _FLAGS_AT)
        _FLAGS.pack_into(data, _FLAGS_AT, flags | _ASYNC_LOW_LATENCY)
        fcntl.ioctl(descriptor, termios.TIOCSSERIAL, data)


def _counters(descriptor: int) -> dict[str, int]:
    try:
        counts = _ICOUNT.unpack(fcntl.ioctl(descriptor, _TIOCGICOUNT, bytes(_ICOUNT.size)))
    except (OSError, ValueError):
        return {}
    return {name: counts[place] for name, place in _COUNTED.items()}
