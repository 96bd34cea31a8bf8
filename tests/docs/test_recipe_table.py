"""docs/recipe.md holds the table of all fields as the recipe has them."""

from docs.recipe_table import BEGIN, END, recipe_table
from notebake.recipe import Recipe
from tests.docs.markdown import ROOT


def test_the_document_holds_the_table_of_the_recipe_as_it_is() -> None:
    text = (ROOT / "docs/recipe.md").read_text(encoding="utf-8")
    assert (text.count(BEGIN), text.count(END)) == (1, 1)
    between = text.split(BEGIN)[1].split(END)[0].strip()
    assert between == recipe_table().strip(), "run: python -m docs.generate"


def test_the_table_explains_every_field() -> None:
    rows = [line.split(" | ") for line in recipe_table().splitlines()[2:]]
    assert len(rows) > len(Recipe.model_fields)
    for row in rows:
        assert len(row) == 4, row
        assert row[3].strip(" |"), row
