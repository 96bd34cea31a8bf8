"""A run: one execution of a recipe."""

from notebake.recipe import Recipe
from notebake.record import Record


class Run(Record):
    """One execution of a recipe: all that a step needs to find, make or undo its part."""

    id: str
    recipe: Recipe
    store: str
    """Where the run store lies: a directory, or s3://bucket/prefix."""

    @property
    def recipe_name(self) -> str:
        """The name of its recipe."""
        return self.recipe.name

    @property
    def region(self) -> str:
        """The AWS region in which all that it makes lies."""
        return self.recipe.region

    @property
    def user_tags(self) -> dict[str, str]:
        """The user's own tags for all that it makes."""
        return self.recipe.tags

    @property
    def lease_hours(self) -> float:
        """How long what is temporary stays without renewal."""
        return self.recipe.lease_hours

    @property
    def scheduler_role(self) -> str | None:
        """The role by which EventBridge Scheduler ends its machines; None without schedules."""
        return self.recipe.scheduler_role
