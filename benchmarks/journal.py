"""What the journal of readings costs, and what a day without a broker does to it.

    python benchmarks/journal.py [--panels 40] [--no-live]

A day at default settings is fed as fast as it goes: a DeviceList every 300 s through decoder and house, live data of
the house every 5 s. First with a broker that acknowledges everything at once: what is written to disk (the folder for
temporary files must be on one). Then without a broker: size of the file, memory; and with the real service and a real
broker, how long it takes until all of it has arrived. Beside it the in-memory queue of paho-mqtt with the same
messages. It takes some minutes.

Bytes written are those of the block layer (``write_bytes`` of /proc/self/io), with everything flushed every 30 s of
the day, as the kernel does it; what the file system adds for itself is not in it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import common
import paho.mqtt.client as mqtt

from pvsmqtt.bus import Flow
from pvsmqtt.model.accepted import Accepted
from pvsmqtt.simulator.pvs.house.house import House as SimulatedHouse
from pvsmqtt.simulator.pvs.older import dl_cgi as told
from pvsmqtt.sinks.mqtt.journal.batch import payloads
from pvsmqtt.sinks.mqtt.journal.journal import MOST_WAITING, Journal
from pvsmqtt.sinks.mqtt.journal.options import JournalOptions
from pvsmqtt.sinks.mqtt.journal.sender import Sender
from pvsmqtt.site.house import House
from pvsmqtt.site.registry import Registry
from pvsmqtt.sources.pvs.older import dl_cgi

DAY, POLL, LIVE, FLUSH = 86400, 300, 5, 30
GOAL = 50.0
BEGIN = datetime(2026, 6, 21, 6, tzinfo=UTC)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--panels", type=int, default=40)
    parser.add_argument("--no-live", action="store_true", help="no live data")
    parser.add_argument("--part", choices=["work", "outage", "paho"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.part == "paho":
        paho_queue(args.folder)
    elif args.part:
        asyncio.run(day(args.folder, args.panels, not args.no_live, args.part == "work"))
    else:
        whole(args.panels, args.no_live)


def whole(panels: int, no_live: bool) -> None:
    options = ["--panels", str(panels), *(["--no-live"] if no_live else [])]
    with common.folder() as place:
        part("work", place / "work", options)
        part("outage", place / "outage", options)
        replay(place / "outage")
        part("paho", place / "outage", options)


def part(name: str, folder: Path, options: list[str]) -> None:
    """In a process of its own, so that memory and bytes are its own."""
    folder.mkdir(exist_ok=True)
    subprocess.run([sys.executable, __file__, "--part", name, "--folder", str(folder), *options], check=True)


async def day(folder: Path, panels: int, live: bool, acknowledged: bool) -> None:
    """A day with or without a broker."""
    now = 0.0
    flow: Flow[Accepted] = Flow()
    journal = Journal(folder, JournalOptions(), flow.subscribe(MOST_WAITING), lambda: now)
    await journal.open()
    feeding = feed(panels, live)
    first = next(feeding)
    resident, written, count, cpu = common.resident("self"), bytes_written(), 0, 0.0

    async def publish(_message: object) -> None:
        return

    sender = asyncio.create_task(Sender(journal, 50.0).run("readings", publish)) if acknowledged else None
    for second, readings in [first, *feeding]:
        if second % FLUSH == 0:
            sync(folder)
        now = float(second)
        began = time.process_time()
        flow.publish(readings)
        await journal.flush()
        while sender is not None and journal.report()["pending"]:  # noqa: ASYNC110
            await asyncio.sleep(0)
        cpu += time.process_time() - began
        count += len(readings)
    sync(folder)
    megabytes = (bytes_written() - written) / 1e6
    resident = common.resident("self") - resident
    if sender is not None:
        sender.cancel()
        await asyncio.gather(sender, return_exceptions=True)
    await journal.close()
    (folder / "count").write_text(str(count))
    size = (folder / "journal.db").stat().st_size / 1e6
    print(f"{'normal work' if acknowledged else 'a day without a broker'}: {count} readings in a day")
    print(f"  CPU time of journal{' and sender' if acknowledged else ''}: {1e6 * cpu / count:.0f} µs a reading")
    print(f"  memory: {resident:+.1f} MB")
    print(f"  journal file: {size:.2f} MB")
    if acknowledged:
        print(f"  written: {megabytes:.1f} MB; {common.goal(megabytes < GOAL, f'under {GOAL:g} MB a day')}")
    else:
        print(f"  written: {megabytes:.1f} MB")


def feed(panels: int, live: bool) -> Iterator[tuple[int, list[Accepted]]]:
    """What is accepted in a day: second of the day, readings. The first one has everything loaded."""
    simulated, house = SimulatedHouse(panels=panels), House(Registry())
    for second in range(0, DAY, LIVE):
        at = BEGIN + timedelta(seconds=second)
        if second % POLL == 0:
            document = json.loads(told.device_list(simulated, at))
            house.accept(dl_cgi.decode(document, "pvs 172.27.153.1").readings, float(second))
            yield second, house.taken(at)
        elif live:
            state = simulated.at(at)
            values = {
                "pv_power": round(1000 * state.production.power, 1),
                "grid_power": round(1000 * state.consumption.power, 1),
                "load_power": round(1000 * state.load, 1),
                "pv_energy": round(state.production.energy, 2),
                "grid_net_energy": round(state.consumption.net_energy, 2),
            }
            yield second, [Accepted("site", "pvs 172.27.153.1 live", at, at, values)]


def sync(folder: Path) -> None:
    for file in folder.glob("journal.db*"):
        with file.open("rb") as opened:
            os.fsync(opened)


def bytes_written() -> int:
    lines = Path("/proc/self/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("write_bytes"))


def replay(folder: Path) -> None:
    """The real service sends what is in the journal to a real broker."""
    count = int((folder / "count").read_text())
    pvs = common.Pvs(common.payloads(4, 1))
    (folder / "copy").mkdir()
    (folder / "copy" / "journal.db").write_bytes((folder / "journal.db").read_bytes())
    with common.broker() as port, pvs.serving(), common.Subscriber(port, "+/+/readings").listening() as seen:
        config = folder / "pvsmqtt.toml"
        config.write_text(
            f'state_dir = "{folder / "copy"}"\nlog_level = "warning"\n[journal]\nreplay_rate = 10000\n'
            f'[mqtt]\nhost = "{common.HOST}"\nport = {port}\n'
            f'[[pvs]]\nhost = "{pvs.url}"\napi = "legacy"\nlive = "off"\n'
        )
        command = [sys.executable, "-m", "pvsmqtt", "run", "--config", str(config)]
        with common.process(command, folder / "service.log") as running:
            common.wait_for(lambda: bool(seen.messages), "the first reading")
            began, most = time.monotonic(), 0.0

            def done() -> bool:
                nonlocal most
                most = max(most, common.resident(running.pid))
                time.sleep(0.05)
                return len(seen.messages) >= count

            common.wait_for(done, "the whole day", 600)
            seconds = time.monotonic() - began
    numbers = [json.loads(payload)["sequence"] for _, _, payload, _ in seen.messages[:count]]
    size = sum(len(payload) for _, _, payload, _ in seen.messages[:count]) / count
    print(f"replay by the service: {count} messages of {size:.0f} bytes")
    print(f"  in order and whole: {numbers == list(range(1, count + 1))}")
    print(f"  at the default rate of 50 a second: {count / 50 / 60:.1f} minutes; as fast as it goes: {seconds:.0f} s")
    print(f"  resident memory of the service: {most:.0f} MB at most")


def paho_queue(folder: Path) -> None:
    """The same messages in the queue of a paho client without a broker."""
    from pvsmqtt.sinks.mqtt.journal.store import Store

    store = Store(folder / "journal.db")
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    client.max_queued_messages_set(0)
    before, position, count, began = common.resident("self"), 0, 0, time.process_time()
    while batches := store.read(position, 16):
        for batch in batches:
            for text in payloads(batch):
                client.publish("pvsmqtt/home/readings", text, qos=1)
                count += 1
        position = batches[-1].position
    cpu = time.process_time() - began
    print(f"paho-mqtt's own queue: {count} messages: {common.resident('self') - before:+.1f} MB of memory, ", end="")
    print(f"{1e6 * cpu / count:.0f} µs a message; nothing of it survives the process")


if __name__ == "__main__":
    main()
