"""What a check for updates found: for each cause whether it changed, and how that was asked."""

from typing import Literal

from notebake.record import Record

Cause = Literal[
    "base image",
    "security",
    "system",
    "direct",
    "transitive",
    "repository",
    "data",
    "recipe",
    "tools",
]
"""Why an image may be out of date. `security` and `system` are apt's packages, `direct` and
`transitive` Python's, `tools` notebake and papermill."""
State = Literal["unchanged", "changed", "not checked", "not kept"]
"""`not checked` by a check of today's sources; `not kept` by one of two runs that are compared."""


class Change(Record):
    """One thing that differs from the image."""

    name: str
    """What it is, in its source's words: a package, a branch, a field of the recipe."""
    old: str | None
    """Its value in the image; None: it was not there."""
    new: str | None
    """Its value now; None: it is gone."""
    detail: str = ""
    """What a reader needs besides, in a few words: the suite of a package, for example."""
    added_bytes: int | None = None
    """How much larger it makes the image, in bytes; None: not known."""


class CauseFinding(Record):
    """What was found of one cause.

    What could not be asked is `not checked`, never `unchanged`. A cause that was asked in part and
    has changes is `changed`; with no change it is `not checked`, and `reason` says what was not.
    """

    cause: Cause
    state: State
    how: str = ""
    """How it was asked, in one sentence: of whom, and what was compared."""
    reason: str = ""
    """Why it, or a part of it, was not checked."""
    changes: tuple[Change, ...] = ()
    held_back: tuple[Change, ...] = ()
    """Updates that are too new for the recipe's cooldown; they are no changes."""
