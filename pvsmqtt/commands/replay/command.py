"""``pvsmqtt replay``: opens the recording and picks what is printed."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pvsmqtt.capture import CaptureError, Chunk, Event, Recording, read
from pvsmqtt.capture.mirror import PORTS
from pvsmqtt.capture.reading import Kind
from pvsmqtt.capture.replaying import Replay
from pvsmqtt.commands.replay import frames as frame_view
from pvsmqtt.commands.replay import network
from pvsmqtt.commands.replay import registers as register_view
from pvsmqtt.commands.replay import summary as summary_view
from pvsmqtt.commands.replay.meaning import Meaning
from pvsmqtt.commands.replay.progress import watched
from pvsmqtt.modbus.mapfile import MapError, RegisterMap, load, shipped


def replay(
    file: Path, frames: bool, registers: bool, as_json: bool, maps: Sequence[Path], ports: Sequence[int] = ()
) -> int:
    """Print what the recording holds: each frame, the final registers, or a summary. Exit status 1 when it cannot be
    read, 2 when a map file is bad. ``ports``: those of servers, in traffic of a network."""
    if frames and registers:
        print("pvsmqtt: --frames and --registers exclude each other: ask for one of them", file=sys.stderr)  # noqa: T201
        return 2
    try:
        known = [*shipped(), *(load(path) for path in maps)]
        with read(file, network=True) as recording:
            if recording.kind is Kind.NETWORK:
                packets = recording.records if frames else watched(recording.records, recording, file)
                replayed = network.Replayed(packets, recording.link_type or 0, ports or PORTS)
                if frames:
                    network.print_frames(replayed, as_json)
                else:
                    _print_network(recording, replayed, known, registers, as_json)
            elif frames:
                _frames(recording, as_json)
            else:
                _whole(recording, watched(recording.items(), recording, file), known, registers, as_json)
            sys.stdout.flush()
            if recording.faults.damaged:
                _complain(f"{file}: {recording.faults.damaged} lines or packets could not be read and were left out")
    except MapError as error:
        _complain(str(error))
        return 2
    except CaptureError as error:
        sys.stdout.flush()
        _complain(str(error))
        return 1
    return 0


def _complain(text: str) -> None:
    print(f"pvsmqtt: {text}", file=sys.stderr)  # noqa: T201


def _frames(recording: Recording, as_json: bool) -> None:
    timed, write = recording.timed, sys.stdout.write
    for heard in Replay(recording.items()):
        if as_json:
            write(json.dumps(frame_view.document(heard, timed)) + "\n")
        else:
            write(frame_view.line(heard, timed) + "\n")


def _whole(
    recording: Recording,
    items: Iterator[Chunk | Event],
    maps: Sequence[RegisterMap],
    registers: bool,
    as_json: bool,
) -> None:
    replayed = Replay(items)
    meaning, talk = Meaning(replayed.images, maps), summary_view.Talk()
    for heard in replayed:
        talk.take(heard)
        if heard.block is not None:
            meaning.take(heard.block)
    if registers:
        if as_json:
            tables = register_view.document(replayed.images, meaning, recording.timed)
            print("[" + ",\n".join(json.dumps(one, default=_plain) for one in tables) + "]")  # noqa: T201
        else:
            _print(register_view.lines(replayed.images, meaning))
        return
    found = summary_view.document(recording, replayed, talk, meaning)
    if as_json:
        print(json.dumps(found, indent=2, default=_plain))  # noqa: T201
    else:
        _print(summary_view.lines(found))


def _print_network(
    recording: Recording,
    replayed: network.Replayed,
    maps: Sequence[RegisterMap],
    registers: bool,
    as_json: bool,
) -> None:
    spoken = network.Spoken(replayed, maps)
    if as_json:
        found = spoken.registers() if registers else spoken.summary(recording)
        print(json.dumps(found, indent=2, default=_plain))  # noqa: T201
    else:
        _print(spoken.register_lines() if registers else network.lines(spoken.summary(recording)))


def _print(lines: Iterable[str]) -> None:
    """Without characters that a terminal would obey: a recording may come from anybody."""
    for line in lines:
        print("".join(c if c.isprintable() else "?" for c in line))  # noqa: T201


def _plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, set | frozenset) else str(value)
