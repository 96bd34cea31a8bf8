"""The awards that pay for runs: one YAML file, in which each award has its period.

The file is $NOTEBAKE_AWARDS, or deployments/awards.yaml below the current directory if it exists.
"""

import datetime
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, ValidationError

from notebake.errors import RecipeError
from notebake.recipe.award import AwardNumber
from notebake.recipe.faults import explain
from notebake.recipe.fields import SHORT
from notebake.recipe.file import read_text
from notebake.recipe.part import Contradiction, Part
from notebake.recipe.strict_yaml import read_yaml

VARIABLE = "NOTEBAKE_AWARDS"
DEFAULT_PATH = "deployments/awards.yaml"
HINT = f"Correct it, or name another file in {VARIABLE}."


def _read_day(value: object) -> object:
    """Return the date in a text; other text would be read as a number of seconds."""
    if not isinstance(value, str):
        return value
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", value):
            return datetime.date.fromisoformat(value)
    except ValueError:
        pass
    raise ValueError(f"must be a date such as 2026-11-23, not {SHORT.repr(value)}")


Day = Annotated[datetime.date, BeforeValidator(_read_day)]


class KnownAward(Part):
    """An award, as whoever administers it has written it down."""

    number: AwardNumber
    title: Annotated[str, Field(max_length=200)]
    pi: Annotated[str, Field(max_length=100)]
    """The principal investigator."""
    start: Day
    """The first day of the award's period."""
    end: Day
    """The last day of the award's period."""
    final_report: Day | None = None
    """When the final report is handed in; records are kept for three years from then."""

    def contradictions(self) -> Iterator[Contradiction]:
        if self.end < self.start:
            yield Contradiction(("end",), f"{self.end} is before the start, {self.start}")
        if self.final_report and self.final_report < self.start:
            text = f"{self.final_report} is before the start, {self.start}"
            yield Contradiction(("final_report",), text)

    def describe_day(self, day: datetime.date) -> str:
        """Return how a day lies outside of the period; "" if it is inside."""
        if day < self.start:
            return f"begins on {self.start}"
        return f"ended on {self.end}" if day > self.end else ""


class AwardsFile(Part):
    """The content of the file."""

    awards: tuple[KnownAward, ...]

    def contradictions(self) -> Iterator[Contradiction]:
        numbers = [award.number for award in self.awards]
        for index, number in enumerate(numbers):
            if number in numbers[:index]:
                yield Contradiction(("awards", index, "number"), f"{number} is given twice")


def awards_path() -> Path:
    """Return the path of the file, whether it exists or not."""
    return Path(os.environ.get(VARIABLE) or DEFAULT_PATH)


def read_awards() -> dict[str, KnownAward]:
    """Return the awards by number; none if there is no file and none was named.

    Raises:
        RecipeError: names all faults of the file.
    """
    path = awards_path()
    if not os.environ.get(VARIABLE) and not path.exists():
        return {}
    return {award.number: award for award in parse_awards(read_text(path, str(path)), str(path))}


def parse_awards(text: str, name: str) -> tuple[KnownAward, ...]:
    """Return the awards in a text; `name` precedes each fault."""
    reading = read_yaml(text, name, kind="a list of awards", begins="awards:")
    faults = list(reading.faults)
    try:
        read = AwardsFile.model_validate(reading.root)
        if not faults:
            return read.awards
    except ValidationError as error:
        for each in error.errors(include_url=False):
            found = explain(reading.root, each, True, AwardsFile)
            faults += [fault for fault in found if fault not in faults]
    faults.sort(key=lambda fault: (fault.place.line, fault.place.column))
    raise RecipeError("\n".join(f"{name}:{fault}" for fault in faults), HINT)
