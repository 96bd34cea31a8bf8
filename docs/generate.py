"""Write the parts of the documents that follow from the code: `python -m docs.generate`.

The diagram of the steps in the README, and the table of fields in docs/recipe.md.
"""

from collections.abc import Iterator
from pathlib import Path

from docs.recipe_table import recipe_table
from docs.step_diagram import step_diagram

PROJECT = Path(__file__).parents[1]


def generated() -> Iterator[tuple[Path, str]]:
    """Give each document that has a generated part, with the text that it should have."""
    yield _with_part("README.md", "steps", step_diagram())
    yield _with_part("docs/recipe.md", "recipe", recipe_table())


def _with_part(name: str, mark: str, part: str) -> tuple[Path, str]:
    path = PROJECT / name
    begin, end = f"<!-- {mark}:begin -->\n", f"<!-- {mark}:end -->"
    before, _, rest = path.read_text(encoding="utf-8").partition(begin)
    _, _, after = rest.partition(end)
    return path, f"{before}{begin}{part}{end}{after}"


if __name__ == "__main__":
    for document, text in generated():
        document.write_text(text, encoding="utf-8")
