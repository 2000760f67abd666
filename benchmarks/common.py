"""What the benchmarks share: a broker, a PVS whose last byte is timed, processes to measure, a subscriber.

Everything runs on 127.0.0.1 with free ports and ends with its context manager.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path

import paho.mqtt.client as mqtt

from pvsmqtt.simulator.pvs.house.house import House
from pvsmqtt.simulator.pvs.older import dl_cgi

HOST = "127.0.0.1"
PATIENCE = 60.0
"""Seconds after which something that does not come is given up."""

BEGIN = datetime(2026, 6, 21, 14, tzinfo=UTC)
"""Eight in the morning at the simulated house."""

STEP = timedelta(seconds=300)
POLLS_PER_DAY = 100
"""Polls are 5 minutes apart and stay in daylight, so that every device has news in every poll."""

WARM_UP = 3
"""The first cycles announce every device; they are not counted where the daily work is measured."""

ANY_STATE = "+/+/+/state"


def payloads(panels: int, count: int) -> list[bytes]:
    """DeviceList replies of consecutive polls."""
    house = House(panels=panels)
    return [dl_cgi.device_list(house, BEGIN + poll_time(number)) for number in range(count)]


def poll_time(number: int) -> timedelta:
    """Simulated time from the first poll to another."""
    days, of_day = divmod(number, POLLS_PER_DAY)
    return timedelta(days=days) + of_day * STEP


@dataclass
class Pvs:
    """Serves replies one after the other, the last one again and again, and notes when."""

    replies: Sequence[bytes]
    on_request: Callable[[int], None] = lambda _number: None
    """Called with the number of the poll, from 0, before it is answered."""
    asked: list[float] = field(default_factory=list)
    """When each request for the device list came (monotonic clock)."""
    sent: list[float] = field(default_factory=list)
    """When the last byte of each reply was handed to the network."""
    url: str = ""

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Reply to one request."""
        if "DeviceList" not in handler.path and "devices/list" not in handler.path:
            body = dl_cgi.supervisor_info_of(self.replies[0]) if "supervisor/info" in handler.path else None
            status = "200 OK" if body else "404 Not Found"
            handler.wfile.write(f"HTTP/1.0 {status}\r\nContent-Length: {len(body or b'')}\r\n\r\n".encode())
            handler.wfile.write(body or b"")
            return
        number = len(self.asked)
        self.asked.append(time.monotonic())
        self.on_request(number)
        body = self.replies[min(number, len(self.replies) - 1)]
        head = f"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        handler.wfile.write(head.encode() + body)  # unbuffered: it returns when the kernel has the last byte
        self.sent.append(time.monotonic())

    @contextlib.contextmanager
    def serving(self) -> Iterator[Pvs]:
        """Listen on a free port."""
        answer = self.answer

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answer(self)

        server = ThreadingHTTPServer((HOST, 0), Handler)
        self.url = f"http://{HOST}:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()


def program(name: str) -> str:
    """The path of a program of the system, which is needed."""
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    return found or sys.exit(f"benchmarks need {name}: apt install {name}")


@contextlib.contextmanager
def broker() -> Iterator[int]:
    """A mosquitto with its default settings; gives its port."""
    found = program("mosquitto")
    port = free_port()
    with folder() as place:
        config = place / "mosquitto.conf"
        config.write_text(f"listener {port} {HOST}\nallow_anonymous true\n")
        with process([found, "-c", str(config)], place / "mosquitto.log"):
            wait_for(lambda: answers(port), "the broker")
            yield port


@contextlib.contextmanager
def service(
    pvs: Pvs, port: int, state_dir: Path, interval: float, python: Sequence[str] = ()
) -> Iterator[subprocess.Popen[bytes]]:
    """The service as a user starts it; ``python`` are options for the interpreter. Its log is in ``state_dir``."""
    config = state_dir / "pvsmqtt.toml"
    config.write_text(
        f'state_dir = "{state_dir}"\nlog_level = "warning"\n'
        f'[mqtt]\nhost = "{HOST}"\nport = {port}\n'
        f'[[pvs]]\nhost = "{pvs.url}"\napi = "legacy"\ninterval = {interval}\n'
    )
    command = [sys.executable, *python, "-m", "pvsmqtt", "run", "--config", str(config)]
    with process(command, state_dir / "service.log", PVSMQTT_ALLOW_FAST_POLLING="1") as running:
        yield running


@contextlib.contextmanager
def process(command: Sequence[str], log: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is ended by its id; if it ended by itself, that is an error."""
    environment = {**os.environ, **environment}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed service does not compile at every start
    with log.open("wb") as stderr:
        running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=stderr, env=environment)
    try:
        yield running
        if running.poll() is not None:
            raise RuntimeError(f"{command[0]} ended by itself with status {running.returncode}")
    except (RuntimeError, TimeoutError):
        print(log.read_text(errors="replace")[-2000:], file=sys.stderr)
        raise
    finally:
        running.terminate()
        try:
            running.wait(10)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


@dataclass
class Subscriber:
    """A plain MQTT client. It keeps what comes in: when, topic, payload, and whether it is an old retained one."""

    port: int
    topic: str = ANY_STATE
    messages: list[tuple[float, str, bytes, bool]] = field(default_factory=list)

    @contextlib.contextmanager
    def listening(self) -> Iterator[Subscriber]:
        """Connect and subscribe; messages come in by a thread of their own."""
        subscribed = threading.Event()
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        client.on_connect = lambda *_: client.subscribe(self.topic)
        client.on_subscribe = lambda *_: subscribed.set()
        client.on_message = self._take
        client.connect(HOST, self.port)
        client.loop_start()
        try:
            if not subscribed.wait(PATIENCE):
                raise TimeoutError("the broker does not confirm the subscription")
            yield self
        finally:
            client.disconnect()
            client.loop_stop()

    def _take(self, _client: object, _userdata: object, message: mqtt.MQTTMessage) -> None:
        self.messages.append((time.monotonic(), message.topic, message.payload, message.retain))


@dataclass(frozen=True)
class Cycles:
    """What was measured over some polls."""

    milliseconds: list[float]
    """From the last byte of each reply to the last state of its cycle."""
    first: list[float]
    """The same to the first state."""
    states: Counter[int]
    """How many states a cycle had -> how many cycles."""
    cpu: float
    """CPU milliseconds of the process per poll."""


def run_cycles(pvs: Pvs, seen: Subscriber, running: subprocess.Popen[bytes], polls: int) -> Cycles:
    """Let a publisher poll, and time every cycle after those of the warm-up."""

    def wait(count: int) -> None:
        wait_for(lambda: len(pvs.sent) >= count or running.poll() is not None, "the polls", PATIENCE + 2 * polls)

    wait(WARM_UP)
    cpu = cpu_seconds(running.pid)
    wait(WARM_UP + polls)
    cpu = cpu_seconds(running.pid) - cpu
    wait(WARM_UP + polls + 1)  # the next reply ends the last cycle
    starts = pvs.sent[WARM_UP : WARM_UP + polls + 1]
    arrivals = [when for when, _, _, retained in list(seen.messages) if not retained]
    cycles = [[when - begin for when in arrivals if begin <= when < end] for begin, end in pairwise(starts)]
    return Cycles(
        [1000 * max(cycle) for cycle in cycles if cycle],
        [1000 * min(cycle) for cycle in cycles if cycle],
        Counter(len(cycle) for cycle in cycles),
        1000 * cpu / polls,
    )


def cpu_seconds(pid: int) -> float:
    """User and system time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(pid: int | str) -> float:
    """Resident memory in MB (10^6 bytes)."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) * 1024 / 1e6


def is_live_device(topic: str, payload: bytes) -> bool:
    """Whether a state is of a device (not the bridge or the site) and holds a measurement."""
    device = topic.split("/")[-2]
    return device not in ("bridge", "site") and json.loads(payload).get("measured_at") is not None


def wait_for(met: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    """Look every few milliseconds until something is true."""
    end = time.monotonic() + seconds
    while not met():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {seconds:.0f} s for {what}")
        time.sleep(0.005)


def answers(port: int) -> bool:
    """Whether something accepts connections on a port."""
    try:
        socket.create_connection((HOST, port), 0.2).close()
    except OSError:
        return False
    return True


def free_port() -> int:
    """A port that nobody listens on."""
    with contextlib.closing(socket.socket()) as sock:
        sock.bind((HOST, 0))
        return int(sock.getsockname()[1])


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A folder that goes away."""
    with tempfile.TemporaryDirectory(prefix="pvsmqtt-benchmark-") as name:
        yield Path(name)


def summary(values: Sequence[float], unit: str = "ms", digits: int = 1) -> str:
    """``median 12.3 ms, p95 15.0 ms, max 20.1 ms``."""
    p95 = sorted(values)[max(0, -(-len(values) * 95 // 100) - 1)]
    figures = {"median": statistics.median(values), "p95": p95, "max": max(values)}
    return ", ".join(f"{name} {value:.{digits}f} {unit}" for name, value in figures.items())


def goal(met: bool, text: str) -> str:
    """``goal: under 60 MB (met)``."""
    return f"goal: {text} ({'met' if met else 'MISSED'})"
