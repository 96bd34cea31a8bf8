"""A recipe as the text of its file."""

import yaml

from notebake.recipe import Recipe


def dump_recipe(recipe: Recipe) -> str:
    """Return YAML that loads to an equal recipe, without the defaults."""
    plain = recipe.model_dump(mode="json", exclude_defaults=True)
    return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True)
