"""The part of a recipe that says what the search for credentials lets pass."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field, StringConstraints

from notebake.recipe.fields import matching
from notebake.recipe.part import Contradiction, Part


class AllowedCredential(Part):
    """What may be found in a file although it looks like a credential."""

    path: Annotated[str, matching(r"/[^\n\0]*", "an absolute path, such as /home/ubuntu/a.txt")]
    """The file as the search names it; `*`, `?` and `[…]` stand for what they do in a shell."""
    rule: Annotated[str, matching(r"[A-Za-z0-9][ -~]*", "a rule as the search names it")]
    """The rule as the search names it; `not-searched` for what could not be read to its end."""
    reason: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] = Field(
        min_length=3
    )
    """Why it is no secret; it is shown in the image's proof."""


class Credentials(Part):
    """What the search for credentials lets pass."""

    allow: tuple[AllowedCredential, ...] = ()
    """Findings that are known, by file and rule."""

    def contradictions(self) -> Iterator[Contradiction]:
        """One finding has one reason; a pattern for every file would switch a rule off."""
        seen: set[tuple[str, str]] = set()
        for index, one in enumerate(self.allow):
            if (one.path, one.rule) in seen:
                text = "this file and rule are allowed already"
                yield Contradiction(("allow", index, "path"), text)
            seen.add((one.path, one.rule))
            if not one.path.strip("/*?"):
                text = "would allow this rule everywhere; name the files"
                yield Contradiction(("allow", index, "path"), text)
