"""What a command of the command line is."""

from __future__ import annotations

import argparse
import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class Argument:
    """An argument as argparse takes it; ``dest`` is the parameter of the command's function."""

    def __init__(self, *names: str, **how: Any) -> None:
        self.names = names
        self.how = how


@dataclass(frozen=True, slots=True)
class Command:
    """A command: what it does, an example, and the function ``module:name`` that gets its arguments."""

    name: str
    text: str
    example: str
    function: str
    arguments: tuple[Argument, ...]

    def run(self, args: argparse.Namespace) -> int:
        """Hand over to the function; its exit status."""
        module, name = self.function.split(":")
        values = {key: value for key, value in vars(args).items() if key != "run"}
        return int(getattr(importlib.import_module(f"pvsmqtt.commands.{module}"), name)(**values))


CONFIG = Argument(
    "--config",
    type=Path,
    metavar="FILE",
    help="configuration file (default: $PVSMQTT_CONFIG, else /etc/pvsmqtt/pvsmqtt.toml)",
)
