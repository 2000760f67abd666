"""Which https certificate counts: the login never goes to anybody else."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from helpers_pvs import PASSWORD, FakePvs, NewPvs, Shown, make_certificate, place

from pvsmqtt.sources.pvs.access import certificate as certificate_module
from pvsmqtt.sources.pvs.access.certificate import Certificate, fingerprint
from pvsmqtt.sources.pvs.access.client import PvsClient
from pvsmqtt.sources.pvs.access.login import Login
from pvsmqtt.sources.pvs.access.requests import SUPERVISOR_INFO, search
from pvsmqtt.sources.pvs.memory import Memory
from pvsmqtt.sources.pvs.refusal import Refusal, Refused

DEVICES = search("/sys/devices/")


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@asynccontextmanager
async def entering(
    pvs: FakePvs, wanted: str, memory: Memory | None = None, said: list[str] | None = None
) -> AsyncIterator[Login]:
    trusted = Certificate(wanted, memory or Memory(None, "pvs"))
    async with PvsClient(place(pvs.base), trusted) as client:
        yield Login(client, PASSWORD)


async def refusal(login: Login) -> Refused:
    with pytest.raises(Refused) as refused:
        await login.get(DEVICES)
    return refused.value


async def test_the_first_one_is_pinned_and_remembered(shown: Shown, tmp_path: Path) -> None:
    async with NewPvs(shown).running() as pvs, entering(pvs, "pin", Memory(tmp_path, "pvs")) as login:
        for _ in range(3):
            assert await login.get(DEVICES)
    assert Memory(tmp_path, "pvs").get("certificate") == shown.fingerprint


async def test_another_one_is_refused_before_anything_is_sent(shown: Shown, other: Shown, tmp_path: Path) -> None:
    memory = Memory(tmp_path, "pvs")
    memory.set("certificate", shown.fingerprint)
    async with NewPvs(other).running() as pvs, entering(pvs, "pin", Memory(tmp_path, "pvs")) as login:
        for _ in range(2):
            refused = await refusal(login)
            assert refused.reason is Refusal.CERTIFICATE
            assert other.fingerprint in refused.detail
        assert pvs.seen == []
    assert Memory(tmp_path, "pvs").get("certificate") == shown.fingerprint


async def test_one_that_changes_between_two_requests_is_refused(shown: Shown, other: Shown) -> None:
    memory = Memory(None, "pvs")
    async with NewPvs(shown).running() as pvs, entering(pvs, "pin", memory) as login:
        assert await login.get(DEVICES)
        port = pvs.port
    imposter = NewPvs(other)
    imposter.port = port
    async with imposter.running(), entering(imposter, "pin", memory) as login:
        assert (await refusal(login)).reason is Refusal.CERTIFICATE
        assert imposter.seen == []


async def test_a_given_fingerprint_must_be_the_one(shown: Shown, other: Shown) -> None:
    async with NewPvs(shown).running() as pvs:
        async with entering(pvs, shown.fingerprint) as login:
            assert await login.get(DEVICES)
        asked = len(pvs.seen)
        async with entering(pvs, other.fingerprint) as login:
            refused = await refusal(login)
            assert refused.reason is Refusal.CERTIFICATE
            assert shown.fingerprint in refused.detail
        assert len(pvs.seen) == asked


async def test_a_given_fingerprint_counts_whatever_was_pinned(shown: Shown, other: Shown) -> None:
    memory = Memory(None, "pvs")
    memory.set("certificate", other.fingerprint)
    async with NewPvs(shown).running() as pvs, entering(pvs, shown.fingerprint, memory) as login:
        assert await login.get(DEVICES)
    assert memory.get("certificate") == other.fingerprint


async def test_any_checks_nothing_and_pins_nothing(shown: Shown, other: Shown) -> None:
    memory = Memory(None, "pvs")
    for certificate in (shown, other):
        async with NewPvs(certificate).running() as pvs, entering(pvs, "any", memory) as login:
            assert await login.get(DEVICES)
    assert memory.get("certificate") is None


async def test_verify_refuses_one_that_nobody_has_signed(shown: Shown) -> None:
    async with NewPvs(shown).running() as pvs, entering(pvs, "verify") as login:
        refused = await refusal(login)
        assert refused.reason is Refusal.CERTIFICATE
        assert "self-signed" in refused.detail or "self signed" in refused.detail
        assert pvs.seen == []


async def test_plain_http_needs_none() -> None:
    memory = Memory(None, "pvs")
    async with NewPvs().running() as pvs, entering(pvs, "pin", memory) as login:
        assert await login.get(DEVICES)
    assert memory.get("certificate") is None


@pytest.mark.parametrize("damage", ["", "abc", "00", "zz" * 32, "00" * 16, 7, ["00" * 32]], ids=repr)
async def test_a_damaged_memory_of_it_stops_nothing_for_long(shown: Shown, damage: object) -> None:
    memory = Memory(None, "pvs")
    memory.set("certificate", damage)
    async with NewPvs(shown).running() as pvs, entering(pvs, "pin", memory) as login:
        with contextlib.suppress(Refused):
            await login.get(DEVICES)
        await login.get(DEVICES)
    assert memory.get("certificate") == shown.fingerprint


async def test_several_requests_share_a_connection(shown: Shown) -> None:
    for wanted in ("pin", "any", shown.fingerprint):
        async with NewPvs(shown).running() as pvs, entering(pvs, wanted) as login:
            for _ in range(4):
                await login.get(DEVICES)
            assert len({seen.peer for seen in pvs.seen}) == 1


@pytest.mark.parametrize("wanted", ["pin", "any", "verify", "ab" * 32])
async def test_what_speaks_no_tls_is_told(wanted: str) -> None:
    async with FakePvs().running() as pvs:
        base = pvs.base.replace("http:", "https:")
        async with PvsClient(place(base), Certificate(wanted, Memory(None, "pvs"))) as client:
            with pytest.raises(Refused) as refused:
                await Login(client, PASSWORD).get(DEVICES)
        assert refused.value.reason is Refusal.NO_TLS
        assert f"no TLS with {base} (" in refused.value.detail


async def test_where_nobody_is_there_is_nothing_to_pin() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        memory = Memory(None, "pvs")
        base = f"https://127.0.0.1:{nobody.getsockname()[1]}"
        async with PvsClient(place(base), Certificate("pin", memory)) as client:
            with pytest.raises(Refused) as refused:
                await client.get(SUPERVISOR_INFO)
    assert refused.value.reason is Refusal.UNREACHABLE
    assert memory.get("certificate") is None


async def test_a_handshake_that_hangs_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificate_module, "HANDSHAKE", 0.05)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(Refused) as refused:
            await fingerprint(f"https://127.0.0.1:{silent.getsockname()[1]}")
    assert refused.value.reason is Refusal.TIMEOUT
