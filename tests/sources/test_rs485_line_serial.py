"""Serial devices, as pseudo-terminals: what is heard, and what is said when it cannot be."""

import asyncio
import contextlib
import errno
import fcntl
import os
import subprocess
import sys
import termios
import tty

import pytest

from pvsmqtt.sources.rs485 import serial_line
from pvsmqtt.sources.rs485.line import LineLost, Setting, open_line, parse
from pvsmqtt.sources.rs485.serial_line import SerialLine, holders

EVER = 20.0


class Adapter:
    """The other end of a pseudo-terminal; a link with a lasting name points to it, as udev makes them."""

    def __init__(self, link):
        self.link = link
        self.url = parse(f"serial://{link}")
        self.plug()

    def plug(self):
        self.master, slave = os.openpty()
        tty.setraw(slave)
        self.link.unlink(missing_ok=True)
        self.link.symlink_to(os.ttyname(slave))
        os.close(slave)

    def unplug(self):
        if self.master is not None:
            os.close(self.master)
            self.master = None


@pytest.fixture
def adapter(tmp_path):
    one = Adapter(tmp_path / "usb-adapter")
    yield one
    one.unplug()


@pytest.fixture
async def line(adapter):
    line = await open_line(adapter.url, Setting(19200))
    yield line
    await line.close()


def attributes(path):
    descriptor = os.open(path, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        return termios.tcgetattr(descriptor)
    finally:
        os.close(descriptor)


async def all_of(line, count):
    data = b""
    async with asyncio.timeout(EVER):
        while len(data) < count:
            data += await line.read(EVER)
    return data


async def test_every_byte_is_heard_as_it_was_sent(adapter, line):
    sent = bytes(range(256)) * 4
    os.write(adapter.master, sent)
    assert await all_of(line, len(sent)) == sent


async def test_nothing_comes_while_nothing_is_sent(line):
    assert await line.read(0.01) == b""
    assert line.errors() == {}  # a pseudo-terminal counts none
    assert line.note() == ""


async def test_what_comes_while_it_waits_is_heard(adapter, line):
    reading = asyncio.ensure_future(line.read(EVER))
    await asyncio.sleep(0)
    os.write(adapter.master, b"\xdc\x03")
    assert await reading == b"\xdc\x03"


async def test_a_reader_that_gives_up_loses_nothing(adapter, line):
    heard = b""
    for _ in range(3):
        reading = asyncio.ensure_future(line.read(EVER))
        await asyncio.sleep(0)
        os.write(adapter.master, b"x")
        reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            heard += await reading
    assert heard + await all_of(line, 3 - len(heard)) == b"xxx"


@pytest.mark.parametrize("baudrate", [9600, 115200, 250000, 7777])
async def test_speed_and_raw_mode_are_set(adapter, baudrate):
    line = await open_line(adapter.url, Setting(baudrate, stopbits=2))
    iflag, oflag, cflag, lflag, speed, _, characters = attributes(adapter.link)
    assert (iflag, oflag & termios.OPOST, lflag) == (0, 0, 0)
    assert cflag & termios.CSTOPB
    assert cflag & termios.CSIZE == termios.CS8
    assert not cflag & (termios.HUPCL | termios.CRTSCTS)
    assert characters[termios.VMIN] in (1, b"\x01")
    named = getattr(termios, f"B{baudrate}", None)
    assert speed == named if named else speed not in (termios.B9600, termios.B115200, termios.B38400)
    await line.close()


async def test_a_speed_of_nobody_is_left_alone(adapter):
    before = attributes(adapter.link)[4]
    line = await open_line(adapter.url)
    assert attributes(adapter.link)[4] == before
    await line.close()


async def test_unplugged_while_it_waits_and_plugged_in_again(adapter, line):
    os.write(adapter.master, b"before")
    assert await all_of(line, 6) == b"before"
    reading = asyncio.ensure_future(line.read(EVER))
    await asyncio.sleep(0)
    adapter.unplug()
    with pytest.raises(LineLost) as lost:
        await reading
    assert lost.value.reason == "unplugged"
    assert "check the plug" in str(lost.value)
    await line.close()
    with pytest.raises(LineLost) as lost:
        await open_line(adapter.url, Setting(19200))
    assert lost.value.reason == "missing"

    adapter.plug()
    again = await open_line(adapter.url, Setting(19200))
    os.write(adapter.master, b"after")
    assert await all_of(again, 5) == b"after"
    await again.close()


async def test_closed_twice_and_read_after(line):
    await line.close()
    await line.close()
    with pytest.raises(LineLost):
        await line.read(0.01)
    assert line.errors() == {}


async def test_one_program_at_a_time(adapter, line):
    with pytest.raises(LineLost) as lost:
        await open_line(adapter.url, Setting(9600))
    assert lost.value.reason == "busy"
    assert "in use by" in str(lost.value)
    await line.close()
    await (await open_line(adapter.url, Setting(9600))).close()


async def test_whoever_has_it_is_named(adapter):
    program = (
        "import fcntl,os,sys; f=os.open(sys.argv[1],os.O_RDWR); fcntl.flock(f,2); print('has it',flush=True); input()"
    )
    other = subprocess.Popen(  # noqa: ASYNC220
        [sys.executable, "-c", program, str(adapter.link)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert other.stdout.readline() == b"has it\n"
        with pytest.raises(LineLost) as lost:
            await open_line(adapter.url, Setting(9600))
        assert lost.value.reason == "busy"
        assert f"(process {other.pid})" in str(lost.value)
        assert str(other.pid) in holders(str(adapter.link))
    finally:
        other.communicate(b"\n")
    await (await open_line(adapter.url, Setting(9600))).close()


async def test_a_device_that_is_not_there_names_those_that_are(tmp_path, monkeypatch):
    (tmp_path / "by-id").mkdir()
    (tmp_path / "by-id" / "usb-FTDI-if00").touch()
    monkeypatch.setattr(serial_line, "BY_ID", tmp_path / "by-id")
    with pytest.raises(LineLost) as lost:
        await open_line(parse(f"serial://{tmp_path}/ttyUSB7"), Setting(9600))
    assert lost.value.reason == "missing"
    assert "usb-FTDI-if00" in str(lost.value)
    monkeypatch.setattr(serial_line, "BY_ID", tmp_path / "none")
    with pytest.raises(LineLost, match="no serial adapter is plugged in"):
        await open_line(parse(f"serial://{tmp_path}/ttyUSB7"), Setting(9600))


@pytest.mark.parametrize(
    ("number", "reason", "says"),
    [
        (errno.EACCES, "denied", "dialout"),
        (errno.EPERM, "denied", "DeviceAllow"),
        (errno.EBUSY, "busy", "another program"),
        (errno.EIO, "missing", "not plugged in"),
        (errno.EMFILE, "failed", "too many"),
    ],
)
async def test_what_the_system_says_is_explained(adapter, monkeypatch, number, reason, says):
    def refuse(*_args, **_keywords):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(serial_line.os, "open", refuse)
    with pytest.raises(LineLost) as lost:
        SerialLine.open(adapter.url, Setting(9600))
    monkeypatch.undo()
    assert lost.value.reason == reason
    assert says in str(lost.value)


async def test_what_is_no_serial_device(tmp_path):
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path, "/dev/null"):
        with pytest.raises(LineLost) as lost:
            await open_line(parse(f"serial://{path}"), Setting(9600))
        assert lost.value.reason == "not_serial"


async def test_a_speed_that_the_driver_refuses(adapter, monkeypatch):
    def refuse(*_):
        raise termios.error(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(serial_line.termios, "tcsetattr", refuse)
    with pytest.raises(LineLost) as lost:
        await open_line(adapter.url, Setting(9600))
    assert lost.value.reason == "setting"
    assert "9600 8N1" in str(lost.value)


async def test_errors_are_those_since_it_was_opened(adapter, monkeypatch):
    counted = {"framing": 7, "parity": 1}
    monkeypatch.setattr(serial_line, "_counters", lambda _: dict(counted))
    line = await open_line(adapter.url, Setting(9600))
    assert line.errors() == {"framing": 0, "parity": 0}
    counted["framing"] = 12
    assert line.errors() == {"framing": 5, "parity": 0}
    await line.close()


async def test_counters_and_low_latency_are_asked_of_the_driver(adapter, monkeypatch):
    """As a driver answers that has both."""
    real, flags = fcntl.ioctl, []

    def driver(descriptor, request, argument=0, *rest):
        if request == 0x545D:
            return serial_line._ICOUNT.pack(*range(20))
        if request == termios.TIOCGSERIAL:
            serial_line._FLAGS.pack_into(argument, 16, 0x40)
            return 0
        if request == termios.TIOCSSERIAL:
            flags.append(serial_line._FLAGS.unpack_from(argument, 16)[0])
            return 0
        return real(descriptor, request, argument, *rest)

    monkeypatch.setattr(serial_line.fcntl, "ioctl", driver)
    line = await open_line(adapter.url, Setting(9600))
    assert flags == [0x2040]
    assert line.errors() == {"framing": 0, "overrun": 0, "parity": 0, "break": 0, "buffer_overrun": 0}
    assert serial_line._counters(0) == {"framing": 6, "overrun": 7, "parity": 8, "break": 9, "buffer_overrun": 10}
    await line.close()
