"""What came of the faults, for people."""

from collections.abc import Sequence

from tests.faults.case import Case, ForEver
from tests.faults.forks import Outcome


def as_text(cases: Sequence[Case], outcomes: list[Outcome]) -> str:
    """Return the table: a line for each case, with the virtual seconds that each part took."""
    by_name = {trial["name"]: trial for trial in outcomes}
    width = max(len(case.name) for case in cases)
    head = f"{'':<{width}}  {'once':>16}  {'for ever':>16}  bounded by"
    lines = [line for case in cases if (line := _line(case, by_name, width))]
    return "\n".join([head, *lines])


def _line(case: Case, outcomes: dict[str, Outcome], width: int) -> str:
    once, ever = outcomes.get(f"{case.name}, once"), outcomes.get(f"{case.name}, for ever")
    if not once and not ever:
        return ""
    part = case.for_ever
    bound = part.bound if isinstance(part, ForEver) else case.why_not
    ending = "error" if isinstance(part, ForEver) else "survived"
    cells = f"{_cell(once, 'survived'):>16}  {_cell(ever, ending):>16}"
    return f"{case.name:<{width}}  {cells}  {bound}"


def _cell(outcome: Outcome | None, good: str) -> str:
    if outcome is None:
        return "-"
    return "WRONG" if outcome["wrong"] else f"{good}, {outcome['seconds']:.0f} s"


def paragraph(outcome: Outcome) -> str:
    """Return what went wrong in a trial."""
    lines = [f"{outcome['name']}", *(f"  WRONG {complaint}" for complaint in outcome["wrong"])]
    if outcome.get("error"):
        lines += [f"  error: {outcome['error']}", f"  hint: {outcome['hint']}"]
    lines += [f"    {entry}" for entry in outcome.get("journal", [])]
    return "\n".join(lines)
