"""What is still known after a restart, and what happens when it cannot be remembered."""

import json
from pathlib import Path

import pytest
from harness import ROOT, Bench, Recorder, device_ids, is_offline, is_online, retained

STATUS = f"{ROOT}/status"


def no_energy_is_zero(recorder: Recorder) -> None:
    for message in recorder.messages:
        if message.topic.endswith("/state"):
            for key, value in message.json.items():
                assert not (key.endswith("energy") and value == 0), str(message)


async def test_devices_of_yesterday_are_known_while_the_pvs_is_dead(bench: Bench) -> None:
    broker, pvs = await bench.broker(), await bench.pvs()
    recorder = await bench.recorder(broker.port)
    service = await bench.service(broker.port, pvs.port)
    devices = device_ids(pvs)
    await recorder.have("site", *devices)
    await recorder.fence()
    panel = devices[-1]
    before = json.loads((await retained(broker.port))[f"homeassistant/device/pvsmqtt_{panel}/config"])
    await service.stop()
    await pvs.stop()
    await broker.restart()  # nothing is retained any more
    recorder = await bench.recorder(broker.port)
    await service.start()
    await recorder.wait(STATUS, is_online)
    kept = await retained(broker.port)
    after = json.loads(kept[f"homeassistant/device/pvsmqtt_{panel}/config"])
    assert after == before, "entities are kept as they were"
    for device in ("site", *devices):
        assert kept[f"{ROOT}/{device}/status"] == "offline"
    state = json.loads(kept[f"{ROOT}/{panel}/state"])
    assert set(state) - {"measured_at"} == set(before["components"])
    assert state["power"] is None
    assert state["energy"] is None
    assert {entry["id"] for entry in json.loads(kept[f"{ROOT}/devices"])} == {"bridge", "site", *devices}
    no_energy_is_zero(recorder)
    mark = recorder.mark()
    await pvs.start()
    await recorder.have("site", *devices, since=mark)
    no_energy_is_zero(recorder)


async def test_a_kill_loses_nothing_that_was_known_for_a_while(bench: Bench) -> None:
    broker, pvs = await bench.broker(), await bench.pvs()
    recorder = await bench.recorder(broker.port)
    service = await bench.service(broker.port, pvs.port, patch={"pvsmqtt.service.TICK": 0.2})
    await recorder.have("site", *device_ids(pvs))
    served = pvs.stats.device_lists
    await pvs.wait_until(lambda stats: stats.device_lists >= served + 4)
    await service.kill()
    saved = json.loads((service.state_dir / "devices.json").read_text())
    assert {row["id"] for row in saved["devices"]} == {"site", *device_ids(pvs)}


@pytest.mark.parametrize(
    "damage", [b"", b"\x00" * 4096, b'{"format": 99, "devices": []}', b'{"format": 1, "devices": [{}]}', b"[1, 2]"]
)
async def test_damaged_state_files(bench: Bench, damage: bytes) -> None:
    broker, pvs = await bench.broker(), await bench.pvs()
    settings = bench.settings(broker.port, pvs.port)
    folder = Path(settings["state_dir"])
    folder.mkdir()
    (folder / "devices.json").write_bytes(damage)
    (folder / "announced.json").write_bytes(damage)
    service = bench.make_service(settings)
    recorder = await bench.recorder(broker.port)
    await service.start()
    await recorder.have("site", *device_ids(pvs))
    assert (folder / "devices.json.bad").read_bytes() == damage
    assert service.said("cannot be used")
    assert not service.said("Traceback")
    await service.stop()
    assert len(json.loads((folder / "devices.json").read_text())["devices"]) == 1 + len(device_ids(pvs))


async def test_a_folder_that_cannot_be_written(bench: Bench) -> None:
    broker, pvs = await bench.broker(), await bench.pvs()
    settings = bench.settings(broker.port, pvs.port)
    # A file where the folder should be refuses root as well, as a read-only disk does.
    Path(settings["state_dir"]).write_text("in the way")
    service = bench.make_service(settings, patch={"pvsmqtt.service.TICK": 0.2})
    recorder = await bench.recorder(broker.port)
    await service.start()
    await recorder.have("site", *device_ids(pvs))
    complaint = await service.says("cannot save the known devices")
    assert "writable" in complaint
    served = pvs.stats.device_lists
    await pvs.wait_until(lambda stats: stats.device_lists >= served + 4)
    assert len(service.said("cannot save the known devices")) == 1, "said once"
    mark = recorder.mark()
    await service.stop()
    await recorder.wait(STATUS, is_offline, mark)


async def test_what_disappeared_while_the_service_was_away_is_removed(bench: Bench) -> None:
    broker, pvs = await bench.broker(), await bench.pvs()
    recorder = await bench.recorder(broker.port)
    service = await bench.service(broker.port, pvs.port)
    devices = device_ids(pvs)
    await recorder.have("site", *devices)
    await service.stop()
    service.write(ignore=[devices[-1]])
    mark = recorder.mark()
    await service.start()
    await recorder.wait(STATUS, is_online, mark)
    await recorder.wait(f"{ROOT}/{devices[-1]}/state", lambda m: not m.payload, mark)
    await recorder.fence()
    assert not [topic for topic in await retained(broker.port) if devices[-1] in topic]


async def test_another_instance_name_leaves_nothing_behind(bench: Bench) -> None:
    broker, pvs = await bench.broker(), await bench.pvs()
    recorder = await bench.recorder(broker.port)
    service = await bench.service(broker.port, pvs.port)
    await recorder.have("site", *device_ids(pvs))
    await service.stop()
    service.write(instance="cabin")
    await service.start()
    await recorder.have("site", *device_ids(pvs), root="pvsmqtt/cabin")
    await recorder.fence()
    kept = await retained(broker.port)
    assert not [topic for topic in kept if "home/" in topic or "pvsmqtt_home_" in topic]
    assert "homeassistant/device/pvsmqtt_cabin_bridge/config" in kept
