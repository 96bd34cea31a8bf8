"""A run: one execution of a recipe."""

from notebake.recipe import Recipe
from notebake.record import Record


class Run(Record):
    """One execution of a recipe: all that a step needs to find, make or undo its product."""

    id: str
    recipe: Recipe
    store: str
    """The location of the run store: a directory or s3://bucket/prefix."""

    @property
    def recipe_name(self) -> str:
        return self.recipe.name

    @property
    def region(self) -> str:
        return self.recipe.region

    @property
    def user_tags(self) -> dict[str, str]:
        return self.recipe.tags

    @property
    def lease_hours(self) -> float:
        """How long temporary resources last without renewal."""
        return self.recipe.lease_hours

    @property
    def scheduler_role(self) -> str | None:
        """The role with which EventBridge Scheduler ends its machines; None without schedules."""
        return self.recipe.scheduler_role
