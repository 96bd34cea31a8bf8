"""What every part of a recipe is: a frozen record that names all its contradictions at once."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator

FieldPath = tuple[str | int, ...]
"""Where a value lies in a recipe: ("volumes", 0, "mount_point")."""


@dataclass(frozen=True)
class Contradiction:
    """Two things that cannot both be meant."""

    path: FieldPath
    """The field to point at, seen from the part that holds it."""
    text: str
    by_absence: bool = False
    """Whether a field that is missing, perhaps only misspelt, is part of the reason."""


class ContradictionError(ValueError):
    """A part whose fields are each right, but not together."""

    def __init__(self, contradictions: tuple[Contradiction, ...]) -> None:
        super().__init__(contradictions)
        self.contradictions = contradictions

    def __str__(self) -> str:
        return "; ".join(f"{dotted(each.path)}: {each.text}" for each in self.contradictions)


class Part(BaseModel):
    """A frozen part of a recipe in which an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def contradictions(self) -> Iterator[Contradiction]:
        """Yield what cannot be true together in this part."""
        yield from ()

    @model_validator(mode="after")
    def check_contradictions(self) -> Self:
        """Refuse the part with all its contradictions in one error."""
        if found := tuple(self.contradictions()):
            raise ContradictionError(found)
        return self


def dotted(path: FieldPath) -> str:
    """Return the path as a person writes it: volumes[0].mount_point."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return "".join(steps).removeprefix(".")
