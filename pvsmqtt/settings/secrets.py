"""Secrets that are kept outside the configuration file.

A field ``X: SecretStr`` of an options class that has a sibling ``X_file: Path`` is given by itself, else by that
file, else by the systemd credential ``<table>_<X>`` (``$CREDENTIALS_DIRECTORY/mqtt_password``), else, outside
systemd, by a file of that name beside the configuration file, which is where the unit takes the credential from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr

from pvsmqtt.settings.errors import Origins, Problem
from pvsmqtt.settings.schema import members, options_class
from pvsmqtt.settings.toml_lines import Loc


def fill_secrets(
    model: type[BaseModel], values: Mapping[str, Any], environ: Mapping[str, str], origins: Origins, folder: Path
) -> list[Problem]:
    """Put the secrets that are kept in files into ``values`` (changed in place); what went wrong is returned.

    ``folder`` is that of the configuration file.
    """
    problems = []
    for loc, table, field in _secrets(model, values):
        file_field = f"{field}_file"
        if table.get(field) is not None and table.get(file_field) is not None:
            # What the environment gives stands for what the file gives, be it the secret or its file.
            in_environment = [key for key in (field, file_field) if origins.variable((*loc, key))]
            if len(in_environment) != 1:
                text = f"`{field}` is given as well, and only one of them counts; remove one"
                problems.append(Problem((*loc, file_field), text))
                continue
            table.pop(field if in_environment == [file_field] else file_field)
        try:
            if isinstance(file := table.get(file_field), str):
                table.setdefault(field, read_secret(Path(file)))
            elif field not in table:
                credential = Path(environ.get("CREDENTIALS_DIRECTORY") or folder, f"{loc[0]}_{field}")
                file_field = field
                # An empty credential is how a unit file says that there is none.
                if credential.exists() and credential.stat().st_size > 1:
                    table[field] = read_secret(credential)
        except (OSError, ValueError) as error:
            problems.append(Problem((*loc, file_field), str(error)))
    return problems


def _secrets(model: type[BaseModel], values: Mapping[str, Any]) -> Iterator[tuple[Loc, dict[str, Any], str]]:
    """Where a secret may be kept in a file: the way to its table, the table, the name of the field."""
    for name, table_field in model.model_fields.items():
        options, found = options_class(table_field.annotation), values.get(name)
        if options is None or found is None:
            continue
        tables: dict[Loc, Any] = {(name,): found}
        if isinstance(found, list):
            tables = {(name, index): entry for index, entry in enumerate(found)}
        for field, info in options.model_fields.items():
            if SecretStr in members(info.annotation) and f"{field}_file" in options.model_fields:
                yield from ((loc, table, field) for loc, table in tables.items() if isinstance(table, dict))


def read_secret(file: Path) -> str:
    """The content of a file without the newline at its end.

    Raises:
        ValueError: for people, naming the file and what to do.
    """
    try:
        secret = file.read_text(encoding="utf-8").removesuffix("\n")
    except PermissionError:
        raise ValueError(
            f"{file} may not be read by this user: use sudo, or give the file to the user that runs pvsmqtt; "
            f"under systemd hand it over with LoadCredential="
        ) from None
    except OSError as error:
        raise ValueError(f"{file} cannot be read ({error.strerror}): correct the path or create the file") from None
    except UnicodeDecodeError:
        raise ValueError(f"{file} is not text in UTF-8") from None
    if not secret:
        raise ValueError(f"{file} is empty: it should hold the secret and nothing else")
    return secret
