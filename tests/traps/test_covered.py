"""The table of traps is complete, and the tests that it names exist."""

import ast
from pathlib import Path

from traps.covered import COVERED, Because

HERE = Path(__file__).parent


def test_every_known_trap_has_a_test_or_a_reason() -> None:
    assert list(COVERED) == (HERE / "rows.txt").read_text("utf-8").splitlines()
    for row, tests in COVERED.items():
        assert tests.reason if isinstance(tests, Because) else tests, row


def test_every_test_in_the_table_exists() -> None:
    named = {test for tests in COVERED.values() if not isinstance(tests, Because) for test in tests}
    there = set()
    for file in {name.partition("::")[0] for name in named}:
        tree = ast.parse((HERE.parent / file).read_text("utf-8"))
        there |= {
            f"{file}::{node.name}" for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
    assert named <= there, named - there
