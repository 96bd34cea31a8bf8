"""The part of a recipe for findings that the credential scan allows."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field, StringConstraints

from notebake.recipe.fields import matching
from notebake.recipe.part import Contradiction, Part


class AllowedCredential(Part):
    """A finding in a file that is not a credential."""

    path: Annotated[str, matching(r"/[^\n\0]*", "an absolute path, such as /home/ubuntu/a.txt")]
    """The file as the search names it; `*`, `?` and `[…]` stand for what they do in a shell."""
    rule: Annotated[str, matching(r"[A-Za-z0-9][ -~]*", "a rule as the search names it")]
    """The rule as the search names it; `not-searched` for what could not be read to its end."""
    reason: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] = Field(
        min_length=3
    )
    """Why it is no secret; it is shown in the image's proof."""


class Credentials(Part):
    """The findings that the credential scan allows."""

    allow: tuple[AllowedCredential, ...] = ()
    """Findings that are known, by file and rule."""

    def contradictions(self) -> Iterator[Contradiction]:
        seen: set[tuple[str, str]] = set()
        for index, entry in enumerate(self.allow):
            if (entry.path, entry.rule) in seen:
                text = "this file and rule are allowed already"
                yield Contradiction(("allow", index, "path"), text)
            seen.add((entry.path, entry.rule))
            if not entry.path.strip("/*?"):
                text = "would allow this rule everywhere; name the files"
                yield Contradiction(("allow", index, "path"), text)
