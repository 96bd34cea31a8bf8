"""Plain values that know where in a text they stand."""

from dataclasses import dataclass

from notebake.recipe.part import FieldPath, dotted


@dataclass(frozen=True)
class Place:
    """Where in the text something stands."""

    line: int
    column: int
    path: FieldPath


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong, and where."""

    place: Place
    text: str

    def __str__(self) -> str:
        field_name = f"{dotted(self.place.path)}: " if self.place.path else ""
        return f"{self.place.line}:{self.place.column}: {field_name}{self.text}"


class PlacedMapping(dict[str, object]):
    """A mapping that knows where it, its keys and its values stand."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place
        self.keys_at: dict[str, Place] = {}
        self.values_at: dict[str, Place] = {}

    def has(self, step: str | int) -> bool:
        """Whether there is a value under this step."""
        return step in self

    def at(self, step: str | int) -> object:
        """Return the value under this step, or None."""
        return self.get(str(step))

    def place_at(self, step: str | int) -> Place | None:
        """Return where the value stands, or its key where the value could not be read."""
        return self.values_at.get(str(step)) or self.keys_at.get(str(step))

    def put(self, step: str | int, value: object) -> None:
        """Replace the value under this step."""
        self[str(step)] = value

    def take_out(self, step: str | int) -> None:
        """Remove the value under this step."""
        del self[str(step)]


class PlacedList(list[object]):
    """A list that knows where it and its entries stand."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place
        self.values_at: list[Place] = []

    def has(self, step: str | int) -> bool:
        """Whether there is an entry with this index."""
        return isinstance(step, int) and step < len(self)

    def at(self, step: str | int) -> object:
        """Return the entry with this index, or None."""
        return self[int(step)] if self.has(step) else None

    def place_at(self, step: str | int) -> Place | None:
        """Return where the entry stands."""
        return self.values_at[int(step)] if self.has(step) else None

    def put(self, step: str | int, value: object) -> None:
        """Replace the entry with this index."""
        self[int(step)] = value

    def take_out(self, step: str | int) -> None:
        """Remove the entry; those behind it keep their places."""
        del self[int(step)], self.values_at[int(step)]
