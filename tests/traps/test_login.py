"""Sessions that end in every known way, and passwords that are wrong, given, or not to be had."""

import pytest
from harness import ROOT, Bench, device_ids
from traps.tools import QUICK, VARSERVER, house, plant

from pvsmqtt.simulator.pvs.older import dl_cgi
from pvsmqtt.simulator.pvs.web import routes


@pytest.mark.parametrize("expired", [*routes.EXPIRED, routes.EXPIRED_OPEN])
async def test_a_session_that_has_ended_costs_no_reading(bench: Bench, expired: str) -> None:
    it = await plant(bench, VARSERVER, expired=expired)
    for _ in range(3):
        logins = it.pvs.stats.logins
        it.pvs.sessions.clear()
        since = it.recorder.mark()
        site = await it.go(it.sun.now + it.step)
        assert site["pv_power"] > 100
        assert it.pvs.stats.logins == logins + 1
        assert not [m for m in it.recorder.messages[since:] if m.topic.endswith("/status") and m.text == "offline"]
    health = await it.health()
    assert health["state"] == "ok"
    assert health["refused"] == {}
    assert it.pvs.stats.failed_logins == 0
    await it.check()


@pytest.mark.parametrize("expired", [*routes.EXPIRED, routes.EXPIRED_OPEN])
async def test_a_session_that_ends_as_soon_as_it_was_made_is_no_flood_of_logins(bench: Bench, expired: str) -> None:
    """The real limits: a young session that shows nothing is not thrown away for a new one again and again."""
    it = await plant(bench, VARSERVER, expired=expired, patch=REAL_LIMITS)
    it.pvs.session_lifetime = 0.0
    logins, polls = it.pvs.stats.logins, it.pvs.stats.kinds["vars"].requests
    await it.health(lambda source: source["state"] == "failing")
    await it.pvs.wait_until(lambda stats: stats.kinds["vars"].requests >= polls + 8)
    assert it.pvs.stats.logins - logins <= (8 if expired == "401" else 2)


async def test_a_wrong_password_is_told_and_not_tried_again_soon(bench: Bench) -> None:
    """The other PVS goes on meanwhile."""
    it = await plant(bench, VARSERVER)
    refusing = await bench.pvs(house=house(3, seed=2), firmware=VARSERVER, https=True, clock=it.sun)
    table = {"host": refusing.https_url, "password": "WRONG", "live": "off", "interval": 0.3}
    await it.service.reload(pvs=[*it.service.settings["pvs"], table])
    line = await it.service.says("the PVS refuses the password given in the configuration")
    assert "the last five characters of the serial number on the sticker" in line
    assert "WRONG" not in line
    since = it.recorder.mark()
    for _ in range(2):
        await it.recorder.wait(f"{ROOT}/health", lambda m: _refused(m.json, refusing.https_url) > 3, since)
        await it.go(it.sun.now + it.step)
    assert refusing.stats.failed_logins == 1, "however often it is polled"
    assert refusing.stats.logins == 0
    assert len(it.service.said("refuses the password")) == 1, "and it is said once"
    assert (await it.health())["state"] == "ok"


async def test_a_password_that_was_corrected_is_taken_at_once(bench: Bench) -> None:
    it = await plant(bench, VARSERVER, table={"password": "WRONG"}, ready=False)
    await it.service.says("refuses the password")
    right = it.pvs.house.serials.supervisor[-5:]
    await it.service.reload(pvs=[{**it.service.settings["pvs"][0], "password": right}])
    await it.recorder.have("site", *device_ids(it.pvs))
    await it.check()


async def test_a_password_is_wanted_where_the_serial_number_is_not_told(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nameless(_serial: str, firmware: object) -> bytes:
        return told("", firmware)  # type: ignore[arg-type]

    told = dl_cgi.supervisor_info
    monkeypatch.setattr(dl_cgi, "supervisor_info", nameless)
    it = await plant(bench, VARSERVER, ready=False)
    assert "password =" in await it.service.says("does not tell its serial number")
    health = await it.health(lambda source: source["trouble"] == "no_password")
    assert health["interface"]["generation"] == "varserver"
    assert it.pvs.stats.failed_logins == 0, "nothing is guessed"
    right = it.pvs.house.serials.supervisor[-5:]
    await it.service.reload(pvs=[{**it.service.settings["pvs"][0], "password": right}])
    await it.recorder.have("site", *device_ids(it.pvs))
    await it.check()


async def test_the_session_is_given_back_at_the_end(bench: Bench) -> None:
    it = await plant(bench, VARSERVER)
    await it.service.stop()
    assert it.pvs.stats.logouts == it.pvs.stats.logins == 1


REAL_LIMITS = {
    "pvsmqtt.sources.pvs.access.login.YOUNG": 20.0,
    "pvsmqtt.sources.pvs.newer.reader.YOUNG": 20.0,
    "pvsmqtt.sources.pvs.newer.reader.DOUBT_AGAIN": 900.0,
}
assert REAL_LIMITS.keys() <= QUICK.keys()


def _refused(health: dict[str, object], host: str) -> int:
    sources = health["sources"]
    assert isinstance(sources, list)
    return next((sum(s["refused"].values()) for s in sources if s["name"] == f"pvs {host}"), 0)
