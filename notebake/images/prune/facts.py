"""All that decides about the images of a region, read before anything is decided."""

import datetime
from collections.abc import Mapping
from typing import NamedTuple

from notebake.images.pointer_record import Pointer
from notebake.images.prune.marks import Mark
from notebake.recipe.prune import Prune
from notebake.record import Record


class Unread(Record):
    """A fact that could not be read, or was not asked for. It never counts as "nothing"."""

    reason: str


NOT_ASKED = Unread(reason="nobody asked")
AVAILABLE, DISABLED = "available", "disabled"


class ImageFacts(Record):
    """An image."""

    image_id: str
    recipe: str
    """The name in its tag; "" if that is lost."""
    run_id: str
    state: str
    """In EC2's words."""
    made_at: datetime.datetime | None
    doubt: str = ""
    """Why it is not certain to be ours; "" if it is."""
    is_accepted: bool = True
    accepted_at: datetime.datetime | None = None
    is_kept: bool = False
    """Whether it, or a snapshot of it, is tagged to be kept."""
    is_protected: bool = False
    is_public: bool = False
    is_revoked: bool = False
    deprecated_from: datetime.datetime | None = None
    last_launched: datetime.datetime | None = None
    base_image_id: str = ""
    snapshot_ids: tuple[str, ...] = ()
    usd_per_month: float | None = None
    mark: Mark | None = None
    """What the run store has of an earlier prune."""
    uses: tuple[str, ...] | Unread = NOT_ASKED
    """What refers to it."""
    recipients: tuple[str, ...] | Unread = NOT_ASKED
    """Who else may launch it."""

    @property
    def is_usable(self) -> bool:
        """Whether a machine can be launched from it, and should be."""
        is_good = self.is_accepted and not self.is_revoked and not self.doubt
        return is_good and self.state == AVAILABLE


class RecipeFacts(Record):
    """A recipe of which the region has images."""

    is_given: bool = False
    """Whether a recipe of this name and region was given: only its policy counts."""
    policy: Prune | None = None
    pointer: Pointer | Unread | None = None
    """None if no image of it was ever promoted."""


class RegionFacts(NamedTuple):
    """A region at one moment."""

    region: str
    now: datetime.datetime
    images: tuple[ImageFacts, ...]
    recipes: Mapping[str, RecipeFacts]
    named: Mapping[str, str] | Unread
    """Which image the parameter of each recipe names."""
    bases: Mapping[str, str]
    """The recipes that name an image as their base, by its id."""
    awaiting_approval: frozenset[str] = frozenset()

    def of_recipe(self, name: str) -> list[ImageFacts]:
        """Return the images of a recipe, the newest first."""
        oldest = datetime.datetime.min.replace(tzinfo=datetime.UTC)
        found = [image for image in self.images if image.recipe == name]
        return sorted(found, key=lambda image: image.made_at or oldest, reverse=True)
