"""A broker that is a cluster which others keep: three nodes of nats-server, of which one is killed."""

from __future__ import annotations

from pathlib import Path

import aiomqtt
import pytest
from harness import NOON, ROOT, Bench, Recorder, Seen, device_ids, is_online, retained
from harness.nats import NatsCluster, NatsNode
from helpers_neighbours import replaced, text

READINGS = f"{ROOT}/readings"
OURS = (f"{ROOT}/#", "homeassistant/device/#")
"""Not #: that brings what the nodes say to each other."""

LOOKS = 10

LONG = 60.0
"""Seconds: the nodes take up to 10 to agree on a leader, more on a busy machine, and let nobody in meanwhile."""


def sequence(message: Seen) -> int:
    return int(message.json["sequence"])


async def told(recorder: Recorder, beyond: int) -> int:
    """Wait for a reading beyond this one."""
    await recorder.wait(READINGS, lambda message: sequence(message) > beyond, timeout=LONG)
    return max(sequence(message) for message in recorder.on(READINGS))


async def keeps(cluster: NatsCluster, node: NatsNode) -> dict[str, str]:
    """What a node keeps."""
    for left in range(LOOKS, 0, -1):
        try:
            await cluster.lets_in(node)
            return await retained(node.port, *OURS, old=True)
        except (AssertionError, aiomqtt.MqttError):
            if left == 1:
                raise
    raise AssertionError("unreachable")


@pytest.mark.slow
async def test_a_node_is_killed_and_nothing_is_missing(bench: Bench) -> None:
    cluster = await bench.nats()
    first, second, third = cluster.nodes
    pvs = await bench.pvs(clock=None, start_at=NOON, speed=300.0)
    far = await bench.recorder(third.port, *OURS, old=True)
    others = [f"127.0.0.1:{second.port}", f"127.0.0.1:{third.port}"]
    service = await bench.service(first.port, pvs.port, interval=0.5, mqtt={"hosts": others})
    devices = device_ids(pvs)
    await far.have("site", *devices)
    assert service.said(f"connected to the broker at 127.0.0.1:{first.port} with MQTT 3.1.1")
    before = set(await keeps(cluster, second))
    reached = await told(far, 0)

    since, mark = len(service.log.items), far.mark()
    await first.kill()
    await service.says("connection to the broker lost", since)
    where = await service.says("connected to the broker at", since, LONG)
    assert any(f"127.0.0.1:{node.port} with MQTT 3.1.1" in where for node in (second, third))
    await far.wait(f"{ROOT}/status", is_online, mark, LONG)
    await told(far, reached + 2 * len(devices))

    # Readings came in order and whole, and every device is told of anew at the other node.
    first_times = list(dict.fromkeys(sequence(message) for message in far.on(READINGS)))
    assert first_times == list(range(1, len(first_times) + 1))
    assert len({message.json["stream"] for message in far.on(READINGS)}) == 1
    for device in devices:
        await far.wait(f"{ROOT}/{device}/status", is_online, mark, LONG)

    # And what is retained is there, on the node that comes back too. As long as it is away, the others refuse many
    # new subscriptions (SUBACK with 128), so nobody could look.
    await first.start()
    for node in cluster.nodes:
        kept = await keeps(cluster, node)
        assert kept[f"{ROOT}/status"] == "online"
        assert {kept[f"{ROOT}/{device}/status"] for device in devices} == {"online"}
        assert before <= kept.keys()


@pytest.mark.slow
async def test_a_pi_is_bridged_into_it(bench: Bench, tmp_path: Path) -> None:
    """The bridge as it stands in the file, with the two lines that a broker of MQTT 3.1.1 wants."""
    cluster = await bench.nats()
    first, second, third = cluster.nodes
    addresses = " ".join(f"127.0.0.1:{node.port}" for node in (first, second))
    kept = tmp_path / "kept"
    kept.mkdir()
    kept.chmod(0o777)
    bridge = replaced(
        text("mosquitto-bridge.conf"),
        ("address central.example.org:1883", f"addresses {addresses}\nround_robin true"),
        ("bridge_protocol_version mqttv50", "bridge_protocol_version mqttv311\ntry_private false"),
    )
    local = await bench.broker(extra=f"{bridge}\npersistence true\npersistence_location {kept}/")
    far = await bench.recorder(third.port, *OURS, old=True)
    pvs = await bench.pvs(clock=None, start_at=NOON, speed=300.0)
    await bench.service(local.port, pvs.port, interval=0.5)
    await far.have("site", *device_ids(pvs))
    reached = await told(far, 0)

    before = in_first_order(far)
    assert before == list(range(1, len(before) + 1))

    await first.kill()
    # Those that were under way to the node may come behind newer ones: their numbers say where they belong.
    wanted = set(range(1, reached + 51))
    await far.feed.until(lambda: wanted <= set(in_first_order(far)) or None, "every reading", LONG)

    # From then on they come in order again.
    caught_up = len(in_first_order(far))
    last = max(in_first_order(far))
    await told(far, last + 20)
    after = [number for number in in_first_order(far)[caught_up:] if number > last]
    assert after == list(range(last + 1, last + 1 + len(after)))


def in_first_order(recorder: Recorder) -> list[int]:
    """The numbers of the readings in the order in which each came for the first time."""
    return list(dict.fromkeys(sequence(message) for message in recorder.on(READINGS)))
