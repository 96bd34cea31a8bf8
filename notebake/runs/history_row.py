"""One run in a list of runs."""

import datetime

from notebake.ledger.summary import Summary
from notebake.record import Record

NOT_RECORDED = "not recorded"
"""The outcome of a run from before there was a ledger."""
NEVER = datetime.datetime.min.replace(tzinfo=datetime.UTC)


class HistoryRow(Record):
    """A run as a list shows it."""

    run_id: str
    began: datetime.datetime = NEVER
    ended: datetime.datetime | None = None
    recipe: str | None = None
    account_id: str | None = None
    outcome: str = NOT_RECORDED
    """A `Result`, or `NOT_RECORDED`."""
    is_sealed: bool = False
    people: tuple[str, ...] = ()
    """The pseudonyms of who executed it."""
    identities: tuple[str, ...] = ()
    """The pseudonyms of their identities in AWS."""
    awards: tuple[str, ...] = ()
    image_id: str | None = None
    holder: str = ""
    """Who is executing it; "" if nobody is."""
    last_step: str | None = None
    """None if no step has ended yet."""
    last_outcome: str | None = None
    last_at: datetime.datetime | None = None
    error: str = ""
    """Why the run cannot be read."""


def row_of(summary: Summary) -> HistoryRow:
    """Return the row of a sealed run."""
    last = max(summary.steps, key=lambda step: step.at, default=None)
    return HistoryRow(
        run_id=summary.run,
        began=parse_time(summary.began) or NEVER,
        ended=parse_time(summary.ended),
        recipe=summary.recipe_name or None,
        account_id=summary.account or None,
        outcome=summary.result,
        is_sealed=True,
        people=summary.people,
        identities=tuple(
            dict.fromkeys(each.identity for each in summary.executions if each.identity)
        ),
        awards=summary.awards,
        image_id=summary.image.id if summary.image else None,
        last_step=last.step if last else None,
        last_outcome=last.outcome if last else None,
        last_at=parse_time(last.at) if last else None,
    )


def parse_time(text: str) -> datetime.datetime | None:
    """Return the time of an entry; None if there is none."""
    return datetime.datetime.fromisoformat(text) if text else None
