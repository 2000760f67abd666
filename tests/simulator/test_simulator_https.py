"""The certificate, what counts over https only, and a restart as seen from outside."""

import asyncio
import hashlib
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import aiohttp
import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from pvsmqtt.simulator.pvs.house.house import House
from pvsmqtt.simulator.pvs.server import PvsSimulator

NOON = datetime(2026, 6, 21, 18, tzinfo=UTC)
INFO = "/cgi-bin/dl_cgi/supervisor/info"


@pytest.fixture
async def simulator() -> AsyncIterator[PvsSimulator]:
    simulator = PvsSimulator(house=House(2), clock=lambda: NOON, firmware="61846", https_port=0, live_port=0)
    await simulator.start()
    yield simulator
    await simulator.stop()


async def shown(simulator: PvsSimulator) -> bytes:
    """The certificate that a new connection sees, DER."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    _, writer = await asyncio.open_connection(simulator.host, simulator.https_port, ssl=context)
    certificate: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    await writer.wait_closed()
    return certificate


async def test_the_same_is_served_with_tls(simulator: PvsSimulator) -> None:
    async with aiohttp.ClientSession() as http:
        async with http.get(simulator.https_url + INFO, ssl=False) as reply:
            body = await reply.read()
        async with http.get(simulator.url + INFO) as reply:
            assert await reply.read() == body
    assert [request.secure for request in simulator.stats.requests] == [True, False]


async def test_the_certificate_is_selfsigned(simulator: PvsSimulator) -> None:
    certificate = x509.load_der_x509_certificate(await shown(simulator))
    certificate.verify_directly_issued_by(certificate)
    assert certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "pvs.local"
    assert "SunStrong Management" in certificate.issuer.rfc4514_string()
    async with aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await http.get(simulator.https_url + INFO)


async def test_a_new_certificate_for_new_connections(simulator: PvsSimulator) -> None:
    before = await shown(simulator)
    assert simulator.fingerprint == hashlib.sha256(before).hexdigest()
    async with aiohttp.ClientSession() as http:
        async with http.get(simulator.url + "/simulator/certificate") as reply:
            told = (await reply.json())["fingerprint"]
        after = await shown(simulator)
        assert after != before
        assert told == simulator.fingerprint == hashlib.sha256(after).hexdigest()
        pinned = aiohttp.Fingerprint(hashlib.sha256(before).digest())
        with pytest.raises(aiohttp.ServerFingerprintMismatch):
            await http.get(simulator.https_url + INFO, ssl=pinned)


async def test_without_https_there_is_no_url() -> None:
    simulator = PvsSimulator()
    with pytest.raises(ValueError, match="https_port"):
        _ = simulator.https_url
    assert simulator.fingerprint is None


async def test_a_restart_refuses_connections_and_comes_back(simulator: PvsSimulator) -> None:
    ports = simulator.port, simulator.https_port, simulator.live_port
    async with aiohttp.ClientSession() as http:
        async with http.get(simulator.url + "/simulator/restart?seconds=3600") as reply:
            assert await reply.json() == {"restart": 3600}
        while True:
            try:
                async with http.get(simulator.url + INFO):
                    pass
            except aiohttp.ClientConnectorError:
                break
            except aiohttp.ClientConnectionError:
                continue
        for port in ports:
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection(simulator.host, port)
        assert simulator.stats.boots == 0
        await simulator.begin_restart(0)
        assert simulator.stats.boots == 1
        assert (simulator.port, simulator.https_port, simulator.live_port) == ports
        async with http.get(simulator.https_url + INFO, ssl=False) as reply:
            assert reply.status == 200


async def test_a_restart_breaks_what_is_under_way(simulator: PvsSimulator) -> None:
    simulator.fault = "hang"
    async with aiohttp.ClientSession() as http:
        # A POST, because aiohttp asks a second time when a GET is broken off.
        asked = http.post(simulator.https_url + "/vars", data="name=/sys/info/sw_rev", ssl=False)
        waiting = asyncio.create_task(asyncio.wait_for(asked, 60))
        await simulator.wait_until(lambda stats: stats.in_flight == 1)
        await simulator.restart()
        with pytest.raises(aiohttp.ClientConnectionError):
            await waiting
    await simulator.wait_until(lambda stats: stats.in_flight == 0)


async def test_it_stops_while_it_boots(simulator: PvsSimulator) -> None:
    simulator.begin_restart(3600)
    await asyncio.sleep(0)
    await simulator.stop()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(simulator.host, simulator.port)
