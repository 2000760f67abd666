"""What a person is told names the table in which it is changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness import Bench, free_port
from pydantic import SecretStr

from pvsmqtt.broker.connection import Refused, connect_any
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
