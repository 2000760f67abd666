"""The small replies of ``dl_cgi``."""

import ipaddress
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pvsmqtt.simulator.pvs.house.house import House
from pvsmqtt.simulator.pvs.older import dl_cgi
from pvsmqtt.simulator.pvs.older.extras import COMMANDS, IP_ADDRESS, PATHS, SSID
from pvsmqtt.simulator.pvs.older.storage_status import storage_status

NOON = datetime(2026, 6, 21, 18, tzinfo=UTC)
HOUSE = House(3)


def command(name: str, house: House = HOUSE) -> Any:
    return json.loads(COMMANDS[name](house, NOON))


def path(name: str, house: House = HOUSE) -> Any:
    return json.loads(PATHS[name](house, NOON))


def test_what_is_offered() -> None:
    assert COMMANDS.keys() == {
        *("Start", "Stop", "Get_Comm", "CheckFW", "GridProfileGet", "GetDiscoveryProgress"),
        *("GetCellPurchased", "DeviceDetails"),
    }
    assert PATHS.keys() == {
        *("communication/interfaces", "panels/layout", "energy-storage-system/status", "grid/profile"),
        *("discovery", "firmware/new_version"),
    }


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Stop", {"result": "success"}),
        ("CheckFW", {"url": "none"}),
        ("GetCellPurchased", {"cell_purchased": "null"}),
        ("DeviceDetails", {"result": "unknown command"}),
        (
            "GetDiscoveryProgress",
            {
                "progress": [{"TYPE": "MicroInverters", "PROGR": "100", "NFOUND": "0"}],
                "complete": True,
                "result": "succeed",
            },
        ),
    ],
)
def test_commands_that_always_say_the_same(name: str, expected: Any) -> None:
    assert command(name) == expected
    assert command(name, House(1, seed=5)) == expected


def test_start_says_who_it_is() -> None:
    assert COMMANDS["Start"](HOUSE, NOON) == dl_cgi.supervisor_info(HOUSE.serials.supervisor)
    assert command("Start")["supervisor"]["SERIAL"] == HOUSE.serials.supervisor


def test_paths_have_what_commands_have() -> None:
    assert path("firmware/new_version") == command("CheckFW")
    assert path("grid/profile") == command("GridProfileGet")
    assert path("communication/interfaces") == command("Get_Comm")
    assert path("discovery")["progress"] == [{"TYPE": "MicroInverters", "PROGR": 100, "NFOUND": 0}]


def test_the_grid_profile() -> None:
    profile = command("GridProfileGet")
    assert (profile["active_id"], profile["active_name"]) == (profile["pending_id"], profile["pending_name"])
    assert (profile["percent"], profile["supported_by"], profile["status"]) == (100, "ALL", "success")


def test_the_network_is_a_fake_that_can_be_found() -> None:
    network = command("Get_Comm")["networkstatus"]
    interfaces = {entry["interface"]: entry for entry in network["interfaces"]}
    assert list(interfaces) == ["wan", "plc", "sta0", "cell"]
    assert (interfaces["sta0"]["ssid"], interfaces["sta0"]["ipaddr"]) == (SSID, IP_ADDRESS)
    assert ipaddress.ip_address(IP_ADDRESS) in ipaddress.ip_network("192.0.2.0/24")
    assert {entry["ipaddr"] for name, entry in interfaces.items() if name != "sta0"} == {""}
    assert interfaces["sta0"]["signal"] == "-48"
    assert interfaces["cell"]["signal"] == 0
    assert network["system"] == {"interface": "sta0", "internet": "up", "sms": "reachable"}


def test_the_time_of_the_network_is_that_of_the_house() -> None:
    later = json.loads(COMMANDS["Get_Comm"](HOUSE, NOON + timedelta(hours=1)))
    assert command("Get_Comm")["networkstatus"]["ts"] == str(int(NOON.timestamp()))
    assert later["networkstatus"]["ts"] == str(int(NOON.timestamp()) + 3600)


@pytest.mark.parametrize("panels", [1, 24, 25, 400])
def test_the_plan_has_every_panel_in_a_place_of_its_own(panels: int) -> None:
    house = House(panels)
    plan = path("panels/layout", house)
    assert plan["success"] is True
    placed = plan["result"]["panels"]
    assert [panel["inverterSerialNumber"] for panel in placed] == list(house.serials.inverters)
    assert len({(panel["xCoordinate"], panel["yCoordinate"]) for panel in placed}) == panels
    assert len({(panel["azimuth"], panel["slope"]) for panel in placed}) == min(4, -(-panels // 24))
    for panel in placed:
        assert panel.keys() == {
            *("inverterSerialNumber", "xCoordinate", "yCoordinate", "azimuth", "planeRotation", "slope"),
            "metadata",
        }


def test_storage_with_and_without_a_battery() -> None:
    house = House(2, ess=True)
    assert PATHS["energy-storage-system/status"](house, NOON) == storage_status(house, NOON)
    assert path("energy-storage-system/status", house)["ess_report"]["battery_status"]
    assert path("energy-storage-system/status") == {"errors": []}
