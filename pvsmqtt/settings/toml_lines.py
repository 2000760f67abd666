"""Where in a TOML document each key stands: what tomllib does not tell.

Idea: tomllib has accepted the document, so nothing is checked here. A document is a row of statements, each
ended by the first newline outside brackets and strings; a statement is a ``[table]`` or ``[[array of tables]]``
header or ``key = value``, and only what stands left of the ``=`` is looked at. A value is one place, whatever is
nested in it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator

Loc = tuple[str | int, ...]
"""The way to a value: keys of tables and indices of lists, ``("pvs", 0, "host")``."""

_TOKEN = re.compile(
    r"""
      \"{3} (?: \\. | [^\\] )*? \"{3} (?!\")    # long strings first; they may end with quotes of their own
    | '{3} .*? '{3} (?!')
    | \" (?: \\. | [^\"\\] )* \"
    | ' [^']* '
    | \# [^\n]*
    | [\n\[\]{}=.,]
    | [^\s\"'\#\[\]{}=.,]+                      # bare keys and the rest of values
    """,
    re.DOTALL | re.VERBOSE,
)
_DEPTH = {"[": 1, "{": 1, "]": -1, "}": -1}


def key_lines(text: str) -> dict[Loc, int]:
    """The line, counted from 1, of every table header and every key of a valid TOML document.

    A table that is only implied (``a`` in ``[a.b]``) stands where it is first implied, and so does an array of
    tables as a whole. Keys inside an inline table or array are not listed: their place is that of its key.
    """
    lines: dict[Loc, int] = {}
    sizes: dict[Loc, int] = {}
    table: Loc = ()
    for line, statement in _statements(text):
        header = statement[0] == "["
        left = statement if header else statement[: statement.index("=")]
        keys = [_key(token) for token in left if token not in {"[", "]", "."}]
        path: Loc = () if header else table
        for key in keys[:-1]:
            path += (key,)
            lines.setdefault(path, line)
            if path in sizes:
                path += (sizes[path] - 1,)
        path += (keys[-1],)
        if header and statement[1] == "[":
            lines.setdefault(path, line)
            sizes[path] = sizes.get(path, 0) + 1
            path += (sizes[path] - 1,)
        lines[path] = line
        if header:
            table = path
    return lines


def _statements(text: str) -> Iterator[tuple[int, list[str]]]:
    """Each statement as its tokens, with the line on which it begins."""
    line = begin = 1
    depth = 0
    statement: list[str] = []
    for piece in _TOKEN.findall(text + "\n"):
        if piece == "\n" and depth == 0 and statement:
            yield begin, statement
            statement = []
        elif piece != "\n" and not piece.startswith("#"):
            begin = begin if statement else line
            statement.append(piece)
            depth += _DEPTH.get(piece, 0)
        line += piece.count("\n")


def _key(token: str) -> str:
    """What a key says: quotes and escapes are tomllib's business."""
    if token[0] not in "\"'":
        return token
    key: str = tomllib.loads(f"key = {token}")["key"]
    return key
