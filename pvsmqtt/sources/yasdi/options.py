"""The options of a ``[[yasdi]]`` table."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, PrivateAttr, field_validator, model_validator

from pvsmqtt.broker.options import Broker, BrokerOptions
from pvsmqtt.options import Options, interval

TABLE = "[[yasdi]]"
OF_A_BROKER = tuple(key for key in BrokerOptions.model_fields if key not in ("host", "client_id"))

StaleAfter = interval(30, "yasdi2mqtt publishes every 15 s or more slowly")


class YasdiOptions(BrokerOptions):
    """Old SMA inverters that yasdi2mqtt publishes to a broker; one table for each of its topics."""

    host: str | None = Field(default=None, min_length=1, examples=["192.168.1.11"])
    """Host name or address of the broker to which yasdi2mqtt publishes. Left out: the broker of [mqtt] with the login
    given there; then nothing else of a broker may be set here but client_id."""
    password_file: Path | None = Field(default=None, examples=["/etc/pvsmqtt/yasdi_password"])
    """File that holds nothing but the password. Under systemd the credential "yasdi_password" serves as well."""
    client_id: str | None = Field(default=None, min_length=1, max_length=65535, examples=["pvsmqtt-yasdi"])
    """Client id at the broker; unset: made from the id of this machine and the topic."""
    topic: str = "solar/inverter"
    """MQTT_TOPIC_PREFIX of yasdi2mqtt. With and without a slash before it are the same."""
    stale_after: StaleAfter = 300.0  # type: ignore[valid-type]
    """Seconds without a message after which an inverter counts as offline, at least 30; more than twice
    YASDI_UPDATE_INTERVAL."""
    site: str = ""
    """Name of the house these inverters belong to, where one pvsmqtt serves several houses."""

    _shared: Broker | None = PrivateAttr(default=None)

    @property
    def broker(self) -> Broker | None:
        """Where to listen: the broker of this table, else the one that `with_broker` told of."""
        return self._shared if self.host is None else self.reached(self.host, TABLE)

    @property
    def filters(self) -> tuple[str, str]:
        """What to subscribe to. yasdi2mqtt's own examples have the prefix with and without a slash before it."""
        plain = self.topic.lstrip("/")
        return f"{plain}/+", f"/{plain}/+"

    def with_broker(self, mqtt: Options) -> Self:
        """See `Options.with_broker`."""
        broker = getattr(mqtt, "broker", None)
        if self.host is not None or not isinstance(broker, Broker):
            return self
        shared = self.model_copy()
        shared._shared = broker
        return shared

    def distinctions(self) -> dict[str, str]:
        """See `Options.distinctions`: a topic at a broker."""
        topic = self.topic.lstrip("/")
        return {"topic": topic if self.host is None else f"{topic} at {self.host}:{self.door}"}

    @field_validator("topic")
    @classmethod
    def _a_prefix(cls, value: str) -> str:
        plain = value.removeprefix("/")
        if not plain or any(c in plain for c in "+#\0") or plain.startswith(("/", "$")) or plain.endswith("/"):
            raise ValueError(
                f"{value!r} is no prefix of topics; allowed: what MQTT_TOPIC_PREFIX of yasdi2mqtt says, such as "
                '"solar/inverter", without +, # and a slash at its end'
            )
        return value

    @field_validator("host")
    @classmethod
    def _not_embedded(cls, value: str | None) -> str | None:
        if value == "embedded":
            raise ValueError(
                "a broker inside this process is set up in [mqtt]; leave host out here, and it is listened to"
            )
        return value

    @model_validator(mode="after")
    def _all_or_nothing(self) -> Self:
        if self.host is None and (found := [key for key in OF_A_BROKER if key in self.model_fields_set]):
            raise ValueError(
                f"{' and '.join(found)} without host: the broker of [mqtt] is listened to then, as set up there. "
                "Write host = …, or take the rest out"
            )
        return self
