"""``pvsmqtt web-password``: the hash of a password, ready for the configuration."""

from __future__ import annotations

import getpass
import sys

from pvsmqtt.sinks.web import passwords


def web_password() -> int:
    """Ask twice on a terminal, else read one line; print the line for ``[web]``."""
    try:
        password = _asked() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    except EOFError:
        password = ""
    except ValueError as error:
        return _refused(str(error))
    if not passwords.SHORTEST <= len(password) <= passwords.LONGEST:
        return _refused(
            f"the password has {len(password)} characters; allowed: {passwords.SHORTEST} to {passwords.LONGEST}"
        )
    print(f'password_hash = "{passwords.make(password)}"')  # noqa: T201
    return 0


def _asked() -> str:
    """What is typed, without showing it.

    Raises:
        ValueError: when it was not the same twice.
    """
    password = getpass.getpass("Password for the status page: ")
    if getpass.getpass("The same again: ") != password:
        raise ValueError("these were two different passwords; nothing is made")
    return password


def _refused(why: str) -> int:
    print(f"pvsmqtt: {why}", file=sys.stderr)  # noqa: T201
    return 1
