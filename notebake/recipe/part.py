"""The base class of a recipe's parts, their contradictions, and the places of faults in a text."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationInfo, model_validator

ACCEPTED_BEFORE = {"accepted before": True}
"""The context in which a recipe is read that was accepted once: what another version would refuse
today has its machines and images all the same."""
FieldPath = tuple[str | int, ...]
"""The path of a value in a recipe: ("volumes", 0, "mount_point")."""


@dataclass(frozen=True)
class Contradiction:
    """A contradiction between fields."""

    path: FieldPath
    """The field, relative to the part that holds it."""
    text: str
    by_absence: bool = False
    """Whether a missing field, perhaps a misspelt one, is part of the reason."""


class ContradictionError(ValueError):
    """A part whose fields are valid, but contradict each other."""

    def __init__(self, contradictions: tuple[Contradiction, ...]) -> None:
        super().__init__(contradictions)
        self.contradictions = contradictions

    def __str__(self) -> str:
        return "; ".join(f"{dotted(each.path)}: {each.text}" for each in self.contradictions)


class Part(BaseModel):
    """A frozen part of a recipe in which an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def contradictions(self) -> Iterator[Contradiction]:
        """Yield the contradictions in this part."""
        yield from ()

    @model_validator(mode="after")
    def check_contradictions(self, info: ValidationInfo) -> Self:
        if info.context == ACCEPTED_BEFORE:
            return self
        if found := tuple(self.contradictions()):
            raise ContradictionError(found)
        return self


def dotted(path: FieldPath) -> str:
    """Return the path as text: volumes[0].mount_point."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return "".join(steps).removeprefix(".")


@dataclass(frozen=True)
class Place:
    """A position in the text, and the path of the value there."""

    line: int
    column: int
    path: FieldPath


@dataclass(frozen=True)
class Fault:
    """A fault, and its place."""

    place: Place
    text: str

    def __str__(self) -> str:
        field_name = f"{dotted(self.place.path)}: " if self.place.path else ""
        return f"{self.place.line}:{self.place.column}: {field_name}{self.text}"


class PlacedMapping(dict[str, object]):
    """A mapping with the places of itself, its keys and its values."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place
        self.keys_at: dict[str, Place] = {}
        self.values_at: dict[str, Place] = {}

    def at(self, step: str | int) -> object:
        return self.get(str(step))

    def place_at(self, step: str | int) -> Place | None:
        """Return the place of the value, or of its key if the value could not be read."""
        return self.values_at.get(str(step)) or self.keys_at.get(str(step))

    def remove_at(self, step: str | int) -> bool:
        """Remove the value under this step; return whether there was one."""
        is_present = str(step) in self
        self.pop(str(step), None)
        return is_present


class PlacedList(list[object]):
    """A list with the places of itself and its entries."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place
        self.values_at: list[Place] = []

    def at(self, step: str | int) -> object:
        return self[step] if isinstance(step, int) and step < len(self) else None

    def place_at(self, step: str | int) -> Place | None:
        return self.values_at[step] if isinstance(step, int) and step < len(self) else None

    def remove_at(self, step: str | int) -> bool:
        """Remove the entry with this index; return whether there was one."""
        if not isinstance(step, int) or step >= len(self):
            return False
        del self[step], self.values_at[step]
        return True
