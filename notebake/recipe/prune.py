"""The part of a recipe that says which of its images may go, and when."""

from typing import Annotated

from pydantic import Field

from notebake.recipe.fields import UNQUOTED
from notebake.recipe.part import Part

Days = Annotated[int, Field(ge=1, le=3650, strict=True), UNQUOTED]


class Prune(Part):
    """Which images `notebake prune` retires: deprecated, then disabled, then removed."""

    keep: Annotated[int, Field(ge=1, le=1000, strict=True), UNQUOTED] = 3
    """So many of the newest accepted images stay, whatever their age."""
    younger_than_days: Annotated[int, Field(ge=0, le=3650, strict=True), UNQUOTED] = 30
    """A younger image stays."""
    launched_within_days: Annotated[int, Field(ge=2, le=3650, strict=True), UNQUOTED] = 60
    """An image stays of which a machine was launched within these days; AWS tells it a day late."""
    disable_after_days: Days = 30
    """So long an image is deprecated before it is disabled: others do not find it any more."""
    remove_after_days: Annotated[int, Field(ge=2, le=3650, strict=True), UNQUOTED] = 30
    """So long it is disabled, and can be enabled again, before it goes with its snapshots."""
