"""A broker inside this process, for those who have none yet: amqtt (optional extra ``embedded``), MQTT 3.1.1.

It keeps nothing on disk: retained messages are published again after a restart anyway.
"""

from __future__ import annotations

import asyncio
import hmac
import importlib.util
import logging
from dataclasses import dataclass
from typing import Any

from pvsmqtt.sinks.mqtt.options import MqttOptions

RETRY = 10.0
"""Seconds between two tries to listen."""


def available() -> bool:
    """Whether the optional extra is installed."""
    return importlib.util.find_spec("amqtt") is not None


class EmbeddedBroker:
    """Runs the broker until cancelled; ``listening`` is set while it does."""

    def __init__(self, options: MqttOptions) -> None:
        self._options = options
        self.listening = asyncio.Event()

    @property
    def address(self) -> tuple[str, int]:
        """Where this process reaches it."""
        broker = self._options.broker
        return broker.host, broker.port

    async def run(self) -> None:
        """Serve until cancelled. A port that is taken is said once and tried again."""
        from amqtt.broker import Broker
        from amqtt.errors import BrokerError

        for noisy in ("amqtt", "amqtt.broker", "transitions"):
            logging.getLogger(noisy).setLevel(logging.CRITICAL)
        log = logging.getLogger("pvsmqtt.broker")
        where = f"{self._options.listen}:{self._options.port}"
        said = False
        while True:
            broker = Broker(self._config())
            try:
                await broker.start()
            except (BrokerError, OSError) as error:
                if not said:
                    reason = error.__cause__ or error
                    log.error(
                        "the embedded broker cannot listen on %s (%s): set another port in [mqtt]", where, reason
                    )
                said = True
                await asyncio.sleep(RETRY)
                continue
            log.info("the embedded broker listens on %s", where)
            self.listening.set()
            try:
                await asyncio.Event().wait()
            finally:
                self.listening.clear()
                await broker.shutdown()

    def _config(self) -> dict[str, Any]:
        options = self._options
        login: dict[str, Any] = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}
        if options.username is not None:
            password = options.password.get_secret_value() if options.password else ""
            login = {f"{__name__}.PasswordPlugin": {"username": options.username, "password": password}}
        bind = f"{options.listen}:{options.port}"
        return {"listeners": {"default": {"type": "tcp", "bind": bind}}, "plugins": login}


def _plugin() -> type[Any]:
    from amqtt.plugins.base import BaseAuthPlugin

    class PasswordPlugin(BaseAuthPlugin):  # type: ignore[misc]
        """Lets in who knows the user name and password of the configuration."""

        async def authenticate(self, *, session: Any) -> bool:
            """Compare in constant time."""
            given = f"{session.username}\0{session.password}".encode()
            wanted = f"{self.config.username}\0{self.config.password}".encode()
            return hmac.compare_digest(given, wanted)

        @dataclass
        class Config:
            """What the plugin is given."""

            username: str
            password: str

    return PasswordPlugin


def __getattr__(name: str) -> Any:
    # amqtt loads the plugin by its dotted name; its base class must not be imported before it is wanted.
    if name == "PasswordPlugin":
        return _plugin()
    raise AttributeError(name)
