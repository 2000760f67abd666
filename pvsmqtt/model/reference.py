"""The table of quantities as a page: ``python -m pvsmqtt.model.reference > docs/quantities.md``."""

from __future__ import annotations

import sys

from pvsmqtt.model.quantity import QUANTITIES, Quantity

_HEAD = """\
# Quantities

Every key that a state can have, made from the table in the code (`.venv/bin/python -m pvsmqtt.model.reference`).
Keys never change. A device has those that its equipment told at least once; a value that is unknown or too old is
`null`, and one marked *held* keeps its last value while the device is silent. *Diagnostic* and *off* are how Home
Assistant shows the entity: among the diagnostics, and switched off until you want it.

| key | name | unit | class | state class | notes |
| --- | --- | --- | --- | --- | --- |
"""


def page() -> str:
    """The whole page."""
    return _HEAD + "".join(f"{_row(quantity)}\n" for quantity in QUANTITIES.values())


def _row(quantity: Quantity) -> str:
    options = ("on", "off") if quantity.switch else quantity.options
    marks = {
        "held": quantity.holds,
        "diagnostic": quantity.diagnostic,
        "off": not quantity.enabled,
        f"off on {', '.join(sorted(kind.value for kind in quantity.quiet_on))}": bool(quantity.quiet_on),
        "one of " + ", ".join(f"`{option}`" for option in options): bool(options),
    }
    notes = "; ".join([quantity.description, *(mark for mark, true in marks.items() if true)])
    cells = (
        f"`{quantity.key}`",
        quantity.name,
        quantity.unit or "",
        quantity.device_class or "",
        quantity.state_class or "",
        notes,
    )
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.stdout.write(page())
