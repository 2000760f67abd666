"""Devices and their identity."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvsmqtt.model.device import BRIDGE_ID, LABELS, SITE_ID, Device, Kind, default_name, slug, transport


@pytest.mark.parametrize(
    ("serial", "device_id"),
    [
        ("ZT184385000441E1569", "zt184385000441e1569"),
        ("PVS6M19280311p", "pvs6m19280311p"),
        ("00001ABC1234_01234567890ABCDEF", "00001abc1234_01234567890abcdef"),
        ("  E001 22/125#+092032 ", "e001_22_125_092032"),
        ("Ürümqi", "r_mqi"),
        ("---", ""),
        ("", ""),
    ],
)
def test_ids_are_slugs_of_serials(serial: str, device_id: str) -> None:
    assert slug(serial) == device_id


@given(st.text())
def test_a_slug_fits_topics_and_unique_ids(text: str) -> None:
    assert re.fullmatch(r"([a-z0-9]+(_[a-z0-9]+)*)?", slug(text))
    assert slug(slug(text)) == slug(text)


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_has_a_name_for_people(kind: Kind) -> None:
    assert default_name(kind, "X1") == f"{LABELS[kind]} X1"
    assert LABELS[kind].strip() == LABELS[kind] != ""
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", kind.value)


def test_labels_tell_kinds_apart() -> None:
    assert LABELS.keys() == set(Kind)
    assert len(set(LABELS.values())) == len(LABELS)


def test_only_the_house_this_service_and_its_lines_are_no_things_on_the_wall() -> None:
    logical = {kind for kind in Kind if Device("x", kind, "X").logical}
    assert logical == {Kind.SITE, Kind.BRIDGE, Kind.BUS}
    assert (SITE_ID, BRIDGE_ID) == (slug(SITE_ID), slug(BRIDGE_ID)) == ("site", "bridge")


@pytest.mark.parametrize(
    ("interface", "spoken"),
    [
        ("ttymxc5", "rtu"),
        ("ttymxc0", "rtu"),
        ("rtu", "rtu"),
        ("sunspec", "sunspec"),
        ("tcp", "sunspec"),
        ("mime", None),
        ("none", None),
        ("", None),
        (None, None),
    ],
)
def test_what_is_spoken_on_an_interface(interface: str | None, spoken: str | None) -> None:
    assert transport(interface) == spoken


def test_a_place_is_where_a_source_hears_a_device_itself() -> None:
    heard = Device("cabinet_221", Kind.MIO, "X", modbus_unit=221, interface="rtu", via="cabinet")
    assert heard.place == heard.id == "cabinet_221"
    assert Device("sy1", Kind.MIO, "X", "SY1", modbus_unit=221, interface="ttymxc5", via="zt1").place is None
    assert Device("cabinet", Kind.BUS, "X", interface="rtu").place is None
    assert Device("x_0", Kind.OTHER, "X", modbus_unit=0, interface="rtu", via="x").place == "x_0"
