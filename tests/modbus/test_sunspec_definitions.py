"""Definitions of models: data, and nothing but data."""

from __future__ import annotations

import subprocess
import sys

from pvsmqtt.modbus.sunspec.definitions import Shape, definition, known, shape


def test_no_code_of_the_package_that_carries_the_files_is_imported() -> None:
    program = (
        "import sys; from pvsmqtt.modbus.sunspec.definitions import definition;"
        "assert definition(802); print([name for name in sys.modules if name.startswith('sunspec2')])"
    )
    assert (
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "[]\n"
    )


def test_what_is_known() -> None:
    assert {1, 101, 102, 103, 124, 160, 203, 701, 802, 803, 20001} <= known()
    assert definition(64999) is None
    assert shape(64999) is None


def test_every_definition_can_be_read() -> None:
    for model in known():
        found = definition(model)
        assert found is not None
        assert [point.name for point in found.group.points[:2]] == ["ID", "L"]


def test_shapes() -> None:
    """Lengths as in the tables of the SunSpec Alliance."""
    assert shape(1) == Shape(66, 0, older=1)
    assert {model: shape(model) for model in (102, 112, 124, 160, 203, 701, 802, 803, 20001)} == {
        102: Shape(50, 0),
        112: Shape(60, 0),
        124: Shape(24, 0),
        160: Shape(8, 20),
        203: Shape(105, 0),
        701: Shape(153, 0),
        802: Shape(62, 0),
        803: Shape(26, 32),
        20001: Shape(18, 0),
    }
    volt_var = shape(705)
    assert volt_var is not None
    assert volt_var.nested


def test_lengths_that_a_model_can_have() -> None:
    assert [length for length in range(60, 70) if Shape(66, 0, older=1).fits(length)] == [65, 66]
    assert [length for length in range(100) if Shape(26, 32).fits(length)] == [26, 58, 90]
    assert [length for length in range(20) if Shape(13, 2, nested=True).fits(length)] == [13, 15, 16, 17, 18, 19]
