"""A PVS of a few lines on the loopback, told what to answer, for the tests of what asks it."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pvsmqtt.options import ALLOW_FAST_POLLING
from pvsmqtt.sources.pvs.access.address import Address
from pvsmqtt.sources.pvs.access.certificate import Certificate
from pvsmqtt.sources.pvs.access.client import PvsClient
from pvsmqtt.sources.pvs.access.login import Login
from pvsmqtt.sources.pvs.memory import Memory
from pvsmqtt.sources.pvs.options import PvsOptions
from pvsmqtt.sources.pvs.reader import Cycle, Reader

SERIAL = "ZT190585000549A6185"
PASSWORD = "A6185"
NOON = datetime(2025, 6, 21, 18, 2, 30, tzinfo=UTC)

SUPERVISOR_INFO = "/cgi-bin/dl_cgi/supervisor/info"
DEVICE_LIST = "/cgi-bin/dl_cgi?Command=DeviceList"
DEVICES = "/cgi-bin/dl_cgi/devices/list"
LOGIN, LOGOUT = "/auth?login", "/auth?logout"
OPEN_INFO = "/vars?name=/sys/info/sw_rev,/sys/info/serialnum,/sys/info/model&fmt=obj"

UNAUTHORIZED = (401, '{"status": 401, "description" : "Unauthorized", "errorcode" : "0x0012"}')
FORBIDDEN = (403, '{ "status":403, "error" : "Unauthorized", "path":"" }')
NOT_FOUND = (404, "404 - Not Found")
BAD_REQUEST = (400, '{"status":400,"description":"Bad request"}')

Answer = tuple[int, Any] | Callable[["Seen"], Any]
"""Status and body (text as it is, anything else as JSON), or what gives them; `HANG` never answers."""

HANG = (0, "")


class Clock:
    """A clock that is held: it goes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as it arrived."""

    path: str
    headers: Mapping[str, str]
    method: str
    peer: tuple[str, int]


class FakePvs:
    """Answers by ``answers``, path -> `Answer`; 404 to anything else. ``seen`` is all that was asked."""

    def __init__(self, shown: Shown | None = None) -> None:
        self.answers: dict[str, Answer] = {}
        self.seen: list[Seen] = []
        self.most_at_once = 0
        self.port = 0
        self._at_once = 0
        self._shown = shown
        self._news = asyncio.Condition()

    @property
    def base(self) -> str:
        return f"http{'s' if self._shown else ''}://127.0.0.1:{self.port}"

    @property
    def paths(self) -> list[str]:
        return [seen.path for seen in self.seen]

    def count(self, part: str) -> int:
        """Requests with this in their path."""
        return sum(part in path for path in self.paths)

    async def until(self, met: Callable[[], bool]) -> None:
        """Wait until something is true after a request."""
        async with asyncio.timeout(20), self._news:
            await self._news.wait_for(met)

    def answer(self, seen: Seen) -> tuple[int, Any]:
        found = self.answers.get(seen.path, NOT_FOUND)
        return found(seen) if callable(found) else found

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        peer = request.transport.get_extra_info("peername") if request.transport else ("", 0)
        seen = Seen(request.raw_path, dict(request.headers), request.method, peer[:2])
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            async with self._news:
                self.seen.append(seen)
                self._news.notify_all()
            status, body = self.answer(seen)[:2]
            if (status, body) == HANG:
                await asyncio.Event().wait()
            await asyncio.sleep(0)
            text = body if isinstance(body, str) else json.dumps(body)
            return web.Response(status=status, text=text, headers=self.headers(seen, status))
        finally:
            self._at_once -= 1

    def headers(self, seen: Seen, status: int) -> dict[str, str]:
        """What goes with an answer."""
        return {}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[FakePvs]:
        runner = web.ServerRunner(
            web.Server(self._serve, access_log=None), handler_cancellation=True, shutdown_timeout=0.05
        )
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self.port, ssl_context=self._shown and self._shown.context).start()
        self.port = runner.addresses[0][1]
        try:
            yield self
        finally:
            await runner.cleanup()


def info(model: str | None = "PVS6", build: int | None = 61846, version: str | None = None, **more: Any) -> Any:
    """A supervisor/info reply."""
    said = {"MODEL": model, "SERIAL": SERIAL, "SWVER": version or f"2025.10, Build {build}", "BUILD": build, **more}
    return {"result": "succeed", "supervisor": {key: value for key, value in said.items() if value is not None}}


def inverter(index: int, serial: str, energy: float = 100.5, at: datetime = NOON) -> dict[str, str]:
    return {
        f"/sys/devices/inverter/{index}/sn": serial,
        f"/sys/devices/inverter/{index}/msmtEps": at.isoformat().replace("+00:00", "Z"),
        f"/sys/devices/inverter/{index}/p3phsumKw": "0.25",
        f"/sys/devices/inverter/{index}/ltea3phsumKwh": str(energy),
    }


OPEN = ("/sys/info/sw_rev", "/sys/info/serialnum", "/sys/info/model")


def all_of_it() -> dict[str, str]:
    """The variables of a PVS6 with two panels."""
    return {
        "/sys/info/sw_rev": "2025.10.20.61846",
        "/sys/info/serialnum": SERIAL,
        "/sys/info/model": "PVS6 ",
        "/sys/info/hwrev": "6.02",
        "/sys/info/sys_type": "PV",
        "/sys/info/finance_type": "own",
        "/sys/info/active_interface": "sta0",
        "/sys/info/uptime": "4000.5",
        "/sys/info/cpu_usage": "0.5",
        "/sys/info/ram_usage": "40",
        "/sys/info/flash_usage": "50",
        "/sys/info/ssid": "secret-network",
        "/sys/info/wpa_key": "secret-key",
        "/sys/toggle_cell/broadband_connected": "0",
        "/sys/toggle_cell/cell_connected": "0",
        "/sys/toggle_cell/low_data_mode": "0",
        "/sys/telemetryws/enable": "0",
        "/net/sta0/state": "up",
        "/net/wan0/state": "down",
        "/net/wan1/state": "down",
        "/net/wwan0/state": "down",
        "/ess/config/dcm/mode_param/control_mode": "SELF_CONSUMPTION",
        "/ess/config/dcm/control_param/min_customer_soc": "0.2",
        "/sys/pvs/flashwear_type_b": "0x03",
        "/sys/pvs/usb_erase_count": "10",
        "/sys/livedata/time": "1750528950",
        "/sys/livedata/pv_p": "1.5",
        "/sys/livedata/pv_en": "1000.25",
        **inverter(0, "E001"),
        **inverter(1, "E002"),
    }


@dataclass
class Sessions:
    """Who is let in."""

    password: str = PASSWORD
    made: int = 0
    valid: set[str] = field(default_factory=set)
    silently: bool = False
    """Whether somebody without a session is shown less, in place of 401."""


class NewPvs(FakePvs):
    """One with newer firmware: login and variables. ``answers`` go first."""

    def __init__(self, shown: Shown | None = None) -> None:
        super().__init__(shown)
        self.sessions = Sessions()
        self.variables = all_of_it()
        self.hanging: set[str] = set()
        self.sets: dict[str, list[str]] = {}
        self.wall: Callable[[], datetime] = lambda: NOON
        self.answers[SUPERVISOR_INFO] = (200, info())
        self.answers["/cgi-bin/dl_cgi/communication/interfaces"] = (
            200,
            {"result": "succeed", "interfaces": [{"interface": "sta0", "internet": "up", "state": "up"}]},
        )

    @property
    def logins(self) -> int:
        return self.count(LOGIN)

    def headers(self, seen: Seen, status: int) -> dict[str, str]:
        told = {"Date": self.wall().strftime("%a, %d %b %Y %H:%M:%S GMT")}
        if seen.path == LOGIN and status == 200 and LOGIN not in self.answers:
            told["Set-Cookie"] = f"session=cookie-{self.sessions.made}; HttpOnly; Secure; path=/"
        return told

    def answer(self, seen: Seen) -> tuple[int, Any]:
        if seen.path in self.answers:
            return super().answer(seen)
        if seen.path == LOGIN:
            return self._login(seen)
        if seen.path == LOGOUT:
            self.sessions.valid.discard(self._cookie(seen))
            return 200, {}
        if seen.path.startswith("/vars?"):
            return self._vars(seen)
        return FORBIDDEN

    @staticmethod
    def _cookie(seen: Seen) -> str:
        return seen.headers.get("Cookie", "").removeprefix("session=")

    def _login(self, seen: Seen) -> tuple[int, Any]:
        scheme, _, token = seen.headers.get("Authorization", "").partition(" ")
        if scheme != "basic" or base64.b64decode(token).decode() != f"ssm_owner:{self.sessions.password}":
            return UNAUTHORIZED
        self.sessions.made += 1
        self.sessions.valid.add(f"cookie-{self.sessions.made}")
        return 200, {"session": f"body-{self.sessions.made}"}

    def _vars(self, seen: Seen) -> tuple[int, Any]:
        parts = dict(part.split("=", 1) for part in seen.path.removeprefix("/vars?").split("&"))
        within = self._cookie(seen) in self.sessions.valid
        names = parts.get("name", "").split(",") if "name" in parts else []
        if not within and not (names and set(names) <= set(OPEN)) and not self.sessions.silently:
            return UNAUTHORIZED
        shown = self.variables if within else {name: self.variables[name] for name in OPEN if name in self.variables}
        if "set" in parts:
            name, _, value = parts["set"].partition("=")
            self.variables[name] = value
            return 200, {name: value}
        if self.hanging & set(names):
            return HANG
        if "match" in parts:
            names = [name for name in shown if parts["match"] in name]
        elif "name" not in parts:
            names = [name for name in self.sets.get(parts["cache"], []) if name in shown]
        if not names or not set(names) <= set(shown):
            return BAD_REQUEST
        if "cache" in parts:
            known = self.sets.setdefault(parts["cache"], [])
            known += [name for name in names if name not in known]
            names = [name for name in known if name in shown]
        return 200, {name: shown[name] for name in names}


@dataclass(frozen=True)
class Shown:
    """A self-signed certificate, as a server shows it."""

    context: ssl.SSLContext
    fingerprint: str


def make_certificate(folder: Path, name: str = "pvs.local") -> Shown:
    """A certificate that nobody trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    begin = datetime.now(UTC) - timedelta(days=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=30))
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{made.serial_number}.pem"
    file.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return Shown(context, hashlib.sha256(made.public_bytes(serialization.Encoding.DER)).hexdigest())


def any_certificate() -> Certificate:
    return Certificate("any", Memory(None, "test"))


def place(plain: str, secure: str | None = None) -> Address:
    return Address(plain, secure or plain, "ws://127.0.0.1:1/")


def client_of(pvs: FakePvs, secure: FakePvs | None = None, longest: float = 20.0) -> PvsClient:
    """A client of a PVS; with ``secure`` its https is another server."""
    return PvsClient(place(pvs.base, secure and secure.base), any_certificate(), longest)


@asynccontextmanager
async def logging_in(
    pvs: NewPvs, clock: Clock | None = None, password: str | None = None, serial: str | None = SERIAL
) -> AsyncIterator[Login]:
    async with client_of(pvs) as client:
        login = Login(client, password, clock or Clock())
        login.serial = serial
        yield login


def options_of(host: str, **more: Any) -> PvsOptions:
    """Options that poll fast and leave live data alone, unless told otherwise."""
    token = ALLOW_FAST_POLLING.set(True)
    try:
        return PvsOptions(host=host, **{"interval": 0.01, "live": "off", **more})
    finally:
        ALLOW_FAST_POLLING.reset(token)


async def poll(reader: Reader, now: float) -> Cycle:
    """A poll of a reader with its errands, as the source makes it."""
    cycle = await reader.cycle(now)
    return replace(cycle, readings=[*cycle.readings, *await reader.errands(now)])
