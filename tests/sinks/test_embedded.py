"""The broker inside the process, asked by a client of its own."""

import asyncio
import importlib.util
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import aiomqtt
import pytest
from harness import PATIENCE, ROOT, Bench, device_ids, free_port
from pydantic import SecretStr

from pvsmqtt.sinks.mqtt.embedded import EmbeddedBroker
from pvsmqtt.sinks.mqtt.options import MqttOptions

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("amqtt") is None, reason="needs the embedded broker: pip install 'pvsmqtt[embedded]'"
)


@asynccontextmanager
async def broker(**options: object) -> AsyncIterator[int]:
    """Yields the port on which it listens."""
    port = free_port()
    embedded = EmbeddedBroker(MqttOptions(host="embedded", port=port, **options))  # type: ignore[arg-type]
    running = asyncio.create_task(embedded.run())
    try:
        async with asyncio.timeout(PATIENCE):
            while not await listens(port):
                assert not running.done(), running.exception()
        yield port
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def log_in(port: int, **login: str) -> None:
    async with aiomqtt.Client("127.0.0.1", port, **login) as client:  # type: ignore[arg-type]
        await client.subscribe("a", qos=1)
        await client.publish("a", "b", qos=1)
        async for message in client.messages:
            assert message.payload == b"b"
            return


async def test_everybody_is_let_in_without_a_user_name() -> None:
    async with broker() as port:
        await log_in(port)


async def test_the_right_password() -> None:
    async with broker(username="solar", password=SecretStr("right")) as port:
        await log_in(port, username="solar", password="right")


@pytest.mark.parametrize(
    "login",
    [
        {"username": "solar", "password": "wrong"},
        {"username": "solar", "password": ""},
        {"username": "other", "password": "right"},
        {"username": "solar"},
        {},
    ],
    ids=str,
)
async def test_the_wrong_password(login: dict[str, str]) -> None:
    async with broker(username="solar", password=SecretStr("right")) as port:
        with pytest.raises(aiomqtt.MqttError):
            await log_in(port, **login)


@pytest.mark.parametrize("listen", ["127.0.0.1", "0.0.0.0", "::"])
def test_where_this_process_reaches_it(listen: str) -> None:
    options = MqttOptions(host="embedded", port=1884, listen=listen, username="a", password=SecretStr("b"))
    assert EmbeddedBroker(options).address == ("127.0.0.1", 1884)


async def test_the_service_with_a_broker_of_its_own(tmp_path) -> None:
    async with Bench(tmp_path).open() as bench:
        pvs = await bench.pvs()
        port = free_port()
        login = {"host": "embedded", "username": "solar", "password": "right"}
        service = await bench.service(port, pvs.port, mqtt=login)
        await service.says("with MQTT 3.1.1")
        wanted = {f"{ROOT}/{device}/state" for device in ("site", *device_ids(pvs))}
        async with aiomqtt.Client("127.0.0.1", port, username="solar", password="right") as client:
            await client.subscribe(f"{ROOT}/+/state", qos=1)
            async with asyncio.timeout(PATIENCE):
                async for message in client.messages:
                    wanted.discard(str(message.topic))
                    if not wanted:
                        break
        await service.stop()
        assert not service.said("Traceback")
