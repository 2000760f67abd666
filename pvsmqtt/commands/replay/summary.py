"""What a person wants to know of a recording first: how long, how busy, who talks of what, and how well it went."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from pvsmqtt.capture.reading import Kind, Recording
from pvsmqtt.capture.replaying import Heard, Replay
from pvsmqtt.commands.replay.frames import EXCEPTIONS
from pvsmqtt.commands.replay.meaning import Meaning
from pvsmqtt.modbus.image import Images
from pvsmqtt.model.times import iso

_RANGES = 12
"""Polled ranges of a table that are shown; the rest is counted."""
_KINDS = {
    Kind.RAW: "recording of pvsmqtt",
    Kind.BYTES: "bare bytes without times",
    Kind.PCAP: "pcap",
    Kind.NETWORK: "pcap of a network",
}


class Talk:
    """Counts frames by unit."""

    def __init__(self) -> None:
        self.requests: Counter[int] = Counter()
        self.responses: Counter[int] = Counter()
        self.functions: dict[int, Counter[int]] = {}
        self.exceptions: dict[int, Counter[int]] = {}

    def take(self, heard: Heard) -> None:
        """One more frame; echoes do not count."""
        frame = heard.frame
        if frame.echo:
            return
        (self.responses if frame.is_response else self.requests)[frame.unit] += 1
        self.functions.setdefault(frame.unit, Counter())[frame.function] += 1
        if frame.exception is not None:
            self.exceptions.setdefault(frame.unit, Counter())[frame.exception] += 1


def document(recording: Recording, replay: Replay, talk: Talk, meaning: Meaning) -> dict[str, Any]:
    """The summary. Durations in seconds, rates in 1/s; None where the recording has no times."""
    span = replay.span if recording.timed else None
    duration = span[1] - span[0] if span else None
    heard, said = replay.framer.counters, replay.dialogue.counters
    junk = replay.bytes - replay.framed
    header = recording.header
    return {
        "file": recording.name,
        "kind": str(recording.kind),
        "link_type": recording.link_type,
        "line": header.line,
        "settings": [*([header.setting] if header.setting else []), *replay.settings][-10:],
        "started_at": iso(header.started_at),
        "anonymised": header.anonymised,
        "note": header.note,
        "duration": None if duration is None else round(duration, 6),
        "bytes": replay.bytes,
        "bytes_per_second": _per(replay.bytes, duration),
        "frames": heard.frames,
        "frames_per_second": _per(heard.frames, duration),
        "requests": heard.requests,
        "responses": heard.responses,
        "exceptions": heard.exceptions,
        "echoes": heard.echoes,
        "paired": said.paired,
        "unpaired": said.unpaired,
        "junk_bytes": junk,
        "junk_share": round(junk / replay.bytes, 6) if replay.bytes else None,
        "crc_failures": heard.crc_failures,
        "interruptions": max(0, replay.breaks - 1),
        "units": units(talk, replay.dialogue.timeouts, duration),
        "tables": tables(replay.images, meaning, duration),
        "faults": asdict(recording.faults),
    }


def units(talk: Talk, timeouts: Counter[int], duration: float | None) -> list[dict[str, Any]]:
    """What was said with each unit."""
    return [_unit(unit, timeouts, talk, duration) for unit in sorted(talk.functions)]


def tables(images: Images, meaning: Meaning, duration: float | None) -> list[dict[str, Any]]:
    """What is known of each table of each unit."""
    return [
        {
            "unit": unit,
            "table": str(table),
            "registers": len(image),
            "unknown": len(meaning.unknown(unit, table, image)),
            "ranges": [
                {"address": at, "count": n, "times": times, "interval": _interval(times, duration)}
                for (at, n), times in sorted(image.ranges.items())
            ],
            "sunspec": {"chain": meaning.chain(unit, table), "identity": meaning.identity(unit, table)}
            | {"guesses": meaning.guesses(unit, table)},
        }
        for (unit, table), image in sorted(images.items(), key=lambda item: (item[0][0], str(item[0][1])))
    ]


def _unit(unit: int, timeouts: Counter[int], talk: Talk, duration: float | None) -> dict[str, Any]:
    return {
        "unit": unit,
        "requests": talk.requests[unit],
        "requests_per_second": _per(talk.requests[unit], duration),
        "responses": talk.responses[unit],
        "timeouts": timeouts[unit],
        "functions": dict(sorted(talk.functions[unit].items())),
        "exceptions": dict(sorted(talk.exceptions.get(unit, Counter()).items())),
    }


def _per(number: int, duration: float | None) -> float | None:
    return round(number / duration, 3) if duration else None


def _interval(times: int, duration: float | None) -> float | None:
    return round(duration / (times - 1), 3) if duration and times > 1 else None


def lines(found: dict[str, Any]) -> Iterator[str]:
    """The summary for people."""
    yield f"{found['file']}: {_KINDS[Kind(found['kind'])]}" + (
        f", link type {found['link_type']}" if found["link_type"] else ""
    )
    anonymised = {True: "serial numbers were blanked", False: "serial numbers are in it", None: None}
    told = {
        "line": found["line"],
        "speed": ", then ".join(dict.fromkeys(found["settings"])) or None,
        "started": found["started_at"],
        "anonymised": anonymised[found["anonymised"]],
        "duration": duration_text(found["duration"]),
        "bytes": _rate(found["bytes"], found["bytes_per_second"]),
        "frames": _rate(found["frames"], found["frames_per_second"]),
    }
    for name, value in told.items():
        if value is not None:
            yield f"  {name:12s}{value}"
    yield f"  {'junk':12s}{found['junk_bytes']} bytes" + (
        f" ({100 * found['junk_share']:.2f} %)" if found["junk_share"] is not None else ""
    )
    yield f"  {'damaged':12s}{found['crc_failures']} frames with a wrong CRC"
    yield f"  {'answers':12s}{found['paired']} paired with their request, {found['unpaired']} not"
    if found["echoes"]:
        yield f"  {'echo':12s}{found['echoes']} requests came twice: the adapter hears itself, or there are two taps"
    if found["interruptions"]:
        yield f"  {'lost':12s}the line was opened again {found['interruptions']} times"
    yield from fault_lines(found["faults"])
    if not found["bytes"]:
        yield "No frame is in it: it is empty, or nothing was heard while it was made."
    elif not found["frames"]:
        yield "No frame is in it. Is the speed right, are A and B the right way round? See pvsmqtt sniff."
    for unit in found["units"]:
        yield from unit_lines(unit, [one for one in found["tables"] if one["unit"] == unit["unit"]])


def fault_lines(faults: dict[str, Any]) -> Iterator[str]:
    """What had to be left out, for people."""
    texts = {
        "damaged": "lines or packets could not be read",
        "cut": "packets were not recorded as a whole",
        "backwards": "times went backwards",
    }
    for name, text in texts.items():
        if faults[name]:
            yield f"  {'left out' if name == 'damaged' else 'note':12s}{faults[name]} {text}"
    for example in faults["examples"]:
        yield f"  {'':12s}{example}"


def unit_lines(unit: dict[str, Any], tables: list[dict[str, Any]]) -> Iterator[str]:
    """A unit with its tables, for people."""
    functions = ", ".join(f"{function} ({times}×)" for function, times in unit["functions"].items())
    rate = unit["requests_per_second"]
    yield ""
    yield (
        f"unit {unit['unit']}: {unit['requests']} requests"
        + (f" ({rate:g}/s)" if rate is not None else "")
        + f", {unit['responses']} responses, {unit['timeouts']} time-outs; functions {functions}"
    )
    for code, times in unit["exceptions"].items():
        yield f"  exception {code} ({EXCEPTIONS.get(code, 'unknown')}): {times}×"
    for table in tables:
        yield f"  {table['table']}: {table['registers']} registers, {table['unknown']} of unknown meaning"
        for one in table["ranges"][:_RANGES]:
            every = f", every {one['interval']:g} s" if one["interval"] is not None else ""
            yield f"    {one['address']}+{one['count']}: read {one['times']}×{every}"
        if len(table["ranges"]) > _RANGES:
            yield f"    and {len(table['ranges']) - _RANGES} more ranges"
        if chain := table["sunspec"]["chain"]:
            models = ", ".join(f"{at['model']} at {at['address']} ({at['basis']})" for at in chain)
            yield f"    SunSpec models: {models}"
        for guess in table["sunspec"]["guesses"]:
            model, address = guess["model"], guess["address"]
            yield (
                f"    looks like SunSpec model {model} at {address} (a guess by what is read of it; if it is right, "
                f'write in [[rs485]]: sunspec_pins = ["{unit["unit"]}:{address}={model}"])'
            )


def duration_text(seconds: float | None) -> str | None:
    """``0:05:00.000 (h:min:s)``"""
    if seconds is None:
        return None
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02d}:{rest:06.3f} (h:min:s)"


def _rate(number: int, rate: float | None) -> str:
    return f"{number}" + (f" ({rate:g}/s)" if rate is not None else "")
