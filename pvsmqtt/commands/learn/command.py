"""``pvsmqtt learn``: gathers, analyses, asks, and writes a register map. Nothing is published and nothing accepted
unasked."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pvsmqtt.commands import log
from pvsmqtt.commands.learn import view
from pvsmqtt.commands.learn.analysis import Analysis, Result, analyse
from pvsmqtt.commands.learn.evidence import Strength
from pvsmqtt.commands.learn.gather import Gathering, Stopped, opened, replayed
from pvsmqtt.commands.learn.history import History
from pvsmqtt.commands.sniff.which import TABLE, options_of, tap_of
from pvsmqtt.sources.rs485.url import LineUrl

HISTORY = Path("pvsmqtt-learn.jsonl")
OUTPUT = Path("pvsmqtt-learned.toml")
SECONDS = 4 * 3600.0


def learn(
    config: Path | None,
    line: LineUrl | None,
    seconds: float | None,
    history: Path | None,
    capture: Path | None,
    output: Path | None,
    offline: bool,
    accept: str | None,
    yes: bool,
    window: float,
    as_json: bool,
) -> int:
    """Learn. Exit status 0 when it ran, also when nothing was found; 1 with the reason when it could not.

    Raises:
        SettingsError: when the configuration is needed and bad.
    """
    log.set_up("warning")
    target = output or OUTPUT
    if target.exists():
        return _no(f"{target} exists already: name another file with -o, so that no map is lost")
    if offline and history is None:
        return _no("--offline needs --history FILE: what was gathered before", 2)
    known = History()
    try:
        if capture is not None:
            _say(f"{replayed(capture, known)} reads in {capture}")
        if offline and history is not None:
            with history.open(encoding="utf-8", errors="replace") as file:
                known.read(file)
        else:
            _gather(config, line, seconds or SECONDS, history or HISTORY, known)
    except Stopped as stopped:
        return _no(str(stopped))
    except OSError as error:
        return _no(f"{history or HISTORY}: {error.strerror}")
    if known.counters["damaged"]:
        _say(f"{known.counters['damaged']} damaged lines of {history} were left out")
    found = analyse(known, window, _progress("looks for {}"))
    _clear()
    if as_json:
        print(json.dumps(view.document(found), indent=2))  # noqa: T201
    else:
        print("\n".join(view.lines(found)))  # noqa: T201
    return _write(target, _accepted(found, yes or accept is not None, as_json), as_json)


def _gather(config: Path | None, line: LineUrl | None, seconds: float, path: Path, known: History) -> None:
    """Run the line and the sources of the configuration."""
    from pvsmqtt.settings import SettingsError, load

    settings = load(config)
    others = [(kind, options) for name, kind, options in settings.sources() if name != TABLE]
    if not others:
        raise SettingsError(["learning needs the API of a PVS to compare with: write a [[pvs]] table"])
    tap = None
    if line is not None or len(others) < len(settings.sources()):
        tap = tap_of(*options_of(line, None, None, config))
    else:
        _say("no line is configured: only what the PVS tells is gathered, for a capture that is made elsewhere")
    with contextlib.ExitStack() as stack:
        folder = settings.state_dir
        if not os.access(folder, os.W_OK | os.X_OK):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pvsmqtt-learn-")))
        file = stack.enter_context(opened(path, known))
        gathering = Gathering(known, file, tap, _say)
        sources = [kind.build(one, folder) for kind, one in others]
        _say(
            f"gathers for {timedelta(seconds=round(seconds))} into {path}; Ctrl-C ends it and analyses what is there"
        )
        tell = _progress("{}")
        asyncio.run(gathering.run(sources, seconds, lambda passed: tell(_so_far(gathering, passed))))
    _clear()


def _so_far(gathering: Gathering, passed: float) -> str:
    known = gathering.history
    units = len({place.unit for place in known.registers})
    text = f"{timedelta(seconds=int(passed))}  {known.counters['reads']} reads of {units} units, "
    text += f"{known.counters['readings']} readings of {len(known.subjects)} devices"
    return f"{text}  {gathering.said}" if gathering.said else text


def _accepted(found: Analysis, all_strong: bool, as_json: bool) -> list[Result]:
    """What is to be written: what was asked for, or what the user says yes to."""
    candidates = [result for result in found.results if result.best is not None]
    if all_strong:
        return [one for one in candidates if one.best is not None and one.best.strength is Strength.STRONG]
    if as_json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return []
    accepted = []
    try:
        for result in candidates:
            if result.best is not None and input(view.question(result, result.best)).strip().lower() in ("y", "yes"):
                accepted.append(result)
    except (EOFError, KeyboardInterrupt):
        print()  # noqa: T201
        return []
    return accepted


def _write(target: Path, accepted: list[Result], as_json: bool) -> int:
    if not accepted:
        if not as_json:
            print("nothing was accepted, nothing is written")  # noqa: T201
        return 0
    from pvsmqtt.commands.learn.proposal import text

    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(text(accepted, datetime.now(UTC).date()))
    except OSError as error:
        return _no(f"{target}: {error.strerror}")
    what, pronoun = ("quantity", "it") if len(accepted) == 1 else ("quantities", "them")
    _say(
        f"{len(accepted)} {what} written to {target}; to use {pronoun} write in [[rs485]]: "
        f"maps = [{json.dumps(str(target.absolute()), ensure_ascii=False)}]"
    )
    return 0


def _progress(form: str) -> Callable[[str], None]:
    """A line that is written over, on a terminal; nothing in a pipe."""
    if not sys.stderr.isatty():
        return lambda _: None
    return lambda text: print(f"\r\x1b[K{form.format(text)[:79]}", end="", file=sys.stderr, flush=True)  # noqa: T201


def _clear() -> None:
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)  # noqa: T201


def _say(text: str) -> None:
    _clear()
    print(text, file=sys.stderr)  # noqa: T201


def _no(reason: str, status: int = 1) -> int:
    print(f"pvsmqtt: {reason}", file=sys.stderr)  # noqa: T201
    return status
