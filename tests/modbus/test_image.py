"""What is known of each register."""

from hypothesis import given
from hypothesis import strategies as st

from pvsmqtt.modbus.block import RegisterBlock, Table
from pvsmqtt.modbus.image import RANGES_AT_MOST, Images, RegisterImage

HOLDING, INPUT = Table.HOLDING_REGISTERS, Table.INPUT_REGISTERS


def test_what_is_new_or_changed_is_told():
    image = RegisterImage()
    assert image.put(100, (1, 2, 3), 1.0) == (100, 101, 102)
    assert image.put(100, (1, 9, 3), 2.0) == (101,) == image.changed
    assert image.put(101, (9, 3, 4), 3.0) == (103,)
    assert image.put(100, (1, 9), 4.0) == () == image.changed


def test_every_register_has_its_time_whether_it_changed_or_not():
    image = RegisterImage()
    image.put(100, (1, 2, 3), 1.0)
    image.put(101, (2,), 2.0)
    assert [image.when(at) for at in (99, 100, 101, 102)] == [None, 1.0, 2.0, 1.0]
    assert image.oldest(101, 1) == 2.0
    assert image.oldest(100, 3) == 1.0
    assert image.oldest(100, 4) is None


def test_becoming_known_is_no_change():
    image = RegisterImage()
    for value in (5, 5, 6, 6, 5):
        image.put(7, (value,), 0.0)
    assert image.changes(7) == 2
    assert image.changed_when(8) is None
    assert image.changes(8) == 0


def test_when_a_register_changed_last():
    image = RegisterImage()
    image.put(7, (5, 1), 1.0)
    assert image.changed_when(7) is None
    image.put(7, (6, 1), 2.0)
    image.put(7, (6, 1), 3.0)
    assert [image.changed_when(at) for at in (7, 8)] == [2.0, None]
    image.put(7, (7, 1, 9), 4.0)
    assert [image.changed_when(at) for at in (7, 8, 9)] == [4.0, None, None]


def test_what_is_unknown_is_none_and_never_zero():
    image = RegisterImage()
    image.put(10, (0, 1), 0.0)
    image.put(13, (3,), 0.0)
    assert (image.get(10), image.get(12)) == (0, None)
    assert image.span(10, 2) == (0, 1)
    assert image.span(10, 4) is None
    assert 10 in image
    assert 12 not in image


def test_addresses_come_in_order():
    image = RegisterImage()
    for at in (30, 10, 20):
        image.put(at, (1, 2), 0.0)
        assert list(image) == sorted(image)
    assert list(image) == [10, 11, 20, 21, 30, 31]
    assert len(image) == 6


def test_nothing_lies_beyond_the_last_address():
    image = RegisterImage()
    image.put(65534, (1, 2, 3), 0.0)
    image.put(70000, (1,), 0.0)
    assert list(image) == [65534, 65535]


def test_what_is_polled_is_counted_and_the_rarest_is_forgotten():
    image = RegisterImage()
    for _ in range(3):
        image.put(0, (1, 2), 0.0)
    image.put(0, (1,), 0.0, polled=False)
    assert image.ranges == {(0, 2): 3}
    for at in range(3 * RANGES_AT_MOST):
        image.put(at, (1,), 0.0)
    assert len(image.ranges) <= RANGES_AT_MOST
    assert image.ranges[0, 2] == 3


def test_each_table_of_each_unit_is_its_own():
    images = Images()
    one = images.take(RegisterBlock(220, HOLDING, 0, (1,), 0.0))
    images.take(RegisterBlock(221, HOLDING, 0, (2,), 0.0))
    images.take(RegisterBlock(220, INPUT, 0, (3,), 0.0))
    assert {key: image.get(0) for key, image in images.items()} == {
        (220, HOLDING): 1,
        (221, HOLDING): 2,
        (220, INPUT): 3,
    }
    assert one is images[220, HOLDING]


def test_what_was_written_is_known_but_not_polled():
    images = Images()
    image = images.take(RegisterBlock(220, HOLDING, 0, (1,), 0.0, written=True))
    assert image is not None
    assert image.get(0) == 1
    assert image.ranges == {}


def test_the_written_half_comes_before_the_read_one():
    written = RegisterBlock(220, HOLDING, 5, (50, 60), 1.0, written=True)
    images = Images()
    image = images.take(RegisterBlock(220, HOLDING, 6, (61, 70), 1.0, also=written))
    assert image is not None
    assert image.span(5, 3) == (50, 61, 70)


def test_what_would_be_too_much_is_refused_and_what_is_known_goes_on():
    images = Images(limit=4)
    assert images.take(RegisterBlock(1, HOLDING, 0, (1, 2, 3), 0.0)) is not None
    assert images.take(RegisterBlock(2, HOLDING, 0, (1, 2), 0.0)) is None
    assert (images.refused, list(images)) == (1, [(1, HOLDING)])
    image = images.take(RegisterBlock(1, HOLDING, 1, (7, 8, 9), 1.0))
    assert image is not None
    assert image.span(0, 4) == (1, 7, 8, 9)
    assert images.take(RegisterBlock(1, HOLDING, 4, (1,), 1.0)) is None
    assert images.refused == 2


puts = st.tuples(st.integers(0, 12), st.lists(st.integers(0, 2), min_size=1, max_size=6))


@given(st.lists(puts, max_size=30))
def test_it_is_a_dictionary_with_a_memory(blocks: list[tuple[int, list[int]]]):
    image, values, when, changes = RegisterImage(), {}, {}, {}
    for now, (address, registers) in enumerate(blocks):
        expected = []
        for at, value in enumerate(registers, address):
            if values.get(at) != value:
                expected.append(at)
                changes[at] = changes.get(at, -1) + 1
            values[at], when[at] = value, now
        assert image.put(address, tuple(registers), now) == tuple(expected)
    assert list(image) == sorted(values)
    assert [image.get(at) for at in image] == [values[at] for at in sorted(values)]
    assert [image.when(at) for at in image] == [when[at] for at in sorted(values)]
    assert [image.changes(at) for at in image] == [changes[at] for at in sorted(values)]
    known = [values.get(at) for at in range(4, 9)]
    assert image.span(4, 5) == (None if None in known else tuple(known))
    assert image.oldest(4, 5) == (None if None in known else min(when[at] for at in range(4, 9)))
