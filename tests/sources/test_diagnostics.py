"""Small replies of the supervisor against what they must give."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sources.test_ess_status import nodes, removed, replaced
from sources.test_ess_status_properties import anything

from pvsmqtt.model.quantity import QUANTITIES
from pvsmqtt.sources.pvs.diagnostics import flash, interfaces, layout, supervisor
from pvsmqtt.sources.pvs.refusal import Refusal, Refused

REPOSITORY = Path(__file__).parents[2]
FIXTURES = REPOSITORY / "tests" / "fixtures" / "diagnostics"
RECORDED = Path(os.environ.get("TEST_PAYLOADS") or REPOSITORY.parent / "shared" / "payloads")
OURS = sorted(path for path in FIXTURES.glob("*.json") if not path.name.endswith(".expected.json"))

Decoder = Callable[[object], dict[str, Any]]
DECODERS: dict[str, Decoder] = {
    "interfaces": interfaces.interfaces,
    "grid_profile": supervisor.grid_profile,
    "firmware_check": supervisor.firmware_check,
    "discovery": supervisor.discovery,
    "layout": layout.layout,
}
PRIVATE = ("192.0.2", "Somebody", "ZT0", "fw.example", "a81641c2", "8c9c4170", "SIM_READY")

RULE21 = "IEEE-1547a-2014 + 2020 CA Rule21"
THEIRS = [
    (
        "get_comm",
        "interfaces",
        {
            "ethernet_state": "down",
            "plc_state": "down",
            "wifi_state": "connected",
            "wifi_signal": -48,
            "cell_state": "down",
            "internet": "on",
            "cloud": "on",
            "network_interface": "sta0",
        },
    ),
    (
        "gridprofileget",
        "grid_profile",
        {
            "grid_profile": RULE21,
            "grid_profile_pending": RULE21,
            "grid_profile_progress": 100,
            "grid_profile_status": "success",
        },
    ),
    ("checkfw", "firmware_check", {"firmware_update": "off"}),
    (
        "panels_layout",
        "layout",
        {
            "e00190000000001": {
                "panel_x": 250,
                "panel_y": -120,
                "panel_azimuth": 180,
                "panel_rotation": 0,
                "panel_slope": 22,
            }
        },
    ),
]


def load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def decoder(path: Path) -> Decoder:
    return next(decode for name, decode in DECODERS.items() if path.stem.startswith(name))


def flat(values: dict[str, Any]) -> list[tuple[str, Any]]:
    """Quantities and values, of panels too."""
    inner = [value for value in values.values() if isinstance(value, dict)]
    return [pair for each in inner for pair in each.items()] if inner else list(values.items())


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.stem)
def test_a_fixture_gives_what_stands_beside_it(path: Path) -> None:
    values = decoder(path)(load(path))
    assert values == load(path.with_suffix(".expected.json"))
    assert not [secret for secret in PRIVATE if secret in repr(values)]


@pytest.mark.parametrize(("name", "function", "expected"), THEIRS)
def test_recorded_replies(name: str, function: str, expected: dict[str, Any]) -> None:
    path = RECORDED / f"{name}.json"
    if not path.exists():
        pytest.skip("the recorded payloads are not here")
    assert DECODERS[function](load(path)) == expected


@pytest.mark.parametrize("name", DECODERS)
@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (None, Refusal.WRONG_SHAPE),
        ([], Refusal.WRONG_SHAPE),
        ("none", Refusal.WRONG_SHAPE),
        ({"result": "error", "msg": "Could not connect to mime.", "success": False}, Refusal.NOT_SUCCEED),
        ({"result": "unknown command"}, Refusal.NOT_SUCCEED),
        ({"result": "fail", "url": "none", "supervisor": {}, "panels": []}, Refusal.NOT_SUCCEED),
        ({"status": 403, "error": "Unauthorized", "path": ""}, Refusal.NOT_SUCCEED),
        ({"status": "failed"}, Refusal.NOT_SUCCEED),
    ],
    ids=repr,
)
def test_what_is_no_reply_is_refused(name: str, payload: object, reason: Refusal) -> None:
    with pytest.raises(Refused) as refused:
        DECODERS[name](payload)
    assert refused.value.reason is reason


@pytest.mark.parametrize("name", sorted(DECODERS.keys() - {"firmware_check"}))
@pytest.mark.parametrize(
    "payload",
    [{}, {"result": "succeed"}, {"devices": []}, {"result": {}}, {"supervisor": [], "interfaces": {}}],
    ids=repr,
)
def test_another_reply_is_of_the_wrong_shape(name: str, payload: object) -> None:
    with pytest.raises(Refused) as refused:
        DECODERS[name](payload)
    assert refused.value.reason is Refusal.WRONG_SHAPE


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.stem)
@pytest.mark.parametrize("wrong", [None, "", "nan", [], {}, [None], True, 10**400, "\ud800"], ids=repr)
def test_missing_or_wrong_in_any_place_never_becomes_a_number(path: Path, wrong: object) -> None:
    payload, decode = load(path), decoder(path)
    before = flat(decode(payload))
    for where in nodes(payload):
        for changed in (replaced(payload, where, wrong), removed(payload, where)):
            try:
                after = flat(decode(changed))
            except Refused:
                assert where[-1] in ("result", "supervisor", "interfaces", "networkstatus", "panels", "success")
                continue
            new = {value for pair in after if pair not in before for value in [pair[1]]}
            assert not [
                value for value in new if isinstance(value, int | float) and where[-1] not in ("PROGR", 0, 1, 2)
            ]
            for key, value in after:
                assert value != 0 or (key, value) in before


@given(
    st.sampled_from(sorted(DECODERS)),
    anything
    | st.dictionaries(
        st.sampled_from(
            ["result", "supervisor", "networkstatus", "url", "progress", "complete", "panels", "percent"]
        ),
        anything | st.dictionaries(st.sampled_from(["interfaces", "system", "panels", "SWVER"]), anything),
    ),
)
@settings(max_examples=400)
def test_nothing_but_refused_comes_out(name: str, payload: object) -> None:
    try:
        values = flat(DECODERS[name](payload))
    except Refused:
        return
    for key, value in values:
        row = QUANTITIES[key]
        assert not isinstance(value, bool)
        if row.switch:
            assert value in ("on", "off", None)
        if isinstance(value, str):
            assert not row.unit
            value.encode()


@pytest.mark.parametrize(
    ("url", "state"),
    [
        ("none", "off"),
        ("", "off"),
        (" None ", "off"),
        (None, "off"),
        ("http://x/fw", "on"),
        ("https://x/fw", "on"),
        ("could not reach the server", None),
        (7, None),
        ([], None),
    ],
)
def test_a_firmware_update(url: object, state: str | None) -> None:
    assert supervisor.firmware_check({"url": url}) == {"firmware_update": state}


def test_no_word_of_an_update_is_none() -> None:
    assert supervisor.firmware_check({}) == {"firmware_update": "off"}


@pytest.mark.parametrize(
    ("signal", "dbm"), [("-48", -48), (-48, -48), ("0", None), (0, None), ("5", None), ("", None), (None, None)]
)
def test_a_signal(signal: object, dbm: float | None) -> None:
    payload = {"interfaces": [{"interface": "sta0", "signal": signal}, {"interface": "cell", "signal": "-70"}]}
    assert interfaces.interfaces(payload) == {"wifi_signal": dbm}


@pytest.mark.parametrize(
    ("system", "parts", "state"),
    [
        ("up", ["down"], "on"),
        ("down", ["up"], "off"),
        ("UP", [], "on"),
        ("", ["down", "up"], "on"),
        (None, ["down", "down"], "off"),
        ("perhaps", [None, "perhaps"], None),
        (None, [None, "down"], "off"),
    ],
)
def test_the_internet(system: object, parts: list[object], state: str | None) -> None:
    listed = [{"interface": "wan", "internet": part} for part in parts]
    payload = {"networkstatus": {"interfaces": listed, "system": {"internet": system}}}
    assert interfaces.interfaces(payload) == {"internet": state}


def test_the_state_is_the_first_of_state_link_and_status() -> None:
    part = {"interface": "WAN", "state": "UP", "link": "disconnected", "status": "odd"}
    assert interfaces.interfaces({"interfaces": [part]}) == {"ethernet_state": "up"}
    assert interfaces.interfaces({"interfaces": [{**part, "state": ""}]}) == {"ethernet_state": "disconnected"}
    both = [{**part, "state": "", "link": None, "status": ""}, {**part, "interface": "wan0"}]
    assert interfaces.interfaces({"interfaces": both}) == {"ethernet_state": "up"}


@pytest.mark.parametrize(
    ("complete", "state"),
    [
        (True, "on"),
        (False, "off"),
        ("true", "on"),
        ("False", "off"),
        (1, "on"),
        ("0", "off"),
        ("soon", None),
        ([], None),
    ],
)
def test_a_discovery(complete: object, state: str | None) -> None:
    assert supervisor.discovery({"complete": complete}) == {"discovery_complete": state}
    none = {"progress": [], "complete": complete}
    assert supervisor.discovery(none) == {"discovery_progress": None, "discovery_complete": state}


def test_of_two_panels_with_one_serial_the_last_counts() -> None:
    panels = [{"inverterSerialNumber": "E1", "slope": 1}, {"inverterSerialNumber": "e1", "slope": 2}]
    assert layout.layout({"panels": panels}) == {"e1": {"panel_slope": 2}}


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({}, None),
        ({"flash_wear": None, "flash_usage": None, "flash_available": None}, None),
        ({"flash_wear": "90"}, None),
        ({"flash_wear": 70}, "off"),
        ({"flash_wear": 80}, "on"),
        ({"flash_usage": 94.9}, "off"),
        ({"flash_usage": 95}, "on"),
        ({"flash_available": 5000}, "off"),
        ({"flash_available": 4999}, "on"),
        ({"flash_available": 0}, "on"),
        ({"flash_wear": 0, "flash_usage": 0, "flash_available": 60000}, "off"),
        ({"flash_wear": 90, "flash_available": 60000}, "on"),
        ({"flash_usage": 73, "flash_wear": None}, "off"),
        ({"flash_usage": float("nan")}, None),
    ],
    ids=repr,
)
def test_a_flash_problem(values: dict[str, Any], problem: str | None) -> None:
    assert flash.flash_problem(values) == problem


def test_a_payload_is_left_as_it_was() -> None:
    for path in OURS:
        payload = load(path)
        before = copy.deepcopy(payload)
        decoder(path)(payload)
        assert payload == before
