"""How the bytes arrive: nothing is lost or moved, and the sizes and times are those of the adapters."""

from itertools import islice, pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pvsmqtt.modbus.setting import Setting
from pvsmqtt.simulator.rs485.adapters import ADAPTERS, Piece, table
from pvsmqtt.simulator.rs485.traffic import house_of, pieces, stream, traffic
from pvsmqtt.simulator.rs485.wire import Damage, Wire

BUS = Setting(19200)


def cut(name: str, wire: Wire, seed: int = 1) -> list[Piece]:
    return list(ADAPTERS[name](wire, BUS, Random(seed)))


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 1000), st.sampled_from(sorted(ADAPTERS)))
def test_pieces_are_the_wire_in_order_and_never_early(seed: int, name: str) -> None:
    for wire in islice(traffic(seed, damage=Damage(0.02, 0.05, True), house=house_of(1)), 3):
        found = cut(name, wire, seed)
        assert [piece.begin for piece in found] == [0, *(piece.end for piece in found[:-1])]
        assert found[-1].end == len(wire.data)
        assert [piece.at for piece in found] == sorted(piece.at for piece in found)
        assert all(piece.at >= wire.times[piece.end - 1] + BUS.character_time - 1e-9 for piece in found)


@pytest.mark.parametrize(
    ("name", "rate", "most"),
    [
        ("bytewise", 19200, 1),
        ("random", 19200, 40),
        ("ftdi", 19200, 31),
        ("ftdi", 115200, 62),
        ("fifo", 19200, 32),
        ("fifo", 115200, 32),
    ],
)
def test_no_piece_is_larger_than_the_adapter(name: str, rate: int, most: int) -> None:
    """16 ms are 31 characters of 19200 baud."""
    sizes = {len(data) for _, data in pieces(1, 10, name, speed=Setting(rate))}
    assert max(sizes) == most


def test_ftdi_delivers_request_and_response_together() -> None:
    wire = next(traffic(1))
    found = cut("ftdi", wire)
    starts = [frame.offset for frame in wire.frames]
    assert any(sum(piece.begin <= start < piece.end for start in starts) > 1 for piece in found)
    waited = [piece.at - wire.times[piece.begin] for piece in found]
    assert max(waited) < 0.032, "in two ticks at the latest"


def test_a_fifo_cuts_long_responses_where_it_is_full() -> None:
    wire = next(traffic(1))
    found = cut("fifo", wire)
    assert any(piece.end - piece.begin == 32 for piece in found)
    assert sum(piece.end - piece.begin == 32 for piece in found) < len(found)


def test_a_serial_server_keeps_frames_together_and_adds_jitter() -> None:
    wire = next(traffic(1))
    found = cut("server", wire)
    ends = {frame.offset + frame.length for frame in wire.frames}
    assert all(piece.end in ends for piece in found)
    late = {round(piece.at - wire.times[piece.end - 1], 3) for piece in found}
    assert len(late) > 10
    assert any(later.at == sooner.at for sooner, later in pairwise(found)) or max(late) < 0.1


@pytest.mark.parametrize("name", ADAPTERS)
def test_pieces_of_a_stream_are_the_stream(name: str) -> None:
    assert b"".join(data for _, data in pieces(2, 4, name)) == stream(2, 4)[0]
    assert f"  {name} " in table()
