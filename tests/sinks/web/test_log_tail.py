"""The last lines of the log."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

import pytest

from pvsmqtt.sinks.web.log_tail import LINES, LONGEST, LogTail

log = logging.getLogger("pvsmqtt.some.part")


@pytest.fixture
def tail() -> Iterator[LogTail]:
    ours = logging.getLogger("pvsmqtt")
    ours.setLevel("DEBUG")
    tail = LogTail()
    ours.addHandler(tail)
    yield tail
    ours.removeHandler(tail)
    ours.setLevel("NOTSET")


def test_lines_from_info_on(tail: LogTail) -> None:
    log.debug("not this")
    log.info("%d panels", 12)
    log.warning("hm")
    log.critical("oh")
    lines = tail.lines()
    assert [(line["level"], line["text"]) for line in lines] == [
        ("info", "12 panels"),
        ("warning", "hm"),
        ("error", "oh"),
    ]
    assert {line["logger"] for line in lines} == {"pvsmqtt.some.part"}
    assert lines[0]["time"].endswith("Z")


def test_secrets_are_hidden(tail: LogTail) -> None:
    log.info("password=hunter2")
    log.info("the PVS ZT190585000549A6185 answers at http://ssm_owner:A6185@10.0.0.1/")
    try:
        raise ValueError("session: 0123456789abcdef")
    except ValueError:
        log.exception("it failed")
    text = str(tail.lines())
    for secret in ("hunter2", "A6185", "0123456789abcdef"):
        assert secret not in text
    assert "it failed\\nTraceback" in text


def test_a_secret_at_the_cut_is_hidden_before_it_is_cut(tail: LogTail) -> None:
    secret = "0123456789abcdef" * 4
    log.info("%s %s", "x" * (LONGEST - 20), secret)
    assert "0123" not in tail.lines()[0]["text"]


def test_it_is_bounded(tail: LogTail) -> None:
    for number in range(2 * LINES):
        log.info("%d %s", number, "x" * (2 * LONGEST) if number % 10 == 0 else "")
    lines = tail.lines()
    assert len(lines) == LINES
    assert lines[-1]["text"].startswith(f"{2 * LINES - 1}")
    assert max(len(line["text"]) for line in lines) <= LONGEST + 1


def test_a_line_that_cannot_be_written_hurts_nobody(tail: LogTail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    log.info("%d", "no number")
    log.info("next")
    assert [line["text"] for line in tail.lines()] == ["next"]


def test_many_threads_may_log(tail: LogTail) -> None:
    told: list[str] = []
    tail.told = lambda line: told.append(line["text"])
    threads = [threading.Thread(target=lambda n=n: [log.info("%d", n) for _ in range(50)]) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 400
    assert len(tail.lines()) == LINES
