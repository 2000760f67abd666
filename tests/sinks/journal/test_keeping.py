"""A journal that gives way to another one."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from pvsmqtt.bus import Flow
from pvsmqtt.model.accepted import Accepted
from pvsmqtt.sinks.mqtt.journal.keeping import Keeping
from pvsmqtt.sinks.mqtt.journal.options import JournalOptions

AT = datetime(2026, 6, 21, 18, 5, tzinfo=UTC)


async def test_what_comes_while_one_journal_gives_way_to_another_is_kept_once(tmp_path: Path) -> None:
    readings: Flow[Accepted] = Flow()
    keeping = Keeping(tmp_path, readings)
    await keeping.begin(JournalOptions())
    change = asyncio.create_task(keeping.begin(JournalOptions(max_age=1.0)))
    count = 0
    while not change.done():
        readings.publish([Accepted("e1", "pvs a", AT, AT, {"power": float(count)})])
        count += 1
        await asyncio.sleep(0)
    await keeping.flush()
    report = keeping.report()
    await keeping.end()
    assert count > 1
    assert report is not None
    assert report["pending"] == count
