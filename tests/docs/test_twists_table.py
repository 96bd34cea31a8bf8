"""docs/twists.md tells what the programs know: which twists there are, and how their bakes end."""

from pathlib import Path

from sandbox.twists.table import TWISTS
from tests.twists.endings import ENDINGS

DOCUMENT = Path(__file__).parents[2] / "docs/twists.md"


def test_the_table_lists_every_twist_correctly() -> None:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in DOCUMENT.read_text().splitlines()
        if line.startswith("| `")
    ]
    reported = [(name.strip("`"), machine, end) for name, machine, end, _ in rows]
    assert reported == [
        (twist.name, twist.description, ENDINGS[twist.name].told) for twist in TWISTS
    ]
    assert all(seconds for *_, seconds in rows)
