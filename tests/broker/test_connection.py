"""What a person is told names the table in which it is changed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from harness import Bench, free_port
from pydantic import SecretStr

from pvsmqtt.broker.connection import Refused, Session, connect_any
from pvsmqtt.broker.message import Message
from pvsmqtt.broker.options import Broker


@pytest.mark.parametrize("table", ["[mqtt]", "[[yasdi]]"])
async def test_a_broker_that_is_not_there(table: str) -> None:
    with pytest.raises(Refused) as refused:
        async with connect_any(Broker("127.0.0.1", free_port(), table=table), "test"):
            pass
    assert f"check host and port in {table}" in refused.value.advice


@pytest.mark.parametrize("table", ["[mqtt]", "[[yasdi]]"])
async def test_a_wrong_password(tmp_path: Path, table: str) -> None:
    async with Bench(tmp_path).open() as bench:
        mosquitto = await bench.broker(users={"solar": "right"})
        broker = Broker("127.0.0.1", mosquitto.port, "solar", SecretStr("wrong"), table=table)
        with pytest.raises(Refused) as refused:
            async with connect_any(broker, "test"):
                pass
    assert f"username and password in {table}" in refused.value.advice
    assert "wrong" not in str(refused.value)


class Deaf:
    """A client that loses a cancellation, as asyncio.wait_for does when the answer comes at the same moment."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def publish(self, *_: Any, **__: Any) -> None:
        self.asked.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return

    async def subscribe(self, *_: Any, **__: Any) -> tuple[int, ...]:
        await self.publish()
        return (1,)


@pytest.mark.parametrize("what", ["publish", "subscribe"])
async def test_a_cancellation_that_comes_with_the_answer_is_heeded(what: str) -> None:
    client = Deaf()
    session = Session(client, "5")  # type: ignore[arg-type]
    call = session.publish(Message("a", "b")) if what == "publish" else session.subscribe("a")
    task = asyncio.create_task(call)  # type: ignore[arg-type]
    await client.asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
