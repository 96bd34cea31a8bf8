"""What was tried in a run: each making and each undoing of a step, as the ledger has it."""

import datetime
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from notebake.ledger.entry import Entry, format_time
from notebake.ledger.kinds import BEGAN, RECIPE, STEP


@dataclass(frozen=True)
class Attempt:
    """A step that was carried out or undone, whatever came of it."""

    step: str
    number: int
    """Counts the attempts of this step from 1, undoing apart."""
    outcome: str
    """`done`, `failed` or `undone`."""
    began: str
    """UTC; "" if the ledger does not show it."""
    ended: str
    """UTC."""
    who: str
    """The pseudonym of the person; "" if unknown."""
    execution: str
    shown: str
    """What it gave, or why it failed."""
    recipe: int
    """Which of the run's recipes it followed, from 1; 0 if none is recorded."""

    @property
    def id(self) -> str:
        return f"#{'undo' if self.is_undoing else 'try'}-{self.step}-{self.number}"

    @property
    def control_id(self) -> str:
        return f"#control-{self.step}-{self.number}"

    @property
    def is_undoing(self) -> bool:
        return self.outcome == "undone"


def attempts_of(entries: Iterable[Entry]) -> list[Attempt]:
    """Return the attempts in the order in which they ended; what was only found is none."""
    attempts, recipe = [], 0
    counted: Counter[tuple[str, bool]] = Counter()
    for entry in entries:
        recipe += entry.kind in (BEGAN, RECIPE)
        outcome = str(entry.body.get("happening", ""))
        if entry.kind != STEP or outcome not in ("done", "failed", "undone"):
            continue
        step, detail = str(entry.body.get("step", "")), entry.body.get("detail") or {}
        counted[step, outcome == "undone"] += 1
        attempts.append(
            Attempt(
                step=step,
                number=counted[step, outcome == "undone"],
                outcome=outcome,
                began=_beginning(entry),
                ended=entry.time,
                who=entry.who,
                execution=entry.execution,
                shown=str(detail.get("result") or detail.get("message") or ""),
                recipe=recipe,
            )
        )
    return attempts


def _beginning(entry: Entry) -> str:
    seconds = entry.body.get("seconds")
    if not isinstance(seconds, int | float):
        return ""
    ended = datetime.datetime.fromisoformat(entry.time).timestamp()
    return format_time(ended - seconds)
