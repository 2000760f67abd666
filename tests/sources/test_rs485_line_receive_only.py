"""Nothing is ever written to a line: what the code could do, and what it does."""

import ast
import fcntl
import os
import socket
import termios
import tty
from pathlib import Path

import pytest

import pvsmqtt
from pvsmqtt.sources.rs485.line import LineLost, Setting, open_line, parse

ROOT = Path(pvsmqtt.__file__).parent
LINES = sorted((ROOT / "sources" / "rs485").rglob("*.py"))
PURE = sorted((ROOT / "modbus").rglob("*.py"))
FILES = sorted((ROOT / "capture").rglob("*.py"))

SENDS = {
    "send", "sendall", "sendto", "sendmsg", "sendfile", "send_bytes", "sock_sendall", "sock_sendto", "sock_sendfile",
    "drain", "write_eof", "writelines", "pwrite", "writev", "pwritev", "send_break", "sendBreak", "tcsendbreak",
    "tcdrain", "set_output_flow_control", "setRTS", "setDTR", "write_bytes", "write_text", "splice",
    "copy_file_range", "copyfileobj", "subprocess", "ctypes", "system", "popen", "posix_spawn",
}  # fmt: skip
MODEM = {"rts", "dtr", "break_condition", "TIOCMSET", "TIOCMBIS", "TIOCMBIC", "TIOCSBRK", "TIOCSTI", "TCSBRK"}
OPENS = {
    "O_RDWR", "O_WRONLY", "create_subprocess_exec", "create_subprocess_shell",
    "open_connection", "create_connection", "create_datagram_endpoint", "start_server",
    "create_server", "StreamWriter", "connect_write_pipe", "fdopen", "makefile", "serial_for_url",
}  # fmt: skip
WRITING = {mode + more for mode in ("w", "a", "x", "r+") for more in ("", "b", "t", "+", "b+", "+b")} | {"rb+"}
NETWORK = {"socket", "serial", "ssl", "asyncio", "fcntl", "termios", "pty", "tty"}


def names(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.alias):
            yield from node.name.split(".")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value  # getattr(port, "write")


def imported(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]


def parsed(path):
    return ast.parse(path.read_text())


def opened_otherwise(tree):
    """Calls that open something, and not for reading: `os.open` without O_RDONLY, `open` and others with a mode."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        values = [*node.args, *(keyword.value for keyword in node.keywords)]
        if called == "os.open":
            if "O_RDONLY" not in ast.unparse(node):
                yield ast.unparse(node)
        elif called.rpartition(".")[2] in ("open", "FileIO"):
            modes = {value.value for value in values if isinstance(value, ast.Constant)} & WRITING
            if modes:
                yield ast.unparse(node)


def writes(tree):
    """What is there that could write to a line."""
    return [*(set(names(tree)) & (SENDS | MODEM | OPENS | {"write"})), *opened_otherwise(tree)]


@pytest.mark.parametrize("path", LINES, ids=lambda path: path.name)
def test_no_line_has_a_way_to_write(path):
    assert not writes(parsed(path))


@pytest.mark.parametrize(
    "line",
    [
        "os.write(self._descriptor, data)",
        "self._first.send(data)",
        "socket.socket.sendall(self._gateway, data)",
        "getattr(self._port, 'write')(data)",
        "from os import write as put",
        "Path(self.name).write_bytes(data)",
        "Path(self.name).write_text('x')",
        "with open(path, 'wb') as file: print('x', file=file)",
        "with Path(path).open(mode='r+b') as file: file.truncate()",
        "io.FileIO(path, 'w')",
        "os.open(path, os.O_RDWR | os.O_NOCTTY)",
        "os.open(path, 2)",
        "os.sendfile(self._descriptor, other, 0, 1)",
        "fcntl.ioctl(self._descriptor, termios.TIOCSTI, b'x')",
        "subprocess.run(['stty', '-F', path])",
        "await asyncio.open_connection(host, port)",
        "loop.sock_sendall(self._first, data)",
    ],
)
def test_the_test_would_find_it(line):
    """This is no proof that nothing else could write, but what anybody would write by mistake is found."""
    body = f"async def sneak(self, path, data):\n    {line}\n"
    assert writes(ast.parse(body))


@pytest.mark.parametrize("path", PURE + FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_works_on_bytes_knows_no_line(path):
    tree = parsed(path)
    assert not set(imported(tree)) & NETWORK
    assert not set(names(tree)) & (SENDS | MODEM | {"O_RDWR"})


@pytest.mark.parametrize("path", PURE, ids=lambda path: path.name)
def test_the_core_writes_nothing(path):
    assert "write" not in set(names(parsed(path)))


def test_pyserial_is_used_where_it_negotiates_and_nowhere_else():
    users = {path.name for path in LINES if "serial" in set(imported(parsed(path)))}
    assert users <= {"rfc2217_line.py"}


@pytest.fixture
def terminal(tmp_path):
    master, slave = os.openpty()
    tty.setraw(slave)
    path = os.ttyname(slave)
    os.close(slave)
    os.set_blocking(master, False)
    yield master, path
    os.close(master)


def nothing_came_out(master):
    try:
        return os.read(master, 100) == b""
    except BlockingIOError:
        return True
    except OSError:  # the other end is closed
        return True


READ_ONLY_REQUESTS = {termios.TIOCEXCL, termios.TIOCGSERIAL, termios.TIOCSSERIAL, 0x545D, 0x802C542A, 0x402C542B}


async def test_a_serial_device_gets_no_byte_and_no_change_of_its_lines(terminal, monkeypatch):
    master, path = terminal
    asked, real = set(), fcntl.ioctl

    def ioctl(descriptor, request, *rest):
        asked.add(request)
        return real(descriptor, request, *rest)

    monkeypatch.setattr(fcntl, "ioctl", ioctl)
    for setting in (Setting(9600), Setting(7777, "E", 2)):
        line = await open_line(parse(path), setting)
        os.write(master, b"\xdc\x03\x11\x13\x04\x1a\r\n\x00\xff")  # nothing is echoed or answered, XOFF neither
        heard = b""
        while len(heard) < 10:
            heard += await line.read(20.0)
        line.errors()
        assert await line.read(0.01) == b""
        assert nothing_came_out(master)
        await line.close()
    assert asked <= READ_ONLY_REQUESTS
    assert nothing_came_out(master)


async def test_the_kernel_refuses_to_write_to_a_serial_device(terminal):
    path = terminal[1]
    line = await open_line(parse(path), Setting(9600))
    links = Path("/proc/self/fd").iterdir()
    descriptors = [int(link.name) for link in links if link.is_symlink() and str(link.readlink()) == path]
    assert descriptors
    for descriptor in descriptors:
        assert fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.write(descriptor, b"x")
    await line.close()


async def test_a_serial_server_gets_no_byte():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        line = await open_line(parse(f"tcp://127.0.0.1:{listener.getsockname()[1]}"))
        server, _ = listener.accept()
        with server:
            server.settimeout(20)
            server.sendall(b"\xdc\x03")
            assert await line.read(20.0) == b"\xdc\x03"
            assert await line.read(0.01) == b""
            await line.close()
            assert server.recv(100) == b""


async def test_a_serial_server_that_connects_gets_no_byte():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    line = await open_line(parse(f"tcp-listen://127.0.0.1:{port}"))
    with socket.create_connection(("127.0.0.1", port), 20) as server:
        server.sendall(b"\xdc\x03")
        heard = b""
        while not heard:
            heard = await line.read(20.0)
        assert await line.read(0.01) == b""
        await line.close()
        assert server.recv(100) == b""


async def test_a_sender_of_datagrams_gets_none():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.setblocking(False)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        line = await open_line(parse(f"udp-listen://127.0.0.1:{port}"))
        server.sendto(b"\xdc\x03", ("127.0.0.1", port))
        assert await line.read(20.0) == b"\xdc\x03"
        await line.close()
        with pytest.raises(BlockingIOError):
            server.recv(100)


async def test_a_recording_stays_as_it_is(tmp_path):
    file = tmp_path / "bytes.bin"
    file.write_bytes(b"\xdc\x03")
    file.chmod(0o400)
    line = await open_line(parse(f"file://{file}?speed=0"))
    assert await line.read(1.0) == b"\xdc\x03"
    with pytest.raises(LineLost):
        await line.read(1.0)
    await line.close()
    assert file.read_bytes() == b"\xdc\x03"


async def test_open_lines_have_nothing_to_write_with(terminal):
    _, path = terminal
    line = await open_line(parse(path), Setting(9600))
    assert not {name for name in dir(line) if "write" in name or "send" in name}
    await line.close()
