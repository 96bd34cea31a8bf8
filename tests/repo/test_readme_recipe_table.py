from pathlib import Path

from notebake.recipe import Recipe
from notebake.recipe.reference_table import BEGIN, END, recipe_table

README = Path(__file__).parents[2] / "README.md"


def test_the_readme_holds_the_table_of_the_recipe_as_it_is() -> None:
    text = README.read_text(encoding="utf-8")
    assert (text.count(BEGIN), text.count(END)) == (1, 1)
    between = text.split(BEGIN)[1].split(END)[0].strip()
    assert between == recipe_table().strip(), "run: python -m notebake.recipe.reference_table"


def test_the_table_explains_every_field() -> None:
    rows = [line.split(" | ") for line in recipe_table().splitlines()[2:]]
    assert len(rows) > len(Recipe.model_fields)
    for row in rows:
        assert len(row) == 4, row
        assert row[3].strip(" |"), row
