"""What is remembered of one PVS over restarts: its certificate, its generation, which variables it has.

The serial number is in it, and with it the password that newer firmware wants: the state directory is for this
service alone.
"""

from __future__ import annotations

import secrets

from pvsmqtt.sources import memory


class Memory(memory.Memory):
    """Of one PVS, by its host."""

    prefix = "pvs"
    whose = "the PVS"

    @property
    def id(self) -> str:
        """A short name of our own for what the PVS remembers for us, the same after a restart."""
        if not isinstance(self.get("id"), str):
            self.set("id", secrets.token_hex(3))
        return str(self.get("id"))
