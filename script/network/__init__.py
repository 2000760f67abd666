"""The network of a machine between a PVS and the home: a wired port to the PVS, Wi-Fi to the home.

``script/install --network`` starts it. It runs before anything is installed, with the Python of the system: the
standard library alone, nothing of pvsmqtt, and on the Python 3.9 of an older Raspberry Pi OS well enough to refuse.

    ports.py     what ports there are, as the kernel tells it
    choice.py    which of them goes to the PVS, and why; or why none is touched
    manager.py   who looks after the network here: NetworkManager or systemd-networkd
    plan.py      the files that say so, from the templates in config/network/
    record.py    writing them, and taking them back
    apply.py     the commands that make it so
    talk.py      the conversation: show, ask, do
"""

from __future__ import annotations


class Refused(Exception):
    """Nothing was done: why, and what to do about it."""

    def __init__(self, why: str, advice: str | None = None) -> None:
        super().__init__(why if advice is None else f"{why}\n  -> {advice}")
