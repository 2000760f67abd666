"""Which interface a PVS speaks: by model and build, and by trying where these leave a doubt."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from helpers_pvs import (
    BAD_REQUEST,
    DEVICE_LIST,
    DEVICES,
    FORBIDDEN,
    LOGIN,
    NOON,
    NOT_FOUND,
    OPEN_INFO,
    SERIAL,
    SUPERVISOR_INFO,
    UNAUTHORIZED,
    Clock,
    FakePvs,
    any_certificate,
    client_of,
    info,
    make_certificate,
    place,
)
from hypothesis import given
from hypothesis import strategies as st

from pvsmqtt.sources.pvs.access.certificate import Certificate
from pvsmqtt.sources.pvs.access.client import PvsClient
from pvsmqtt.sources.pvs.access.login import Login
from pvsmqtt.sources.pvs.generation import (
    Decision,
    Generation,
    Identity,
    ask,
    build_of,
    decide,
    expected,
    identify,
    of_supervisor_info,
    of_variables,
    remembered,
)
from pvsmqtt.sources.pvs.memory import Memory
from pvsmqtt.sources.pvs.refusal import Refusal, Refused

LEGACY, VARSERVER = Generation.LEGACY, Generation.VARSERVER

LIST = {"devices": [{"SERIAL": "ZT1", "DEVICE_TYPE": "PVS"}], "result": "succeed"}
MIME_ERROR = (200, {"result": "error", "msg": "Could not connect to mime."})
SESSION = (200, {"session": "abc"})
VARIABLES = (200, {"/sys/info/sw_rev": "2025.10.20.61846", "/sys/info/model": "PVS6 ", "/sys/info/serialnum": SERIAL})


@pytest.mark.parametrize(
    ("version", "build"),
    [
        ("2025.09, Build 61845", 61845),
        ("2019.5, Build 4150", 4150),
        ("2025.11, build5412", 5412),
        ("2025.10.20.61846", 61846),
        ("2025.06.24.61840", 61840),
        ("0.0.25.5408", 5408),
        (" 0.0.25.5408 ", 5408),
        ("61845", 61845),
        ("0.0.25", None),
        ("0.0.999", None),
        ("2025.06", None),
        ("4.21.3", None),
        ("", None),
        (None, None),
        ("Build", None),
        ("2025.11 rc1", None),
        ("9" * 30, None),
    ],
)
def test_the_build_in_every_form_of_a_version(version: str | None, build: int | None) -> None:
    assert build_of(version) == build


@given(st.text())
def test_no_version_does_any_harm(version: str) -> None:
    assert build_of(version) is None or build_of(version) >= 0  # type: ignore[operator]


@pytest.mark.parametrize(
    ("said", "identity"),
    [
        (info(), Identity("PVS6", 61846, "2025.10, Build 61846", SERIAL)),
        (info(build=61839, version="2025.06, Build 61840"), Identity("PVS6", 61839, "2025.06, Build 61840", SERIAL)),
        (info("PVS5", None, "0.0.25.5408"), Identity("PVS5", 5408, "0.0.25.5408", SERIAL)),
        (info("PVS5", None, "2025.11, Build 5412"), Identity("PVS5", 5412, "2025.11, Build 5412", SERIAL)),
        (info("PVS5", None, "0.0.25"), Identity("PVS5", None, "0.0.25", SERIAL)),
        (info("PV Supervisor PVS6", True, "x"), Identity("PVS6", None, "x", SERIAL)),
        (info("pvs6 ", None, "x", SERIAL=None), Identity("PVS6", None, "x", None)),
        (info("Equinox", 7, SERIAL="n/a"), Identity("Equinox", 7, "2025.10, Build 7", None)),
        ({"supervisor": {"SWVER": "2019.5, Build 4150"}}, Identity(None, 4150, "2019.5, Build 4150", None)),
    ],
    ids=repr,
)
def test_who_supervisor_info_is_of(said: Any, identity: Identity) -> None:
    assert of_supervisor_info(said) == identity


@pytest.mark.parametrize(
    "said", [None, [], {}, {"supervisor": None}, {"supervisor": {}}, {"result": "unknown command"}], ids=repr
)
def test_supervisor_info_that_says_nothing_is_refused(said: object) -> None:
    with pytest.raises(Refused) as refused:
        of_supervisor_info(said)
    assert refused.value.reason is Refusal.WRONG_SHAPE


def test_who_the_open_variables_are_of() -> None:
    assert of_variables(VARIABLES[1]) == Identity("PVS6", 61846, "2025.10.20.61846", SERIAL)
    assert of_variables({}) == Identity()


@pytest.mark.parametrize(
    ("model", "build", "generation"),
    [
        ("PVS6", 4150, LEGACY),
        ("PVS6", 5412, LEGACY),
        ("PVS6", 61839, LEGACY),
        ("PVS6", 61840, VARSERVER),
        ("PVS6", 61845, VARSERVER),
        ("PVS5", 5000, LEGACY),
        ("PVS5", 5407, LEGACY),
        ("PVS5", 5408, VARSERVER),
        ("PVS5", 5412, VARSERVER),
        ("PVS6", None, None),
        ("PVS5", None, None),
        (None, 61846, None),
        ("PVS7", 70000, None),
    ],
)
def test_what_firmware_of_a_model_and_build_speaks(
    model: str | None, build: int | None, generation: Generation | None
) -> None:
    assert expected(Identity(model, build)) is generation


def test_a_pvs2_is_not_supported() -> None:
    with pytest.raises(Refused) as refused:
        expected(Identity("PVS2", 5412))
    assert refused.value.reason is Refusal.UNSUPPORTED


def test_an_identity_in_words_tells_no_serial_number() -> None:
    identity = Identity("PVS6", 61839, "2025.06, Build 61839", SERIAL)
    assert str(identity) == "PVS6, firmware 2025.06, Build 61839"
    assert str(Identity()) == "a PVS of unknown model"
    assert SERIAL not in str(Decision(LEGACY, "so", NOON, identity).report())


def test_a_decision_is_remembered_as_it_was() -> None:
    decision = Decision(VARSERVER, "it let us log in", NOON, Identity("PVS6", 61846, "2025.10.20.61846", SERIAL))
    assert remembered(decision.document()) == decision
    unknown = Decision(LEGACY, "it gives its list", NOON, Identity())
    assert remembered(unknown.document()) == unknown


@pytest.mark.parametrize(
    "damage",
    [
        {"generation": "newest"},
        {"generation": ["legacy"]},
        {"decided_at": "yesterday"},
        {"decided_at": None},
        {"build": "many"},
        {"build": [1]},
    ],
    ids=repr,
)
def test_a_damaged_memory_is_no_decision(damage: dict[str, Any]) -> None:
    document = Decision(LEGACY, "so", NOON).document()
    assert remembered(document) is not None
    assert remembered({**document, **damage}) is None


@pytest.mark.parametrize("document", [None, [], {}, "legacy", {"generation": "legacy"}], ids=repr)
def test_no_memory_is_no_decision(document: object) -> None:
    assert remembered(document) is None


def test_a_remembered_serial_number_is_text_or_nothing() -> None:
    document = {**Decision(LEGACY, "so", NOON).document(), "serial": 12345}
    found = remembered(document)
    assert found is None or found.identity.serial in (None, "12345")


async def asked(pvs: FakePvs, secure: FakePvs | None = None) -> tuple[Identity, str]:
    async with client_of(pvs, secure, longest=0.3) as client:
        return await ask(client), client.base


async def test_supervisor_info_is_asked_first_and_nothing_else_is_needed() -> None:
    async with FakePvs().running() as pvs:
        pvs.answers[SUPERVISOR_INFO] = (200, info())
        assert await asked(pvs) == (Identity("PVS6", 61846, "2025.10, Build 61846", SERIAL), pvs.base)
        assert pvs.paths == [SUPERVISOR_INFO]


@pytest.mark.parametrize(
    "trouble", [NOT_FOUND, FORBIDDEN, (301, ""), (200, "<html>"), (200, "[]"), (200, "{}")], ids=str
)
async def test_the_secure_address_is_asked_where_the_plain_one_does_not_tell(trouble: Any) -> None:
    async with FakePvs().running() as plain, FakePvs().running() as secure:
        plain.answers[SUPERVISOR_INFO] = trouble
        secure.answers[SUPERVISOR_INFO] = (200, info())
        assert await asked(plain, secure) == (of_supervisor_info(info()), secure.base)
        assert plain.paths == secure.paths == [SUPERVISOR_INFO]


async def test_without_supervisor_info_the_open_variables_tell_first_of_the_secure_address() -> None:
    async with FakePvs().running() as plain, FakePvs().running() as secure:
        for pvs in (plain, secure):
            pvs.answers[OPEN_INFO] = VARIABLES
        assert await asked(plain, secure) == (of_variables(VARIABLES[1]), secure.base)
        assert OPEN_INFO not in plain.paths
        secure.answers[OPEN_INFO] = BAD_REQUEST
        assert await asked(plain, secure) == (of_variables(VARIABLES[1]), plain.base)


async def test_a_proxy_with_a_path_of_its_own_is_asked_there() -> None:
    async with FakePvs().running() as pvs:
        pvs.answers["/roof" + SUPERVISOR_INFO] = (200, info())
        async with PvsClient(place(f"{pvs.base}/roof"), any_certificate()) as client:
            assert (await ask(client)).build == 61846
        assert pvs.paths == ["/roof" + SUPERVISOR_INFO]


async def test_an_address_is_identified_at_its_own_port() -> None:
    async with FakePvs().running() as pvs:
        pvs.answers[SUPERVISOR_INFO] = (200, info("PVS5", 5412))
        assert (await identify(f"127.0.0.1:{pvs.port}")).model == "PVS5"
        assert (await identify(pvs.base)).model == "PVS5"


async def test_a_web_page_says_that_it_is_one() -> None:
    async with FakePvs().running() as pvs:
        for path in (SUPERVISOR_INFO, OPEN_INFO):
            pvs.answers[path] = (200, "<html>SunPower</html>")
        with pytest.raises(Refused) as refused:
            await asked(pvs)
        assert refused.value.reason is Refusal.HTML
        assert "PVS2" in refused.value.advice


async def test_a_wrong_certificate_is_not_overlooked_for_a_plain_answer(tmp_path: Path) -> None:
    known, shown = make_certificate(tmp_path), make_certificate(tmp_path)
    memory = Memory(None, "pvs")
    async with FakePvs().running() as plain, FakePvs(shown).running() as secure:
        plain.answers[OPEN_INFO] = VARIABLES
        trusted = Certificate(known.fingerprint, memory)
        async with PvsClient(place(plain.base, secure.base), trusted) as client:
            with pytest.raises(Refused) as refused:
                await ask(client)
        assert refused.value.reason is Refusal.CERTIFICATE
        assert secure.seen == []


async def test_where_nobody_tells_the_first_refusal_counts() -> None:
    async with FakePvs().running() as pvs:
        pvs.answers = {SUPERVISOR_INFO: (503, ""), OPEN_INFO: (200, {"/other": "1"})}
        with pytest.raises(Refused) as refused:
            await asked(pvs)
        assert refused.value.reason is Refusal.BUSY


async def decided(identity: Identity, answers: dict[str, Any]) -> tuple[Generation | Refusal, list[str]]:
    async with FakePvs().running() as pvs:
        pvs.answers = answers
        async with client_of(pvs) as client:
            login = Login(client, None, Clock())
            try:
                decision = await decide(client, login, identity, datetime.now(UTC))
            except Refused as refused:
                return refused.reason, pvs.paths
        assert decision.identity == identity
        assert SERIAL not in decision.reason
        assert login.serial == identity.serial
        return decision.generation, pvs.paths


def pvs6(build: int | None, serial: str | None = SERIAL) -> Identity:
    return Identity("PVS6", build, f"Build {build}", serial)


BOTH_LISTS = [DEVICES, DEVICE_LIST]
UNKNOWN = pvs6(None)

BRANCHES: dict[str, tuple[Identity, dict[str, Any], Generation | Refusal, list[str]]] = {
    "clearly old": (pvs6(61829), {}, LEGACY, []),
    "clearly old, its list hangs": (pvs6(61829), {DEVICE_LIST: FORBIDDEN}, LEGACY, []),
    "old PVS5": (Identity("PVS5", 5000, "x", SERIAL), {}, LEGACY, []),
    "just old, no login page": (pvs6(61839), {}, LEGACY, [LOGIN]),
    "just old, spurious 403": (pvs6(61839), {LOGIN: FORBIDDEN, DEVICE_LIST: FORBIDDEN}, LEGACY, [LOGIN]),
    "just old, login crashed": (pvs6(61839), {LOGIN: (500, "")}, LEGACY, [LOGIN]),
    "just old, login and list": (pvs6(61839), {LOGIN: SESSION, DEVICES: (200, LIST)}, LEGACY, [LOGIN, DEVICES]),
    "just old, login and closed list": (
        pvs6(61839),
        {LOGIN: SESSION, DEVICES: FORBIDDEN, DEVICE_LIST: FORBIDDEN},
        VARSERVER,
        [LOGIN, *BOTH_LISTS],
    ),
    "new": (pvs6(61846), {LOGIN: SESSION}, VARSERVER, [LOGIN]),
    "new, wrong password": (pvs6(61846), {LOGIN: UNAUTHORIZED, DEVICES: (200, LIST)}, VARSERVER, [LOGIN]),
    "new, 403": (pvs6(61846), {LOGIN: FORBIDDEN, DEVICES: (200, LIST)}, VARSERVER, [LOGIN]),
    "new, no serial": (pvs6(61846, None), {DEVICES: (200, LIST)}, VARSERVER, []),
    "new, busy": (pvs6(61846), {LOGIN: (503, ""), DEVICES: (200, LIST)}, VARSERVER, [LOGIN]),
    "new, hidden login": (pvs6(61846), {DEVICES: (200, LIST)}, VARSERVER, [LOGIN]),
    "just new, no login page": (pvs6(61840), {DEVICES: (200, LIST)}, LEGACY, [LOGIN, DEVICES]),
    "just new, old list": (pvs6(61842), {DEVICE_LIST: (200, LIST)}, LEGACY, [LOGIN, *BOTH_LISTS]),
    "just new, nothing": (pvs6(61840), {}, VARSERVER, [LOGIN, *BOTH_LISTS]),
    "just new, login crashed": (pvs6(61840), {LOGIN: (500, ""), DEVICES: (200, LIST)}, VARSERVER, [LOGIN]),
    "new PVS5 without login page": (Identity("PVS5", 5410), {DEVICES: (200, LIST)}, VARSERVER, []),
    "just new PVS5": (Identity("PVS5", 5408, "x", SERIAL), {LOGIN: SESSION}, VARSERVER, [LOGIN]),
    "unknown, login": (UNKNOWN, {LOGIN: SESSION, DEVICES: (200, LIST)}, VARSERVER, [LOGIN]),
    "unknown, list": (UNKNOWN, {DEVICES: (200, LIST)}, LEGACY, [LOGIN, DEVICES]),
    "unknown, wrong password, list": (UNKNOWN, {LOGIN: UNAUTHORIZED, DEVICES: (200, LIST)}, LEGACY, [LOGIN, DEVICES]),
    "unknown, wrong password": (UNKNOWN, {LOGIN: UNAUTHORIZED}, Refusal.WRONG_PASSWORD, [LOGIN, *BOTH_LISTS]),
    "unknown, no serial": (pvs6(None, None), {}, Refusal.NO_PASSWORD, BOTH_LISTS),
    "unknown, mime error": (
        UNKNOWN,
        {LOGIN: (500, ""), DEVICES: MIME_ERROR, DEVICE_LIST: MIME_ERROR},
        Refusal.SERVER_ERROR,
        [LOGIN, *BOTH_LISTS],
    ),
    "unknown model, list": (Identity(None, 61846), {DEVICES: (200, LIST)}, LEGACY, [DEVICES]),
    "PVS2": (Identity("PVS2", 234, "2.2.2, Build 234", SERIAL), {DEVICES: (200, LIST)}, Refusal.UNSUPPORTED, []),
}


@pytest.mark.parametrize("name", BRANCHES)
async def test_every_branch_of_the_decision(name: str) -> None:
    identity, answers, generation, paths = BRANCHES[name]
    assert await decided(identity, answers) == (generation, paths)


@pytest.mark.parametrize("build", [61829, 61839, 61845])
@pytest.mark.parametrize("answer", [FORBIDDEN, (500, ""), MIME_ERROR, (200, "<html>"), (200, "")], ids=str)
async def test_no_status_of_a_list_changes_what_the_build_says(build: int, answer: Any) -> None:
    answers = {DEVICES: answer, DEVICE_LIST: answer}
    assert (await decided(pvs6(build), answers))[0] is expected(pvs6(build))
