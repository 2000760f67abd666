"""What ``pvsmqtt check`` finds out about equipment that is asked over Modbus: one cycle, and what came of it."""

from __future__ import annotations

from pvsmqtt.model.device import LABELS, Kind
from pvsmqtt.sources.base import Finding
from pvsmqtt.sources.modbus_master.reader import Reader
from pvsmqtt.sources.modbus_master.refusal import Refusal, Refused
from pvsmqtt.sources.modbus_master.source import MasterSource
from pvsmqtt.sources.modbus_master.survey import Language

WORDS = {Language.SUNSPEC: "SunSpec", Language.NATIVE: "native registers"}


async def check(source: MasterSource) -> list[Finding]:
    """Ask everybody once."""
    try:
        readings = await source.cycle()
    finally:
        await source.close()
    subject = source.name
    devices = [reading for reading in readings if reading.device.kind is not Kind.BUS]
    if not source.readers:
        return [_trouble(subject, source)]
    findings = [_door(subject, reader, bool(devices)) for reader in source.readers]
    for reading in devices:
        device = reading.device
        known = sum(value is not None for value in reading.values.values())
        text = f"unit {device.modbus_unit}: {device.model or LABELS[device.kind]}, {known} values"
        advice = "it answers, but tells nothing"
        findings.append(Finding(f"{subject} {device.modbus_unit}", bool(known), text, advice))
    nobody = not devices and not any(reader.shut for reader in source.readers)
    if nobody or source.missing() is not None:
        findings.append(_trouble(f"{subject} units", source))
    return findings


def _door(subject: str, reader: Reader, others: bool) -> Finding:
    name = reader.patient.door.name
    if reader.shut is not None:
        return Finding(f"{subject} {name}", others, reader.shut.detail, reader.shut.advice)
    language = reader.language
    text = f"{name} answers in {WORDS[language]}" if language else f"{name} can be reached"
    silent = [polled.trouble for polled in reader.units.values() if polled.trouble is not None]
    if silent:
        return Finding(f"{subject} {name}", False, f"{text}, but {silent[0].detail}", silent[0].advice)
    return Finding(f"{subject} {name}", True, text)


def _trouble(subject: str, source: MasterSource) -> Finding:
    trouble = source.missing() or source.trouble or Refused(Refusal.NOBODY, "nobody tells anything")
    return Finding(subject, False, trouble.detail, trouble.advice)
