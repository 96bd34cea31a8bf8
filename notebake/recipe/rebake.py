"""The part of a recipe that says when a newer image is baked without being asked for."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from notebake.recipe.content import Software
from notebake.recipe.fields import UNQUOTED, id_of, matching
from notebake.recipe.machine import repeated
from notebake.recipe.part import Contradiction, Part

RebakeCause = Literal[
    "base",
    "security",
    "system",
    "direct",
    "transitive",
    "repository",
    "data",
    "recipe",
    "tools",
]
PROJECT = r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?"
TIMESTAMP = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z"


class PreviousImage(Part):
    """The image before, from which a rebake starts instead of the base image."""

    image_id: Annotated[str, id_of("ami")]
    """The image from which the builder is launched."""
    run_id: str
    """The run that made it."""
    generation: Annotated[int, Field(ge=1, strict=True), UNQUOTED]
    """How many rebakes in a row started from the image before, this one included."""
    first_base: Annotated[str, id_of("ami")]
    """The base image with which the row began."""
    snapshots: dict[str, Annotated[str, id_of("snap")]] = Field(default={})
    """The image's snapshots of the data disks, by the names of the volumes."""


class Rebake(Part):
    """When the flow `update_image` bakes a newer image. It rebuilds nothing by itself."""

    on: Annotated[tuple[RebakeCause, ...], Field(min_length=1)] = (
        "base",
        "security",
        "direct",
        "repository",
    )
    """The causes that count, as `notebake check` has them; `base` is the base image."""
    max_age_days: Annotated[int, Field(ge=1, le=3650, strict=True), UNQUOTED] | None = 90
    """An older image is baked again even if nothing has changed; `null`: never for its age."""
    cooldown_days: Annotated[int, Field(ge=0, le=365, strict=True), UNQUOTED] = 7
    """So long a Python package was in its index before a rebake installs it; 0: no waiting."""
    cooldown_except: tuple[
        Annotated[str, matching(PROJECT, "the name of a Python package")], ...
    ] = ()
    """Python packages that a rebake installs at once, however new they are."""
    failures: Annotated[int, Field(ge=1, le=100, strict=True), UNQUOTED] = 3
    """After so many failed rebakes in a row none is begun: until one by hand, or another recipe."""
    generations: Annotated[int, Field(ge=0, le=24, strict=True), UNQUOTED] = 0
    """At most so many rebakes in a row start from the image before; 0: each from the base image."""
    until: Annotated[str, matching(TIMESTAMP, "a time such as 2026-11-23T00:00:00Z")] | None = None
    """Written by a rebake into its own recipe: Python packages as the index had them then."""
    began: Annotated[str, matching(TIMESTAMP, "a time such as 2026-11-23T00:00:00Z")] | None = None
    """Written by a rebake into its own recipe: then the distribution's packages were updated."""
    previous: PreviousImage | None = None
    """Written by a rebake into its own recipe: it starts from this image, not the base image."""

    def as_written(self) -> "Rebake":
        """Return the policy without what a rebake adds to it."""
        return self.model_copy(update={"until": None, "began": None, "previous": None})

    def contradictions(self) -> Iterator[Contradiction]:
        yield from repeated("on", self.on)
        yield from repeated("cooldown_except", self.cooldown_except)
        if self.cooldown_except and not self.cooldown_days:
            yield Contradiction(("cooldown_except",), "with cooldown_days: 0, no package waits")


def find_in_rebake(rebake: Rebake | None, software: Software) -> Iterator[Contradiction]:
    """Check that nothing is promised that conda cannot keep: it has no packages up to a date."""
    if rebake and software.manager == "conda" and (rebake.cooldown_days or rebake.until):
        text = "with manager: conda, must be 0: conda's packages cannot be asked for up to a date"
        yield Contradiction(("rebake", "cooldown_days"), text, by_absence=True)
