"""Nothing can be sent to a PVS that is not in the table, and nothing in the table changes an installation."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from helpers_pvs import FakePvs, client_of
from hypothesis import example, given
from hypothesis import strategies as st

from pvsmqtt.sources.pvs.access import requests
from pvsmqtt.sources.pvs.access.requests import (
    FIXED,
    LIVE_DATA_ON,
    MATCHES,
    NAMES,
    OPEN_NAMES,
    Request,
    by_name,
    cached,
    search,
)
from pvsmqtt.sources.pvs.newer import optional_names
from pvsmqtt.sources.pvs.refusal import Refused

ALL_FIXED = sorted(path for path, _, _ in FIXED.values())
SECRET = re.compile(r"wpa|ssid|mac|key|pass|panid|session|token|serial(?!num$)", re.IGNORECASE)
CACHE = "pvsmqtt-1a2b3c-devices"

pieces = st.sampled_from(
    [
        *ALL_FIXED,
        *sorted(NAMES),
        *sorted(MATCHES),
        *(
            "/vars?",
            "name=",
            "match=",
            "cache=",
            "set=",
            "clearcache=",
            "fmt=obj",
            "fmt=xml",
            "&",
            ",",
            "=1",
            "?",
            "#",
        ),
        *("/sys/info/wpa_key", "/sys/info/ssid", "/sys/info/lmac", "/", "pvsmqtt-x", "..", "%26", " ", "\n", "é"),
        *("/cgi-bin/dl_cgi", "?Command=", "StartDiscovery", "GridProfileSet", "/network/powerProduction"),
    ]
)
paths = st.lists(pieces, max_size=7).map("".join) | st.text(max_size=30)


def in_the_table(path: str) -> bool:
    """The table once more, written another way."""
    if path in ALL_FIXED:
        return True
    if not path.startswith("/vars?"):
        return False
    parts = path.removeprefix("/vars?").split("&")
    if parts.pop() != "fmt=obj" or not parts or len(parts) > 2:
        return False
    cache = parts.pop() if parts[-1].startswith("cache=") else None
    if cache is not None and not re.fullmatch("cache=pvsmqtt-[a-z0-9-]{1,40}", cache):
        return False
    if not parts:
        return cache is not None
    key, _, value = parts[0].partition("=")
    return len(parts) == 1 and (
        (key == "name" and set(value.split(",")) <= NAMES) or (key == "match" and value in MATCHES)
    )


@given(paths)
@example("/vars?name=/sys/info/model&fmt=obj")
@example("/vars?name=/sys/info/modelcache=pvsmqtt-x&fmt=obj")
@example("/vars?&cache=pvsmqtt-x&fmt=obj")
@example("/vars?name=/sys/info/model&&fmt=obj")
@example("/vars?name=/sys/info/model,&fmt=obj")
@example("/vars?cache=pvsmqtt-x&fmt=obj\n")
@example("/vars?cache=somebody-elses&fmt=obj")
@example("/vars?fmt=obj")
@example("/vars?match=/&fmt=obj")
@example("/vars?set=/sys/telemetryws/enable=0")
@example("/vars?set=/sys/telemetryws/enable=1&fmt=obj")
@example("/vars?name=/sys/info/model&set=/sys/telemetryws/enable=1&fmt=obj")
@example("/cgi-bin/dl_cgi?Command=StartDiscovery")
@example("")
def test_only_what_is_in_the_table_can_be_built(path: str) -> None:
    if in_the_table(path):
        assert Request(path, 1.0, True).path == path
    else:
        with pytest.raises(ValueError, match="not among the requests"):
            Request(path, 1.0, True)


@given(st.lists(st.sampled_from(sorted(NAMES)) | st.text(max_size=20), max_size=5))
def test_only_known_names_can_be_asked_for(names: list[str]) -> None:
    # A name with a comma in it is several names.
    if set(",".join(names).split(",")) <= NAMES:
        assert by_name(names).path == f"/vars?name={','.join(names)}&fmt=obj"
    else:
        with pytest.raises(ValueError):
            by_name(names)


@given(st.sampled_from(sorted(MATCHES)) | st.text(max_size=20))
def test_only_known_texts_can_be_searched_for(text: str) -> None:
    if text in MATCHES:
        assert search(text).path == f"/vars?match={text}&fmt=obj"
    else:
        with pytest.raises(ValueError):
            search(text)


@given(st.from_regex(r"pvsmqtt-[a-z0-9-]{1,40}", fullmatch=True) | st.text(max_size=60))
def test_only_sets_of_our_own_can_be_used(cache: str) -> None:
    if re.fullmatch(r"pvsmqtt-[a-z0-9-]{1,40}", cache):
        assert cached(cache).path == f"/vars?cache={cache}&fmt=obj"
        assert f"&cache={cache}&" in search("/sys/devices/", cache).path
        assert f"&cache={cache}&" in by_name(["/sys/info/model"], cache).path
    else:
        for build in (cached, lambda name: search("/sys/devices/", name), lambda name: by_name(OPEN_NAMES, name)):
            with pytest.raises(ValueError):
                build(cache)


def test_exactly_one_row_sets_anything() -> None:
    setting = [path for path in ALL_FIXED if "set=" in path.lower()]
    assert setting == [LIVE_DATA_ON.path] == ["/vars?set=/sys/telemetryws/enable=1"]


def test_no_row_is_one_of_the_dangerous_ones() -> None:
    commands = {path.partition("?Command=")[2] for path in ALL_FIXED} - {""}
    assert commands == {"DeviceList", "Get_Comm", "GridProfileGet", "CheckFW", "GetDiscoveryProgress"}
    for path in ALL_FIXED:
        assert not re.search(r"ping|traceroute|tunnel|dhcp|interfaceConfig|powerProduction", path)


def test_no_name_holds_a_secret() -> None:
    assert [name for name in NAMES if SECRET.search(name)] == []
    assert SECRET.search("/sys/info/wpa_key")
    assert SECRET.search("/sys/info/lmac")


def test_every_name_that_is_asked_for_is_in_the_table() -> None:
    wanted: Sequence[str] = (
        *optional_names.COMMON,
        *optional_names.PVS5,
        *optional_names.PVS6,
        *optional_names.MAY_HANG,
    )
    assert set(wanted) <= NAMES
    assert len(wanted) == len(set(wanted))


def test_names_that_are_open_to_everybody_need_no_login() -> None:
    assert by_name(OPEN_NAMES).login is False
    assert by_name(OPEN_NAMES[:1]).login is False
    assert by_name([*OPEN_NAMES, "/sys/info/hwrev"]).login is True
    assert search("/sys/devices/").login is True
    assert cached(CACHE).login is True
    assert LIVE_DATA_ON.login is True


def test_the_lists_of_devices_may_take_long_and_variables_may_not() -> None:
    assert requests.DEVICE_LIST.timeout == requests.DEVICES.timeout == requests.STORAGE.timeout == 120
    assert by_name(OPEN_NAMES).timeout == requests.LOG_IN.timeout == 15


def test_a_request_does_not_change() -> None:
    with pytest.raises(AttributeError):
        requests.DEVICES.path = "/vars?set=a=1"  # type: ignore[misc]


async def test_every_request_is_a_get_and_arrives_as_it_was_written() -> None:
    wanted = [Request(path, 5.0, login) for path, _, login in FIXED.values()]
    wanted += [by_name(sorted(NAMES), CACHE), search("/sys/livedata/", CACHE), cached(CACHE)]
    async with FakePvs().running() as pvs, client_of(pvs) as client:
        for request in wanted:
            with pytest.raises(Refused):
                await client.get(request)
        assert pvs.paths == [request.path for request in wanted]
        assert {seen.method for seen in pvs.seen} == {"GET"}
