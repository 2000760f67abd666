"""The energy command: what the files of the service say, over days, months and clocks that are changed."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from pvsmqtt.cli import main
from pvsmqtt.commands.energy import figures, text
from pvsmqtt.model.files import write_json
from pvsmqtt.settings import Settings, load
from pvsmqtt.site.totals import files
from pvsmqtt.site.totals.basis import IMPORT, PV, Basis, Part
from pvsmqtt.site.totals.days import KEPT, Days, midnight
from pvsmqtt.site.totals.ledger import Ledger

DENVER = ZoneInfo("America/Denver")


def counted(begin: datetime, hours: int, away: tuple[int, int] = (0, 0)) -> tuple[Ledger, datetime]:
    """A house that makes 1 kWh and takes 0.5 kWh in each hour; ``away``: hours without the service."""
    ledger = Ledger(lambda now: begin + timedelta(seconds=now), days=Days(DENVER))
    for hour in range(hours + 1):
        if away[0] <= hour < away[1]:
            continue
        made = {"m1": Part(1000.0 + hour, hour)}
        net = {"c1": Part(hour / 2, hour)}
        ledger.look(
            "site",
            {
                PV: [Basis("meter", "production meter", "counter", made)],
                IMPORT: [Basis("register", "net register", "net", net, False)],
            },
            3600.0 * hour,
            whole=True,
        )
    return ledger, begin + timedelta(hours=hours)


def kept(tmp_path: Path, ledger: Ledger, now: float = 0.0) -> Settings:
    config = tmp_path / "pvsmqtt.toml"
    config.write_text(
        f'state_dir = "{tmp_path}"\ntime_zone = "America/Denver"\n'
        '[mqtt]\nhost = "127.0.0.1"\n[[pvs]]\nhost = "127.0.0.1"\n'
    )
    write_json(tmp_path / files.TOTALS, ledger.document(now))
    write_json(tmp_path / files.DAYS, ledger.days.document())
    return load(config, {})


def test_today_this_month_and_this_year(tmp_path: Path) -> None:
    begin = datetime(2026, 5, 30, 6, tzinfo=UTC)  # midnight in Denver
    ledger, end = counted(begin, 5 * 24 + 10)
    flow = figures(kept(tmp_path, ledger, 3600 * (5 * 24 + 10)), end)["sites"]["site"]
    assert [flow[PV][span]["kwh"] for span in ("today", "month", "year", "lifetime")] == [11, 3 * 24 + 11, 130, 1130]
    assert flow[PV]["today"]["since"] is None
    assert flow[PV]["certainty"] == "measured"
    assert (flow[IMPORT]["certainty"], flow[IMPORT]["today"]["kwh"]) == ("estimated", 5.5)
    assert flow[PV]["year"]["since"] == "2026-05-30T00:00:00-06:00", "it is not known since January"


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 8), 23), (date(2026, 11, 1), 25)])
def test_a_day_is_as_long_as_the_clocks_make_it(tmp_path: Path, day: date, hours: int) -> None:
    begin = midnight(day, DENVER).astimezone(UTC) - timedelta(hours=5)
    ledger, end = counted(begin, 5 + hours - 1)
    assert figures(kept(tmp_path, ledger), end)["sites"]["site"][PV]["today"]["kwh"] == hours
    ledger, end = counted(begin, 5 + hours)
    assert figures(kept(tmp_path, ledger), end)["sites"]["site"][PV]["today"]["kwh"] == 1


def test_who_was_away_at_midnight_says_so(tmp_path: Path) -> None:
    begin = datetime(2026, 6, 10, 6, tzinfo=UTC)
    ledger, end = counted(begin, 30, away=(20, 28))
    settings = kept(tmp_path, ledger, 30 * 3600)
    flow = figures(settings, end)["sites"]["site"][PV]
    assert flow["today"] == {"kwh": 11.0, "since": "2026-06-10T19:00:00-06:00"}
    assert "* today: since 2026-06-10 19:00 (PV energy, Grid import energy)" in text(figures(settings, end))


def test_old_figures_are_said_to_be_old(tmp_path: Path) -> None:
    ledger, end = counted(datetime(2026, 6, 10, 6, tzinfo=UTC), 30)
    settings = kept(tmp_path, ledger, 30 * 3600)
    found = figures(settings, end + timedelta(days=3))
    assert found["old"]
    assert found["sites"]["site"][PV]["today"]["kwh"] is None
    assert "is the service running?" in text(found)[-1]
    assert not figures(settings, end)["old"]


def test_rows_are_bounded_and_those_of_a_wrong_clock_go() -> None:
    days = Days(DENVER)
    begin = datetime(2026, 1, 1, 12, tzinfo=UTC)
    for day in range(KEPT + 400):
        days.turn("site", begin + timedelta(days=day), {PV: (float(day), None)})
    days.turn("site", datetime(1970, 1, 2, tzinfo=UTC), {PV: (1.0, None)})
    rows = days.rows["site"]
    assert len(rows) <= KEPT + 15
    assert all(day.day == 1 for day in list(rows)[:12])
    ahead = begin + timedelta(days=9000)
    days.turn("site", ahead, {PV: (1.0, None)})
    days.turn("site", begin, {PV: (1.0, None)})
    assert max(days.rows["site"]) < ahead.date()


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ledger, _ = counted(datetime.now(UTC).replace(microsecond=0) - timedelta(hours=3), 3)
    kept(tmp_path, ledger, 3 * 3600)
    config = str(tmp_path / "pvsmqtt.toml")
    assert main(["energy", "--config", config]) == 0
    assert "measured: production meter" in capsys.readouterr().out
    assert main(["energy", "--json", "--config", config]) == 0
    assert json.loads(capsys.readouterr().out)["sites"]["site"][PV]["lifetime"]["kwh"] == 1003.0


def test_no_data_yet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept(tmp_path, Ledger())
    assert main(["energy", "--config", str(tmp_path / "pvsmqtt.toml")]) == 1
    assert "run the service" in capsys.readouterr().err
    (tmp_path / files.TOTALS).write_text('{"format": 1}')
    assert main(["energy", "--config", str(tmp_path / "pvsmqtt.toml")]) == 1
    assert "cannot be used" in capsys.readouterr().err
