"""Finding a PVS by what it announces, and by asking. Everything stays on the loopback network."""

import asyncio
import socket
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack

import pytest
from zeroconf import IPVersion
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

from pvsmqtt.sources.pvs.finding import find
from pvsmqtt.sources.pvs.finding.find import Found, How
from pvsmqtt.sources.pvs.generation import Identity
from pvsmqtt.sources.pvs.refusal import Refusal, Refused

LOOPBACK = ("127.0.0.1",)
SERIAL, OTHER = "ZT190585000549A6185", "ZT184485000001E0042"
LONG = 20.0

Announce = Callable[..., Awaitable[None]]


@pytest.fixture(autouse=True)
def types(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Service types of this test alone: others on this machine may announce the usual ones."""
    unique = uuid.uuid4().hex[:8]
    types = {f"_pvs6-{unique}._tcp.local.": "PVS6", f"_pvs5-{unique}._tcp.local.": "PVS5"}
    monkeypatch.setattr(find, "TYPES", types)
    return types


@pytest.fixture
async def announce(types: dict[str, str]) -> AsyncIterator[Announce]:
    async with AsyncExitStack() as stack:

        async def announce(model: str, properties: dict[str, str], *addresses: str) -> None:
            service = next(key for key, value in types.items() if value == model)
            radio = AsyncZeroconf(interfaces=list(LOOPBACK), ip_version=IPVersion.V4Only)
            stack.push_async_callback(radio.async_close)
            packed = [socket.inet_pton(socket.AF_INET6 if ":" in a else socket.AF_INET, a) for a in addresses]
            name = f"pvs-{uuid.uuid4().hex[:8]}"
            info = AsyncServiceInfo(
                service, f"{name}.{service}", 80, properties=properties, server=f"{name}.local.", addresses=packed
            )
            await (await radio.async_register_service(info, cooperating_responders=True))

        yield announce


def known(answers: dict[str, Identity | Refused], asked: list[str] | None = None) -> find.Probe:
    async def probe(host: str) -> Identity:
        if asked is not None:
            asked.append(host)
        answer = answers.get(host, Refused(Refusal.UNREACHABLE, f"cannot connect to {host}"))
        if isinstance(answer, Refused):
            raise answer
        return answer

    return probe


def hears(monkeypatch: pytest.MonkeyPatch, found: Iterable[Found]) -> None:
    async def browse(*_: object) -> list[Found]:
        return list(found)

    monkeypatch.setattr(find, "browse", browse)


class TestAnnouncements:
    async def test_model_serial_and_address(self, announce: Announce) -> None:
        await announce("PVS6", {"serialnum": SERIAL}, "127.0.0.77")
        await announce("PVS5", {"serialnum": OTHER.lower()}, "127.0.0.78")
        heard: set[str] = set()

        def both(one: Found) -> bool:
            heard.add(one.host)
            return len(heard) == 2

        found = await find.browse(LONG, LOOPBACK, both)
        assert set(found) == {
            Found("127.0.0.77", SERIAL, "PVS6", How.ANNOUNCED),
            Found("127.0.0.78", OTHER, "PVS5", How.ANNOUNCED),
        }

    async def test_each_ipv4_address_and_no_ipv6(self, announce: Announce) -> None:
        await announce("PVS6", {"serialnum": SERIAL}, "::1", "127.0.0.77", "127.0.0.78")
        found = await find.browse(LONG, LOOPBACK, lambda one: one.host == "127.0.0.78")
        assert {one.host for one in found} == {"127.0.0.77", "127.0.0.78"}

    @pytest.mark.parametrize("properties", [{}, {"serialnum": ""}, {"serialnum": "\x1b[2J"}, {"serial": SERIAL}])
    async def test_without_a_serial_number(self, announce: Announce, properties: dict[str, str]) -> None:
        await announce("PVS6", properties, "127.0.0.77")
        found = await find.browse(LONG, LOOPBACK, lambda _: True)
        assert found == [Found("127.0.0.77", None, "PVS6", How.ANNOUNCED)]

    async def test_silence(self) -> None:
        assert await find.browse(0.01, LOOPBACK) == []

    async def test_no_network(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def none(*_: object, **__: object) -> None:
            raise RuntimeError("No adapters found for IP version 4")

        monkeypatch.setattr("zeroconf.asyncio.AsyncZeroconf", none)
        with pytest.raises(OSError, match="no network to listen on"):
            await find.browse(LONG, LOOPBACK)
        found = await find.find(SERIAL, places=["a"], probe=known({"a": Identity(serial=SERIAL)}))
        assert found == Found("a", SERIAL, None, How.ASKED)

    async def test_a_serial_number_is_found_as_soon_as_it_is_heard(self, announce: Announce) -> None:
        await announce("PVS6", {"serialnum": OTHER}, "127.0.0.78")
        await announce("PVS6", {"serialnum": SERIAL}, "127.0.0.77")
        found = await find.find(SERIAL.lower(), LONG, places=(), probe=known({}), interfaces=LOOPBACK)
        assert found == Found("127.0.0.77", SERIAL, "PVS6", How.ANNOUNCED)


class TestAsking:
    async def test_everybody_once_and_at_the_same_time(self) -> None:
        asked: list[str] = []
        all_are_asked = asyncio.Event()

        async def probe(host: str) -> Identity:
            asked.append(host)
            if len(asked) == 3:
                all_are_asked.set()
            await all_are_asked.wait()
            return Identity(serial=host)

        answers = await find.ask(["a", "b", "a", "c"], LONG, probe)
        assert answers == {host: Identity(serial=host) for host in "abc"}
        assert asked == ["a", "b", "c"]

    async def test_refusals_are_answers(self) -> None:
        refused = Refused(Refusal.FORBIDDEN, "no")
        answers = await find.ask(["a", "b"], LONG, known({"a": refused, "b": Identity()}))
        assert answers == {"a": refused, "b": Identity()}

    async def test_nobody_is_waited_for_without_end(self) -> None:
        async def probe(_: str) -> Identity:
            await asyncio.Event().wait()
            raise AssertionError

        answer = (await find.ask(["a"], 0.01, probe))["a"]
        assert isinstance(answer, Refused)
        assert answer.reason is Refusal.TIMEOUT


class TestFind:
    async def test_one_announcement_is_believed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: list[str] = []
        one = Found("a", SERIAL, "PVS6", How.ANNOUNCED)
        hears(monkeypatch, [one, Found("b", OTHER, "PVS6", How.ANNOUNCED)])
        assert await find.find(SERIAL, places=["c"], probe=known({}, asked)) == one
        hears(monkeypatch, [one])
        assert await find.find(None, places=["c"], probe=known({}, asked)) == one
        assert asked == []

    async def test_of_several_addresses_the_one_that_answers(self, monkeypatch: pytest.MonkeyPatch) -> None:
        hears(monkeypatch, [Found(host, SERIAL, "PVS6", How.ANNOUNCED) for host in "ab"])
        found = await find.find(SERIAL, places=["c"], probe=known({"b": Identity("PVS6", serial=SERIAL)}))
        assert found == Found("b", SERIAL, "PVS6", How.ANNOUNCED)

    async def test_announced_but_silent(self, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: list[str] = []
        hears(monkeypatch, [Found(host, SERIAL, "PVS6", How.ANNOUNCED) for host in "ab"])
        found = await find.find(SERIAL, places=["c"], probe=known({}, asked))
        assert found == Found("a", SERIAL, "PVS6", How.ANNOUNCED)
        assert asked == ["a", "b"]

    async def test_an_announcement_without_serial_number_is_asked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        hears(monkeypatch, [Found(host, None, "PVS6", How.ANNOUNCED) for host in "ab"])
        probe = known({"a": Identity(serial=OTHER), "b": Identity("PVS6", serial=SERIAL)})
        assert await find.find(SERIAL, places=(), probe=probe) == Found("b", SERIAL, "PVS6", How.ANNOUNCED)

    async def test_places_come_last_and_in_their_order(self, monkeypatch: pytest.MonkeyPatch) -> None:
        hears(monkeypatch, [Found("x", OTHER, "PVS6", How.ANNOUNCED)])
        right = Identity("PVS6", serial=SERIAL)
        probe = known({"a": Identity(serial=OTHER), "b": right, "c": right})
        assert await find.find(SERIAL, places="abc", probe=probe) == Found("b", SERIAL, "PVS6", How.ASKED)

    async def test_auto_takes_what_answers(self, monkeypatch: pytest.MonkeyPatch) -> None:
        hears(monkeypatch, [])
        found = await find.find(None, places="ab", probe=known({"b": Identity("PVS5", serial=OTHER)}))
        assert found == Found("b", OTHER, "PVS5", How.ASKED)

    async def test_no_trace(self, monkeypatch: pytest.MonkeyPatch) -> None:
        hears(monkeypatch, [])
        assert await find.find(SERIAL, places="ab", probe=known({"b": Identity(serial=OTHER)})) is None
        assert await find.find(SERIAL, places="ab", probe=known({"b": Identity("PVS6")})) is None


@pytest.mark.parametrize(("host", "serial"), [("auto", None), (SERIAL, SERIAL)])
async def test_locate(monkeypatch: pytest.MonkeyPatch, host: str, serial: str | None) -> None:
    wanted: list[str | None] = []
    there = [Found("a", SERIAL, "PVS6", How.ANNOUNCED), None]

    async def found(serial: str | None) -> Found | None:
        wanted.append(serial)
        return there.pop(0)

    monkeypatch.setattr(find, "find", found)
    assert await find.locate(host) == "a"
    with pytest.raises(Refused, match="nothing heard proves nothing") as caught:
        await find.locate(host)
    assert caught.value.reason is Refusal.UNREACHABLE
    assert wanted == [serial, serial]
