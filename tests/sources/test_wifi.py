"""Name and password of the network that a PVS opens for its installation."""

import pytest

from pvsmqtt.sources.pvs.finding.wifi import Wifi, commissioning


@pytest.mark.parametrize(
    ("serial", "ssid", "password"),
    [
        ("ZT190585000549A6185", "SunPower05185", "19056185"),
        ("ZT184485000001E0042", "SunPower44042", "18440042"),
        (" zt190585000549a6185\n", "SunPower05185", "19056185"),
    ],
)
def test_name_and_password(serial: str, ssid: str, password: str) -> None:
    assert commissioning(serial) == Wifi(ssid, password)


@pytest.mark.parametrize(
    ("serial", "why"),
    [
        ("", "only letters and digits"),
        ("ZT190585000549-6185", "only letters and digits"),
        ("ZT19058500054９A6185", "only letters and digits"),
        ("ZT190585000549A618", "19 characters, this one has 18"),
        ("ZT190585000549A61855", "19 characters, this one has 20"),
        ("E00122125092032", "starts with ZT"),
    ],
)
def test_what_is_no_serial_number(serial: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as caught:
        commissioning(serial)
    assert not serial or serial not in str(caught.value)


def test_the_password_does_not_show() -> None:
    assert "19056185" not in repr(commissioning("ZT190585000549A6185"))
