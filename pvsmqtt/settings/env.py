"""Settings from the environment: ``PVSMQTT_MQTT__HOST``, and entries of lists by index: ``PVSMQTT_PVS__0__HOST``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource

from pvsmqtt.settings.toml_lines import Loc

PREFIX = "PVSMQTT_"
DELIMITER = "__"
CONFIG = "PVSMQTT_CONFIG"
FAST_POLLING = "PVSMQTT_ALLOW_FAST_POLLING"
SWITCHES = {CONFIG, FAST_POLLING}
"""Variables that are no settings but say how settings are loaded."""


def variables(environ: Mapping[str, str]) -> dict[tuple[str, ...], str]:
    """The name of every variable that sets something, by the way to what it sets: ``("pvs", "0", "host")``.

    An empty value counts as unset.
    """
    return {
        tuple(name[len(PREFIX) :].lower().split(DELIMITER)): name
        for name, value in environ.items()
        if value and name.upper().startswith(PREFIX) and name not in SWITCHES
    }


def variable_name(loc: Loc) -> str:
    """``("pvs", 0, "host")`` -> ``PVSMQTT_PVS__0__HOST``."""
    return PREFIX + DELIMITER.join(str(step).upper() for step in loc)


class Environment(EnvSettingsSource):
    """pydantic-settings' reading of the environment, on the mapping that is handed in.

    Nothing is refused here: what it cannot read or has no place for is handed on as it is, so that validation
    reports it together with everything else. Indexed entries come as ``{"pvs": {"0": {"host": …}}}``.
    """

    def __init__(self, settings_cls: type[BaseSettings], environ: Mapping[str, str]) -> None:
        super().__init__(settings_cls, case_sensitive=False, env_prefix=PREFIX, env_nested_delimiter=DELIMITER)
        self._variables = variables(environ)
        self.env_vars = {name.lower(): environ[name] for name in self._variables.values()}

    def __call__(self) -> dict[str, Any]:
        """What the environment says, also what no option asks for."""
        values = super().__call__()
        for (key, *rest), name in self._variables.items():
            if key not in values:
                value: Any = self.env_vars[name.lower()]
                for step in reversed(rest):
                    value = {step: value}
                values[key] = value
        return values

    def next_field(
        self, field: FieldInfo | Any | None, key: str, case_sensitive: bool | None = None
    ) -> FieldInfo | None:
        """The type below ``key``, an index where ``field`` is a list."""
        annotation = field.annotation if isinstance(field, FieldInfo) else field
        if get_origin(annotation) is list and key.isdecimal():
            return FieldInfo.from_annotation(get_args(annotation)[0])
        return super().next_field(field, key, case_sensitive)

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        """JSON decoded; what is not JSON as it is."""
        try:
            return super().decode_complex_value(field_name, field, value)
        except ValueError:
            return value


def overlay(base: Any, over: Any) -> Any:
    """``over`` on top of ``base``: tables key by key, lists entry by entry where ``over`` gives indices.

    Indices that are no numbers or would leave a gap are not applied: ``over`` is returned as it is.
    """
    if isinstance(base, dict) and isinstance(over, dict):
        return {**base, **{key: overlay(base.get(key), value) for key, value in over.items()}}
    if isinstance(base, list) and isinstance(over, dict) and all(key.isdecimal() for key in over):
        entries = dict(enumerate(base))
        for key, value in over.items():
            entries[int(key)] = overlay(entries.get(int(key)), value)
        if max(entries) == len(entries) - 1:
            return [entries[index] for index in range(len(entries))]
    return over
