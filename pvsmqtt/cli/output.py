"""Standard output that cannot be written any further."""

from __future__ import annotations

import errno
import os
import sys

_OF_OUTPUT = frozenset((errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO))


def is_of_output(error: OSError) -> bool:
    """Whether it is the output, as far as can be told: what was opened by its name has a name."""
    return error.filename is None and error.errno in _OF_OUTPUT


def given_up(error: OSError) -> int:
    """The exit status: 0 when whoever read it has enough, else 1, and the reason is said."""
    # The interpreter would complain when it flushes at its end.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if isinstance(error, BrokenPipeError):
        return 0
    why = (error.strerror or str(error)).lower()
    print(f"pvsmqtt: the output cannot be written: {why}", file=sys.stderr)  # noqa: T201
    return 1
