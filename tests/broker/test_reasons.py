"""What a broker tells is told on in words, and each reason has the pause that it calls for."""

from __future__ import annotations

import pytest
from harness.scripted_broker import ScriptedBroker

from pvsmqtt.broker import reasons
from pvsmqtt.broker.connection import Ended, Refused, connect
from pvsmqtt.broker.message import Message
from pvsmqtt.broker.options import Broker
from pvsmqtt.broker.pauses import LADDERS


async def until_ended(port: int, table: str = "[mqtt]") -> None:
    async with connect(Broker("127.0.0.1", port, table=table), "test", "5") as session:
        await session.publish(Message("a", "b"))
        async for _ in session.client.messages:
            pass


@pytest.mark.parametrize("code", reasons.CONNACK)
async def test_a_refused_connection(code: int) -> None:
    async with ScriptedBroker(connack=code).open() as port:
        with pytest.raises(Refused) as error:
            await until_ended(port, "[[yasdi]]")
    wanted = reasons.connack(code)
    assert error.value.text == f"the broker at 127.0.0.1:{port} {wanted.text}"
    assert error.value.advice == wanted.advice.format(table="[[yasdi]]")
    assert (error.value.reason, error.value.wait) == (wanted.key, wanted.wait)
    assert error.value.other_version == (code == 132)
    assert not error.value.silent


@pytest.mark.parametrize("code", [*reasons.DISCONNECT, 162])
async def test_a_connection_that_is_ended(code: int) -> None:
    async with ScriptedBroker(end=code).open() as port:
        with pytest.raises(Ended) as error:
            await until_ended(port)
    wanted = reasons.disconnect(code)
    assert error.value.text == f"the broker at 127.0.0.1:{port} {wanted.text}"
    assert error.value.advice == wanted.advice.format(table="[mqtt]")
    assert (error.value.reason, error.value.wait) == (wanted.key, wanted.wait)


@pytest.mark.parametrize("how", ["connack", "end"])
async def test_a_broker_that_has_moved_says_where_to(how: str) -> None:
    async with ScriptedBroker(**{how: 157}, reference="other.lan:1883\n").open() as port:  # type: ignore[arg-type]
        with pytest.raises((Refused, Ended)) as error:
            await until_ended(port)
    assert "has moved (other.lan:1883?): write its new place as host" in str(error.value)


def test_a_code_that_nobody_knows_is_told_by_its_number() -> None:
    assert "with reason 187" in reasons.connack(187).text
    assert "with reason 187" in reasons.disconnect(187).text


def test_every_reason_is_complete() -> None:
    for table in (reasons.CONNACK, reasons.DISCONNECT):
        for code, reason in table.items():
            assert reason.key in reasons.KEYS
            assert reason.wait is None or reason.wait in LADDERS
            assert reason.advice.format(table="[mqtt]")
            assert 128 <= code <= 162


@pytest.mark.parametrize("code", [134, 135])
def test_a_refused_login_is_tried_slowly(code: int) -> None:
    assert reasons.CONNACK[code].wait == "login"
    assert min(LADDERS["login"]) >= 300


def test_who_is_displaced_leaves_the_other_alone_for_a_while() -> None:
    assert reasons.DISCONNECT[142].wait == "taken_over"
    assert min(LADDERS["taken_over"]) >= 60
