"""The part of a recipe that says which award pays, and what for."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Annotated

from pydantic import Field

from notebake.recipe.fields import UNQUOTED, matching
from notebake.recipe.part import Contradiction, Part

AWARD_NUMBER = r"[A-Za-z0-9][A-Za-z0-9 ./_-]{0,39}"
WHOLE = Decimal(100)
AwardNumber = Annotated[str, matching(AWARD_NUMBER, "an award's number, such as OCE-2012345")]


class Award(Part):
    """One award, and its share of the costs."""

    number: AwardNumber
    """The award's number, as deployments/awards.yaml has it."""
    purpose: Annotated[
        str,
        Field(max_length=200),
        matching(r"[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*", "one line of text"),
    ]
    """What this image does for the award: one line of at most 200 characters."""
    share: Annotated[float, Field(ge=0.01, le=100), UNQUOTED] | None = None
    """Its share of the costs in percent; needed with several awards, where it must sum to 100."""

    @property
    def percent(self) -> Decimal:
        return WHOLE if self.share is None else Decimal(str(self.share))


def find_in_awards(awards: Sequence[Award]) -> Iterator[Contradiction]:
    """Check that no award is given twice, and that the shares sum to 100."""
    numbers = [award.number for award in awards]
    for index, award in enumerate(awards):
        if award.number in numbers[:index]:
            yield Contradiction(("award", index, "number"), f"{award.number} is given twice")
        if award.share is None and len(awards) > 1:
            text = "is needed, in percent, as there are several awards"
            yield Contradiction(("award", index, "share"), text, by_absence=True)
    shares = [award.percent for award in awards if award.share is not None]
    total = sum(shares, Decimal())
    if shares and len(shares) == len(awards) and total != WHOLE:
        text = f"the shares must sum to 100, not {total.normalize():f}"
        yield Contradiction(("award",), text, by_absence=True)
