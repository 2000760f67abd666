"""The commands that make it so, after the files are written and after they are taken back: a table per manager.

None of them ends the connection to the home network: only the wired port is set up anew.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass

from network.manager import NETWORK_MANAGER, NETWORKD


@dataclass(frozen=True)
class Step:
    """A command, when it is given, and whether it may fail without harm (a cable that is not plugged in)."""

    command: str
    wifi: bool = False
    may_fail: bool = False


AFTER_WRITING = {
    NETWORK_MANAGER: (
        Step("nmcli general reload conf"),
        Step("nmcli connection reload"),
        Step("nmcli --wait 20 connection up pvsmqtt-pvs", may_fail=True),
        Step("systemctl daemon-reload", wifi=True),
        Step("systemctl enable --now pvsmqtt-wifi.timer", wifi=True),
        # The Wi-Fi that is connected already: NetworkManager looks at the new setting when it connects again.
        Step("iw dev {wifi} set power_save off", wifi=True, may_fail=True),
    ),
    NETWORKD: (
        Step("networkctl reload"),
        Step("networkctl reconfigure {port}"),
        Step("systemctl daemon-reload", wifi=True),
        Step("systemctl enable --now pvsmqtt-wifi.timer", wifi=True),
        Step("udevadm control --reload", wifi=True),
        Step("iw dev {wifi} set power_save off", wifi=True, may_fail=True),
    ),
}
BEFORE_UNDOING = (Step("systemctl disable --now pvsmqtt-wifi.timer", wifi=True, may_fail=True),)
AFTER_UNDOING = {
    NETWORK_MANAGER: (
        Step("systemctl daemon-reload", wifi=True),
        Step("nmcli general reload conf"),
        # The profile is gone: NetworkManager takes the next one that fits, as before.
        Step("nmcli connection reload"),
    ),
    NETWORKD: (
        Step("systemctl daemon-reload", wifi=True),
        Step("udevadm control --reload", wifi=True),
        Step("networkctl reload"),
        Step("networkctl reconfigure {port}"),
    ),
}


def commands(steps: tuple[Step, ...], wired: str, wifi: str | None) -> list[tuple[Step, list[str]]]:
    """The steps that apply here, with their words."""
    return [
        (step, step.command.format(port=wired, wifi=wifi or "").split())
        for step in steps
        if wifi is not None or not step.wifi
    ]


def carry_out(steps: tuple[Step, ...], wired: str, wifi: str | None) -> list[str]:
    """Do them, saying each; what did not work, one line for each."""
    failed = []
    for step, words in commands(steps, wired, wifi):
        print(f"  {' '.join(words)}", flush=True)
        try:
            done = subprocess.run(words, capture_output=True, text=True, timeout=90, check=False)
            trouble = (
                "" if done.returncode == 0 else (done.stderr or done.stdout).strip() or f"status {done.returncode}"
            )
        except (OSError, subprocess.SubprocessError) as error:
            trouble = str(error)
        if trouble and step.may_fail:
            print(f"    not now: {trouble}")
        elif trouble:
            failed.append(f"{' '.join(words)}: {trouble}")
    return failed
