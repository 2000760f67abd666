"""How a try to connect, or a connection, ends when the broker has a say in it."""

from __future__ import annotations

import aiomqtt

from pvsmqtt.broker.pauses import Wait


class Refused(Exception):
    """The broker cannot be used now; ``advice`` says what to do, ``reason`` is what is counted, ``wait`` what the
    next try waits for. ``other_version`` says that it wants another version of MQTT; some brokers fall ``silent``
    instead, and so does one that is frozen or far away."""

    def __init__(
        self,
        text: str,
        advice: str,
        other_version: bool = False,
        silent: bool = False,
        reason: str = "no_broker",
        wait: Wait | None = None,
    ) -> None:
        super().__init__(f"{text}: {advice}")
        self.text, self.advice, self.other_version, self.silent = text, advice, other_version, silent
        self.reason, self.wait = reason, wait


class Ended(aiomqtt.MqttError):
    """The broker ended the connection and said why (MQTT 5); otherwise as `Refused`."""

    def __init__(self, text: str, advice: str, reason: str, wait: Wait | None) -> None:
        super().__init__(f"{text}: {advice}")
        self.text, self.advice, self.reason, self.wait = text, advice, reason, wait
