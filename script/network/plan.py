"""The files that say what the network shall be, from the templates in config/network/: one row per file."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path

from network.manager import NETWORK_MANAGER, NETWORKD

TEMPLATES = Path(__file__).resolve().parents[2] / "config/network"
# Always the same for a port, so that writing the files twice changes nothing.
SPACE = uuid.UUID("6f0e3a52-5d0c-4c1e-9a57-1c0d6a5e2f10")


@dataclass(frozen=True)
class Row:
    """A template, where its file goes, who may read it, and whether it is about Wi-Fi."""

    template: str
    target: str
    mode: int = 0o644
    wifi: bool = False


ROWS = {
    NETWORK_MANAGER: (
        # NetworkManager ignores profiles that others can read.
        Row(
            "networkmanager/pvsmqtt-pvs.nmconnection",
            "etc/NetworkManager/system-connections/pvsmqtt-pvs.nmconnection",
            0o600,
        ),
        Row("networkmanager/pvsmqtt-wifi.conf", "etc/NetworkManager/conf.d/pvsmqtt-wifi.conf", wifi=True),
        Row("networkmanager/pvsmqtt-wifi.service", "etc/systemd/system/pvsmqtt-wifi.service", wifi=True),
        Row("pvsmqtt-wifi.timer", "etc/systemd/system/pvsmqtt-wifi.timer", wifi=True),
    ),
    NETWORKD: (
        Row("networkd/05-pvsmqtt-pvs.network", "etc/systemd/network/05-pvsmqtt-pvs.network"),
        Row("networkd/80-pvsmqtt-wifi.rules", "etc/udev/rules.d/80-pvsmqtt-wifi.rules", wifi=True),
        Row("networkd/pvsmqtt-wifi.service", "etc/systemd/system/pvsmqtt-wifi.service", wifi=True),
        Row("pvsmqtt-wifi.timer", "etc/systemd/system/pvsmqtt-wifi.timer", wifi=True),
    ),
}


@dataclass(frozen=True)
class File:
    """A file to be written; ``path`` is relative to the root of the system."""

    path: str
    text: str
    mode: int


def files(manager: str, wired: str, wifi: str | None, address: str) -> tuple[File, ...]:
    """What is written for this manager: those about Wi-Fi only where there is one."""
    values = {
        "{port}": wired,
        "{wifi}": wifi or "",
        "{address}": address,
        "{uuid}": str(uuid.uuid5(SPACE, wired)),
    }
    made = []
    for row in ROWS[manager]:
        if row.wifi and wifi is None:
            continue
        text = (TEMPLATES / row.template).read_text()
        for name, value in values.items():
            text = text.replace(name, value)
        made.append(File(row.target, text, row.mode))
    return tuple(made)
