"""A certificate that changes while the service runs."""

from harness import ROOT, Bench, device_ids, is_offline
from traps.tools import VARSERVER, at, plant

SHORT = {"interval": 0.1, "stale_after": 2.0}


async def test_a_changed_certificate_is_refused_and_told(bench: Bench) -> None:
    it = await plant(bench, VARSERVER, when=at(18, 0, 1), table=SHORT)
    logins = it.pvs.stats.logins
    since = it.recorder.mark()
    it.pvs.new_certificate()
    it.pvs._drop_connections()
    line = await it.service.says("its certificate is not the known one")
    assert str(it.pvs.fingerprint) in line
    assert 'certificate = "any" or the new fingerprint' in line
    health = await it.health(lambda source: source["trouble"] == "certificate_changed")
    assert health["state"] == "failing"
    for device in (it.production, *it.panels):
        await it.recorder.wait(f"{ROOT}/{device}/status", is_offline, since)
    assert (await it.state("site", lambda state: state["pv_power"] is None, since))["pv_energy"] > 1000
    assert it.pvs.stats.logins == logins, "the login goes to nobody else"
    since = it.recorder.mark()
    table = {**it.service.settings["pvs"][0], "certificate": it.pvs.fingerprint}
    await it.service.reload(pvs=[table])
    await it.recorder.have(*device_ids(it.pvs), since=since)
    await it.check()


async def test_a_changed_certificate_does_not_matter_where_any_will_do(bench: Bench) -> None:
    it = await plant(bench, VARSERVER, table={"certificate": "any"})
    since = it.recorder.mark()
    it.pvs.new_certificate()
    it.pvs._drop_connections()
    for _ in range(2):
        await it.go(it.sun.now + it.step)
    await it.recorder.fence()
    assert not [m for m in it.recorder.messages[since:] if m.topic.endswith("/status") and m.text != "online"]
    assert (await it.health())["refused"].get("certificate_changed") is None
    await it.check()


async def test_a_certificate_is_remembered_over_a_restart_of_the_service(bench: Bench) -> None:
    it = await plant(bench, VARSERVER)
    await it.service.stop()
    it.pvs.new_certificate()
    since = len(it.service.log.items)
    await it.service.start()
    await it.service.says("its certificate is not the known one", since)
    assert it.pvs.stats.logins == 1, "the login goes to nobody else"
