"""An image of the catalogue, and its state in words."""

import datetime

from notebake.record import Record


class ListedImage(Record):
    """An image that notebake made, with its snapshots summed up."""

    id: str
    name: str
    recipe: str
    """Name of its recipe; empty if its tags are lost."""
    run_id: str
    state: str
    """In EC2's words."""
    made_at: datetime.datetime | None
    is_accepted: bool
    accepted_at: datetime.datetime | None
    base_image_id: str
    """The image from which its builder was launched; "" if nothing tells."""
    generation_before: str
    """The accepted image of its recipe that was made before it; "" if none is there."""
    size_gib: int | None
    """Size of its disks, GiB; None if EC2 shows none of its snapshots."""
    written_gib: float | None
    """What was written to them, GiB; None if EC2 does not tell of all its snapshots."""
    usd_per_month: float | None
    """At most, as if it shared no block with another image; None if the price is unknown."""
    deprecated_from: datetime.datetime | None
    last_launched: datetime.datetime | None
    """As EC2 tells it, a day late; None: never."""
    is_kept: bool
    """Whether it, or a snapshot of it, is tagged so that neither sweep nor prune removes it."""
    is_public: bool
    recipients: tuple[str, ...] | None = None
    """Who else may launch it: accounts and ARNs; None if nobody has asked, or could not."""
    is_current: bool | None = None
    """Whether the pointer of its recipe in the run store says so; None if that is not known."""
    is_held: bool | None = None
    """Whether that pointer is held, if it is current."""
    is_previous: bool | None = None
    """Whether it was current before: a rollback goes back to it."""
    is_revoked: bool | None = None

    def describe_state(self, now: datetime.datetime) -> str:
        """Return what it is, in few words: `current, held`, `deprecated`, `accepted, kept`."""
        words = []
        if self.is_current:
            words.append("current")
        if self.is_revoked:
            words.append("revoked")
        elif self.is_held:
            words.append("held")
        elif self.is_previous:
            words.append("previous")
        if self.state != "available":
            words.append(self.state)
        elif self.deprecated_from and self.deprecated_from <= now:
            words.append("deprecated")
        if not words:
            words.append("accepted" if self.is_accepted else "not accepted")
        words += ["kept"] * self.is_kept + ["public"] * self.is_public
        return ", ".join(words)


class Catalogue(Record):
    """The images of a region."""

    region: str
    at: datetime.datetime
    images: tuple[ListedImage, ...]
    """By recipe, and the newest first."""
    loose_snapshots: tuple[str, ...] = ()
    """Snapshots of runs that belong to none of the images."""
    loose_usd_per_month: float | None = 0.0
    missing: tuple[str, ...] = ()
    """What could not be read, each with the error."""
