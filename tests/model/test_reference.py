"""The page of quantities says what the table says."""

from pathlib import Path

from pvsmqtt.model.quantity import QUANTITIES
from pvsmqtt.model.reference import page

FILE = Path(__file__).parents[2] / "docs" / "quantities.md"


def test_it_is_up_to_date():
    assert FILE.read_text("utf-8") == page(), "run: python -m pvsmqtt.model.reference > docs/quantities.md"


def test_it_names_every_quantity():
    assert all(f"| `{key}` |" in page() for key in QUANTITIES)
