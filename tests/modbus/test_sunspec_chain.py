"""The chain of models: how it is learned by listening, and what it is worth."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pvsmqtt.modbus.image import RegisterImage
from pvsmqtt.modbus.sunspec import Basis, SunSpecView, parse_pin, pin, profile
from pvsmqtt.modbus.sunspec.chain import LONGEST_MODEL, MARK
from pvsmqtt.modbus.sunspec.definitions import known, shape

HEADERS = ((1, 66), (102, 50), (120, 26), (802, 62), (803, 26), (160, 28), (20001, 18), (64999, 7))
"""Models that a device may have; the last one is of a vendor that nobody knows."""


def words(text: str, length: int) -> list[int]:
    raw = text.encode().ljust(2 * length, b"\0")
    return [raw[at] << 8 | raw[at + 1] for at in range(0, 2 * length, 2)]


def common(serial: str = "SN1") -> list[int]:
    return [
        1,
        66,
        *words("Maker", 16),
        *words("Model", 16),
        *words("", 8),
        *words("1.2", 8),
        *words(serial, 16),
        7,
        0,
    ]


def device(*models: tuple[int, int], base: int = 40000, serial: str = "SN1", fill: int = 0) -> dict[int, int]:
    """The registers of a whole device."""
    registers = [*MARK]
    for model, length in models:
        registers += common(serial) if model == 1 else [model, length, *[fill] * length]
    return dict(enumerate([*registers, 0xFFFF, 0], base))


def put(
    view: SunSpecView, image: RegisterImage, registers: dict[int, int], address: int, count: int, when: float
) -> bool:
    """Somebody reads these registers, and the view is told."""
    return view.refresh(when, image.put(address, [registers[at] for at in range(address, address + count)], when))


def heard(*reads: tuple[int, int], of: dict[int, int], pins: Iterable[object] = ()) -> SunSpecView:
    image = RegisterImage()
    view = SunSpecView(image, pins)  # type: ignore[arg-type]
    for address, count in reads:
        put(view, image, of, address, count, 1.0)
    return view


def chain(view: SunSpecView) -> list[tuple[int, int, int]]:
    return [(model.model, model.address, model.length) for model in view.chain]


def bases(view: SunSpecView) -> set[Basis]:
    return {model.basis for model in view.chain}


FULL = [(1, 40002, 66), (102, 40070, 50), (64999, 40122, 7), (802, 40131, 62)]
DEVICE = device((1, 66), (102, 50), (64999, 7), (802, 62))


def test_a_master_that_walks_the_chain_tells_it_all() -> None:
    view = heard((40000, 2), *((address, 2) for _, address, _ in FULL), (40195, 2), of=DEVICE)
    assert chain(view) == FULL
    assert bases(view) == {Basis.CONFIRMED}
    assert view.complete


def test_the_order_of_arrival_does_not_matter() -> None:
    view = heard((40195, 2), (40131, 2), (40070, 2), (40122, 2), (40002, 2), (40000, 2), of=DEVICE)
    assert chain(view) == FULL
    assert bases(view) == {Basis.CONFIRMED}


def test_the_walk_ends_where_a_header_was_not_heard() -> None:
    view = heard((40000, 4), (40070, 2), (40131, 1), of=DEVICE)
    assert chain(view) == FULL[:2]
    assert not view.complete


def test_two_headers_that_lead_to_each_other_are_enough() -> None:
    registers = device((1, 66), (120, 26), (802, 62))
    view = heard((40075, 60), (40060, 15), of=registers)
    assert chain(view) == [(120, 40070, 26), (802, 40098, 62)]
    assert bases(view) == {Basis.CONFIRMED}


def test_a_header_that_is_heard_in_halves() -> None:
    registers = device((1, 66), (120, 26), (802, 62))
    view = heard((40098, 2), (40071, 1), (40070, 1), of=registers)
    assert chain(view) == [(120, 40070, 26), (802, 40098, 62)]
    view = heard((40098, 2), (40060, 11), (40071, 20), of=registers)
    assert chain(view) == [(120, 40070, 26), (802, 40098, 62)]


def test_from_there_the_walk_goes_on_through_models_that_nobody_knows() -> None:
    registers = device((1, 66), (120, 26), (802, 62), (64999, 7), (64998, 3))
    view = heard((40098, 2), (40070, 2), (40162, 2), (40171, 2), (40176, 2), of=registers)
    assert chain(view)[2:] == [(64999, 40162, 7), (64998, 40171, 3)]


def test_one_header_that_leads_to_the_end() -> None:
    assert bases(heard((40131, 66), of=DEVICE)) == {Basis.CONFIRMED}


def test_one_header_alone_counts_only_when_somebody_read_exactly_there() -> None:
    assert chain(heard((40060, 60), of=DEVICE)) == []
    for count in (2, 52):
        view = heard((40070, count), of=DEVICE)
        assert chain(view) == [(102, 40070, 50)]
        assert bases(view) == {Basis.PROVISIONAL}
    assert chain(heard((40070, 53), of=DEVICE)) == []
    assert chain(heard((40060, 60), (40070, 2), of=DEVICE)) == [(102, 40070, 50)]


def test_a_tiny_model_alone_proves_nothing() -> None:
    assert chain(heard((40000, 2), of={40000: 713, 40001: 7})) == []


def test_measurements_that_look_like_headers() -> None:
    """Out of a unit without SunSpec: known models, lengths they can have, and what looks like an end."""
    for registers in ((302, 0, 0xFFFF, 0), (2, 14, *[9] * 14, 0xFFFF, 0), (713, 7, *[1] * 7, 713, 7), (705, 60)):
        board = dict(enumerate((94, 40470, *registers, 65, 301)))
        assert chain(heard((0, len(board)), (2, 2), of=board)) == []


def test_a_length_that_the_model_cannot_have_is_no_header() -> None:
    assert chain(heard((40000, 2), of={40000: 102, 40001: 51})) == []
    assert chain(heard((40000, 2), of={40000: 160, 40001: 8 + 2 * 20})) == [(160, 40000, 48)]
    assert chain(heard((40000, 2), of={40000: 160, 40001: 8 + 30})) == []


@pytest.mark.parametrize("length", [0x7FFF, 0x8000, 0xFFFE, 0xFFFF])
def test_two_registers_with_a_length_beyond_all_reason_are_no_header(length: int) -> None:
    """Whatever the model: 5 and 0x8000 are two numbers of a unit without SunSpec."""
    for model in sorted(known()):
        assert chain(heard((40, 2), of={40: model, 41: length})) == [], model


def test_two_registers_are_a_header_only_where_the_length_says_something() -> None:
    """Models that may be of nearly any length prove nothing, nor do more groups than anybody has."""
    for header in ((5, 100), (7, 11), (303, 40), (302, 50), (805, 50), (803, 26 + 32 * 33), (160, 8 + 20 * 33)):
        assert chain(heard((40, 2), of=dict(enumerate(header, 40)))) == [], header
    for header in ((803, 26 + 32 * 2), (160, 8 + 20 * 32), (802, 62), (403, 16 + 8)):
        assert chain(heard((40, 2), of=dict(enumerate(header, 40)))) == [(header[0], 40, header[1])], header
    whole = {40: 805, 41: 50} | dict.fromkeys(range(42, 92), 0)
    assert chain(heard((40, 52), of=whole)) == [(805, 40, 50)]
    assert chain(heard((40, 51), of=whole)) == []


def test_two_pairs_far_apart_do_not_lead_to_each_other() -> None:
    """Within reason they do: the second stands where the first one ends."""
    for length, believed in ((100, True), (3000, False), (0x7000, False)):
        pair = {40: 5, 41: length, 42 + length: 7, 43 + length: 20}
        view = heard((40, 2), (42 + length, 2), of=pair)
        assert bool(chain(view)) is believed, length


def test_no_definition_is_longer_than_what_is_believed() -> None:
    assert max(size.fixed for model in known() if (size := shape(model))) < LONGEST_MODEL


@pytest.mark.parametrize("model", sorted(known()))
def test_two_registers_with_any_other_length_are_no_header(model: int) -> None:
    """What is not the fixed length and whole groups is never believed."""
    size = shape(model)
    assert size is not None
    for length in range(20, 400):
        more = length - size.fixed
        whole = more == 0 or (size.step > 0 and more > 0 and more % size.step == 0) or (model, length) == (1, 65)
        if not whole:
            assert chain(heard((40, 2), of={40: model, 41: length})) == [], length


def test_behind_the_mark_the_length_on_the_wire_wins() -> None:
    view = heard((40000, 2), (40002, 2), (40070, 2), (40120, 2), of=device((1, 66), (102, 48), (120, 26)))
    assert chain(view) == [(1, 40002, 66), (102, 40070, 48), (120, 40120, 26)]


def test_an_older_common_model_has_65_registers() -> None:
    registers = dict(enumerate([*MARK, *common()], 40000)) | {40003: 65, 40069: 102, 40070: 50}
    assert chain(heard((40000, 4), (40069, 2), of=registers)) == [(1, 40002, 65), (102, 40069, 50)]


def test_other_bases_and_a_text_that_begins_like_the_mark() -> None:
    for base in (0, 50000, 123):
        view = heard((base, 72), of=device((1, 66), (102, 50), base=base))
        assert chain(view)[0] == (1, base + 2, 66)
    text = dict(enumerate(words("SunSpec thing", 20), 500))
    assert chain(heard((500, 20), of=text)) == []


def test_what_lies_within_a_known_model_is_no_header() -> None:
    registers = device((1, 66), (802, 62)) | {40090: 102, 40091: 50}
    assert chain(heard((40000, 4), (40070, 2), (40090, 2), of=registers)) == [(1, 40002, 66), (802, 40070, 62)]


def test_a_pin_stands_until_a_header_contradicts_it() -> None:
    pins = profile("conext")[230]
    view = heard(of={}, pins=pins)
    view.refresh(0.0)
    assert chain(view) == [(1, 40002, 66), (802, 40070, 62), (803, 40134, 26)]
    assert bases(view) == {Basis.PROFILE}
    view = heard((40070, 2), of=DEVICE, pins=pins)
    assert [model.model for model in view.contradicted] == [802]
    assert (802, 40070, 62) not in chain(view)


def test_a_pin_whose_header_is_heard_is_confirmed_with_the_length_of_the_wire() -> None:
    view = heard((40134, 2), of={40134: 803, 40135: 26 + 32 * 2}, pins=profile("conext")[230])
    assert [(model.model, model.length, model.basis) for model in view.chain[1:]] == [
        (802, 62, Basis.PROFILE),
        (803, 90, Basis.CONFIRMED),
    ]


def test_a_profile_of_every_unit_is_a_row_without_gaps() -> None:
    for unit, pins in profile("conext").items():
        assert pins[0].address == 40002
        assert all(first.end == second.address for first, second in itertools.pairwise(pins)), unit
    assert pin(20001, 40234).length == 18


def test_pins_of_a_configuration() -> None:
    assert parse_pin("802@40070") == pin(802, 40070) == pin(802, 40070, 62)
    assert parse_pin(" 64999 @ 7 : 3 ") == pin(64999, 7, 3)
    for text in ("802", "802@", "@1", "802@70000", "64999@7", "802@65530", "803@1:65535", "a@b", ""):
        with pytest.raises(ValueError, match=r"expected model@address|SunSpec model"):
            parse_pin(text)
    with pytest.raises(ValueError, match="there is conext"):
        profile("nobody")


def test_remembered_across_a_restart() -> None:
    document = json.loads(json.dumps(heard((40000, 70), (40070, 2), of=DEVICE).document()))
    assert document["serial"] == "SN1"
    view = SunSpecView(RegisterImage())
    view.restore(document)
    assert view.refresh(0.0)
    assert chain(view) == FULL[:2]
    assert bases(view) == {Basis.PROVISIONAL}
    assert view.document()["models"] == document["models"]
    assert view.document()["serial"] == "SN1"


def test_what_is_remembered_is_confirmed_model_by_model() -> None:
    image = RegisterImage()
    view = SunSpecView(image)
    view.restore(heard((40000, 4), (40070, 2), (40122, 2), (40131, 2), of=DEVICE).document())
    put(view, image, DEVICE, 40131, 2, 1.0)
    assert [model.basis for model in view.chain] == [Basis.PROVISIONAL] * 3 + [Basis.CONFIRMED]


def test_one_other_header_and_all_that_was_remembered_is_forgotten() -> None:
    image = RegisterImage()
    view = SunSpecView(image)
    view.restore(heard((40000, 4), (40070, 2), (40122, 2), (40131, 2), of=DEVICE).document())
    put(view, image, device((1, 66), (103, 50)), 40070, 2, 1.0)
    assert chain(view) == [(103, 40070, 50)]


def test_another_serial_number_and_all_that_was_remembered_is_forgotten() -> None:
    image = RegisterImage()
    view = SunSpecView(image)
    view.restore(heard((40000, 70), (40070, 2), of=DEVICE).document())
    put(view, image, device((1, 66), serial="SN2"), 40000, 70, 1.0)
    assert chain(view) == [(1, 40002, 66)]
    assert view.document()["serial"] == "SN2"


def test_documents_that_cannot_be_used_are_ignored() -> None:
    rows = [[1], ["a", 1, 2], [1, 65535, 9], [True, 1, 1], [-1, 0, 0]]
    shapes = ({}, {"format": 1}, {"format": 9, "models": [[1, 2, 3]]}, {"format": 1, "models": 5})
    for document in (None, [], *shapes, {"format": 1, "models": rows}):
        view = SunSpecView(RegisterImage())
        view.restore(document)
        assert not view.refresh(0.0)


def test_a_guess_by_polled_ranges() -> None:
    """The reads of a PVS from a battery: headers are never heard, yet the model can be told."""
    bms = dict.fromkeys(range(40070, 40162), 0)
    bms |= {40081: 7550, 40082: 2450, 40083: 9900, 40086: 3, 40091: 4, 40092: 3, 40104: 5120, 40114: 65436}
    bms |= dict.fromkeys(range(40126, 40132), 0xFFFE) | {40136: 1, 40137: 1, 40138: 25, 40139: 1}
    view = heard((40081, 12), (40104, 28), (40136, 4), of=bms)
    assert [(guess.model, guess.address) for guess in view.guesses] == [(802, 40070), (803, 40134)]
    assert view.guesses[0].ranges == ((40081, 12), (40104, 28))
    assert chain(view) == []
    assert list(view.points()) == []
    pinned = SunSpecView(view._image, [pin(guess.model, guess.address) for guess in view.guesses])
    pinned.refresh(1.0)
    assert {point.name: point.value for point in pinned.points()}["SoC"] == 75.5
    assert pinned.guesses == ()
    beside = SunSpecView(view._image, [pin(1, 40020)])
    beside.refresh(1.0)
    assert 802 not in [guess.model for guess in beside.guesses]


def test_a_guess_by_a_read_of_a_whole_model() -> None:
    registers = device((1, 66), (113, 60), fill=0x4000) | {40070 + 48: 4}
    view = heard((40000, 2), (40072, 60), of=registers)
    assert [(guess.model, guess.address) for guess in view.guesses] == [(111, 40070)]


def test_ranges_of_an_unknown_board_look_like_nothing() -> None:
    board = {at: 1000 + at for at in range(100)}
    assert heard((0, 20), (40, 30), of=board).guesses == ()


@st.composite
def reads(draw: st.DrawFn) -> tuple[dict[int, int], list[tuple[int, int]], list[tuple[int, int]]]:
    """A device, and reads that cover all of it, in any order; repeated, overlapping."""
    models = [(1, 66), *draw(st.lists(st.sampled_from(HEADERS[1:]), max_size=6))]
    base = draw(st.sampled_from((40000, 0, 50000)))
    registers = device(*models, base=base, fill=draw(st.sampled_from((0, 0xFFFF, 0x8000, 17))))
    end = base + len(registers)
    cuts = sorted(draw(st.sets(st.integers(base + 1, end - 1), min_size=len(registers) // 60, max_size=20)))
    edges = [base, *cuts, end]
    pieces = [(first, second - first) for first, second in itertools.pairwise(edges)]
    return registers, models, draw(st.permutations(pieces))


@given(reads())
@settings(max_examples=150, deadline=None)
def test_whatever_the_order_the_whole_chain_is_found(
    given_: tuple[dict[int, int], list[tuple[int, int]], list[tuple[int, int]]],
) -> None:
    registers, models, pieces = given_
    view = heard(*pieces, of=registers)
    assert [(model.model, model.length) for model in view.chain] == models
    assert bases(view) == {Basis.CONFIRMED}
    assert view.complete
    once = RegisterImage()
    for address, value in registers.items():
        once.put(address, [value], 1.0)
    whole = SunSpecView(once)
    whole.refresh(1.0)
    assert whole.chain == view.chain
    assert list(whole.points()) == list(view.points())
    assert view.identity is not None
    assert view.identity.serial == "SN1"


@given(reads(), st.data())
@settings(max_examples=100, deadline=None)
def test_what_is_heard_in_part_is_never_wrong(
    given_: tuple[dict[int, int], list[tuple[int, int]], list[tuple[int, int]]], data: st.DataObject
) -> None:
    """With holes there is less, never something else: no value is read from another place."""
    registers, _, pieces = given_
    whole = {(point.address, point.name): point for point in heard(*pieces, of=registers).points()}
    part = heard(*data.draw(st.lists(st.sampled_from(pieces), max_size=len(pieces))), of=registers)
    for point in part.points():
        if point.basis is Basis.CONFIRMED:
            full = whole[point.address, point.name]
            assert point.raw == full.raw
            assert point.value in (full.value, None)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 300),
            st.lists(st.sampled_from((0x5375, 0x6E53, 1, 66, 102, 50, 0, 0xFFFF, 802, 62, 2, 14, 705)), max_size=30),
        ),
        max_size=6,
    )
)
@settings(max_examples=150, deadline=None)
def test_any_registers_at_all(blocks: list[tuple[int, list[int]]]) -> None:
    """Nothing raises, models never overlap, and looking step by step sees what looking at all at once sees."""
    image = RegisterImage()
    step = SunSpecView(image)
    for when, (address, values) in enumerate(blocks):
        step.refresh(float(when), image.put(address, values, float(when)))
    once = SunSpecView(image)
    once.refresh(99.0)
    assert step.chain == once.chain
    assert all(first.end <= second.address for first, second in zip(step.chain, step.chain[1:], strict=False))
    assert all(point.raw is not None or point.value is None for point in step.points())
    assert step.addresses() >= {at for point in step.points() for at in (point.address,)}
    json.dumps(step.document())


def test_marks_everywhere_cost_no_more_than_a_few_and_hide_no_device() -> None:
    image = RegisterImage()
    view = SunSpecView(image)
    for address in range(1000, 30000, 120):
        put(view, image, dict(enumerate([*MARK, 1, 66] * 30, address)), address, 120, 1.0)
    assert len(view._marks) <= 10
    real = device((1, 66), (102, 50))
    put(view, image, real, 40000, 120, 2.0)
    put(view, image, real, 40120, len(real) - 120, 2.0)
    assert [model[:3] for model in view.chain][-2:] == [(1, 40002, 66), (102, 40070, 50)]
