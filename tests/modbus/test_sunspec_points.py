"""Values of points: holes, "not implemented", and scale factors with a life of their own."""

from __future__ import annotations

import pytest

from pvsmqtt.modbus.image import RegisterImage
from pvsmqtt.modbus.sunspec import Basis, Point, SunSpecView, pin
from pvsmqtt.modbus.sunspec.chain import MARK
from pvsmqtt.modbus.sunspec.definitions import definition

AT = 40070
W, W_SF, HZ, WH, WH_SF = AT + 14, AT + 15, AT + 16, AT + 24, AT + 26


def inverter() -> tuple[RegisterImage, SunSpecView]:
    """An inverter (102) whose header was heard, and nothing else but these registers."""
    image = RegisterImage()
    view = SunSpecView(image, [pin(102, AT)])
    view.refresh(0.0, image.put(AT, [102, 50], 0.0))
    return image, view


def hear(image: RegisterImage, view: SunSpecView, address: int, *registers: int, when: float) -> None:
    view.refresh(when, image.put(address, [register & 0xFFFF for register in registers], when))


def points(view: SunSpecView) -> dict[str, Point]:
    return {point.name: point for point in view.points()}


def test_a_point_with_its_scale_factor() -> None:
    image, view = inverter()
    hear(image, view, W, -1234, when=2.0)
    hear(image, view, W_SF, -1, when=1.0)
    point = points(view)["W"]
    assert (point.value, point.raw, point.units, point.label) == (-123.4, -1234, "W", "Watts")
    assert (point.when, point.scale_factor_when, point.basis, point.address) == (2.0, 1.0, Basis.CONFIRMED, W)


def test_minus_one_is_a_value_and_8000_is_none() -> None:
    image, view = inverter()
    hear(image, view, W, -1, 0, when=1.0)
    assert points(view)["W"].value == -1
    hear(image, view, W, 0x8000, 0, when=2.0)
    point = points(view)["W"]
    assert (point.value, point.raw, point.scaled) == (None, None, True)


@pytest.mark.parametrize("power", [11, -11, 100, 0x8000])
def test_a_scale_factor_that_is_none(power: int) -> None:
    image, view = inverter()
    hear(image, view, W, 5, power, when=1.0)
    point = points(view)["W"]
    assert (point.value, point.raw, point.scaled) == (None, 5, False)


def test_without_its_scale_factor_a_point_has_no_value() -> None:
    image, view = inverter()
    hear(image, view, W, 5, when=1.0)
    point = points(view)["W"]
    assert (point.value, point.raw, point.scale_factor_when, point.scaled) == (None, 5, None, False)


def test_after_a_change_of_the_scale_factor_a_point_waits_for_its_next_reading() -> None:
    image, view = inverter()
    hear(image, view, W, 1234, -1, when=1.0)
    assert points(view)["W"].value == 123.4
    hear(image, view, W_SF, 0, when=2.0)
    assert points(view)["W"].value is None
    assert not points(view)["W"].scaled
    hear(image, view, W, 123, when=3.0)
    assert points(view)["W"].value == 123
    hear(image, view, W, 12, 1, when=4.0)
    assert points(view)["W"].value == 120


def test_a_change_is_noticed_though_nobody_looked_in_between() -> None:
    image, view = inverter()
    hear(image, view, W, 1234, -1, when=1.0)
    hear(image, view, W_SF, 0, when=2.0)
    hear(image, view, W_SF, -1, when=3.0)
    assert points(view)["W"].value is None


def test_a_scale_factor_that_stays_the_same_may_be_much_older() -> None:
    image, view = inverter()
    hear(image, view, W, 1, 2, when=1.0)
    hear(image, view, W, 7, when=90000.0)
    point = points(view)["W"]
    assert (point.value, point.when, point.scale_factor_when) == (700, 90000.0, 1.0)


def test_nothing_from_before_a_reset() -> None:
    image, view = inverter()
    hear(image, view, W, 5, 0, when=1.0)
    view.reset(2.0)
    assert points(view) == {}
    hear(image, view, W, 5, when=3.0)
    assert points(view)["W"].value is None
    hear(image, view, W_SF, 1, when=4.0)
    assert points(view)["W"].value == 50


def test_another_header_is_another_device() -> None:
    image, view = inverter()
    hear(image, view, W, 5, 0, when=1.0)
    hear(image, view, AT, 103, 50, when=2.0)
    assert "W" not in points(view)


def test_another_serial_number_is_another_device() -> None:
    registers = [*MARK, 1, 66, *[0] * 66, 102, 50, *[0] * 50]
    image = RegisterImage()
    view = SunSpecView(image)
    registers[52:54] = [0x4131, 0]
    hear(image, view, 40000, *registers, when=1.0)
    assert view.identity is not None
    assert view.identity.serial == "A1"
    assert "W" in points(view)
    hear(image, view, 40052, 0x4232, when=2.0)
    assert "W" not in points(view)
    assert view.identity.serial == "B2"


def test_half_a_point_is_no_point() -> None:
    image, view = inverter()
    hear(image, view, WH, 1, when=1.0)
    hear(image, view, WH_SF, 0, when=1.0)
    assert "WH" not in points(view)
    hear(image, view, WH + 1, 2, when=2.0)
    point = points(view)["WH"]
    assert (point.value, point.when) == (65538, 1.0)
    hear(image, view, WH, 0, 0, when=3.0)
    assert points(view)["WH"].value is None


def test_states_and_events_by_name() -> None:
    image, view = inverter()
    hear(image, view, AT + 38, 4, 77, 0, 0b1001, 0xFFFF, 0xFFFF, 1 << 14, 0, when=1.0)
    found = points(view)
    assert found["St"].value == "MPPT"
    assert (found["StVnd"].value, found["StVnd"].raw) == (77, 77)
    assert found["Evt1"].value == "GROUND_FAULT, DC_DISCONNECT"
    assert found["Evt2"].value is None
    assert found["EvtVnd1"].value == "bit 30"
    hear(image, view, AT + 38, 99, 0xFFFF, 0, 0, when=2.0)
    found = points(view)
    assert (found["St"].value, found["StVnd"].value, found["Evt1"].value) == (99, None, "none")


def test_only_what_is_fresh() -> None:
    image, view = inverter()
    hear(image, view, W, 5, 0, when=1.0)
    hear(image, view, AT + 38, 4, when=9.0)
    assert [point.name for point in view.points(10.0, within=5.0)] == ["St"]


def test_a_shorter_model_has_fewer_points_and_never_those_of_the_next() -> None:
    registers = [*MARK, 102, 48, *[5] * 48, 120, 26, *[7] * 26]
    image = RegisterImage()
    view = SunSpecView(image)
    hear(image, view, 40000, *registers, when=1.0)
    names = [point.name for point in view.points() if point.model == 102]
    assert names[-1] == "EvtVnd3"
    assert "EvtVnd4" not in names


def bank(strings: int | None, length: int) -> dict[str, Point]:
    """A lithium-ion bank (803): scale factors, and the state of charge of its strings."""
    image = RegisterImage()
    view = SunSpecView(image, [pin(803, AT)])
    hear(image, view, AT, 803, length, when=1.0)
    if strings is not None:
        hear(image, view, AT + 2, strings, when=1.0)
    hear(image, view, AT + 22, 0, 0, 0, 0, -1, 0, when=1.0)
    for string in range(4):
        hear(image, view, AT + 28 + 32 * string + 4, 900 + string, when=1.0)
    return {f"{point.group}.{point.name}": point for point in view.points()}


def socs(found: dict[str, Point]) -> list[object]:
    return [point.value for name, point in found.items() if name.endswith(".StrSoC")]


def test_groups_by_the_count_of_a_point() -> None:
    found = bank(2, 26 + 3 * 32)
    assert socs(found) == [90.0, 90.1]
    assert found["string[2].StrSoC"].address == AT + 28 + 32 + 4


def test_groups_by_the_length_where_the_count_was_not_heard() -> None:
    assert socs(bank(None, 26 + 3 * 32)) == [90.0, 90.1, 90.2]
    assert socs(bank(0xFFFF, 26 + 3 * 32)) == [90.0, 90.1, 90.2]


def test_no_group_beyond_the_length() -> None:
    assert socs(bank(60000, 26 + 2 * 32)) == [90.0, 90.1]


def test_groups_in_groups_wait_for_their_count() -> None:
    """Volt-Var (705): three curves of so many points; without that number only the first curve has a place."""
    image = RegisterImage()
    view = SunSpecView(image, [pin(705, AT)])
    found = definition(705)
    assert found is not None
    size = found.group.length
    curve = found.group.groups[0]
    at = {point.name: point.offset for point in found.group.points}
    hear(image, view, AT, 705, size - 2 + 3 * (curve.length + 2 * 4), when=1.0)
    hear(image, view, AT + at["NCrv"], 3, when=1.0)
    hear(image, view, AT + size, *[1] * (3 * (curve.length + 2 * 4)), when=1.0)

    def groups() -> set[str]:
        return {point.group for point in view.points()} - {""}

    assert groups() == {"Crv[1]"}
    hear(image, view, AT + at["NPt"], 4, when=2.0)
    assert groups() == {f"Crv[{n}]" for n in (1, 2, 3)} | {
        f"Crv[{n}].Pt[{m}]" for n in (1, 2, 3) for m in (1, 2, 3, 4)
    }


def test_the_model_of_schneider() -> None:
    image = RegisterImage()
    view = SunSpecView(image, [pin(20001, 40234)])
    hear(image, view, 40236, 0x12, 0xD687, 60, 120, 2, 3, when=1.0)
    hear(image, view, 40248, 1500, -2, 2, 3, 1034, 785, when=1.0)
    found = {name: point.value for name, point in points(view).items()}
    assert found["WhCha"] == 1234567
    assert (found["WChaMax"], found["WDisChaMax"], found["OpMod"]) == (6000, 12000, "OPERATING")
    assert (found["SoCLoCut"], found["HbLossAct"], found["BatAssoc"]) == (15.0, "AUTONOMOUS", "HOUSE_BANK_1")
    assert (found["InvSt"], found["ChaSt"]) == ("GRID_SUPPORT", "CHARGE")


def test_addresses_that_are_explained() -> None:
    image = RegisterImage()
    view = SunSpecView(image)
    hear(image, view, 40000, *MARK, 64999, 3, 7, 7, 7, 101, 50, when=1.0)
    assert view.addresses() == {40000, 40001, 40002, 40003, *range(40007, 40059)}
