"""What came of the faults, for people."""

from collections.abc import Sequence

from tests.faults.case import Case, ForEver
from tests.faults.forks import Outcome


def as_text(cases: Sequence[Case], told: list[Outcome]) -> str:
    """Return the table: a line for each case, with the virtual seconds that each part took."""
    by_name = {trial["name"]: trial for trial in told}
    width = max(len(case.name) for case in cases)
    head = f"{'':<{width}}  {'once':>16}  {'for ever':>16}  bounded by"
    lines = [line for case in cases if (line := _line(case, by_name, width))]
    return "\n".join([head, *lines])


def _line(case: Case, told: dict[str, Outcome], width: int) -> str:
    once, ever = told.get(f"{case.name}, once"), told.get(f"{case.name}, for ever")
    if not once and not ever:
        return ""
    part = case.for_ever
    bound = part.bound if isinstance(part, ForEver) else case.why_not
    ending = "error" if isinstance(part, ForEver) else "survived"
    cells = f"{_cell(once, 'survived'):>16}  {_cell(ever, ending):>16}"
    return f"{case.name:<{width}}  {cells}  {bound}"


def _cell(told: Outcome | None, good: str) -> str:
    if told is None:
        return "-"
    return "WRONG" if told["wrong"] else f"{good}, {told['seconds']:.0f} s"


def paragraph(told: Outcome) -> str:
    """Return what went wrong in a trial."""
    lines = [f"{told['name']}", *(f"  WRONG {complaint}" for complaint in told["wrong"])]
    if told.get("error"):
        lines += [f"  error: {told['error']}", f"  hint: {told['hint']}"]
    lines += [f"    {entry}" for entry in told.get("journal", [])]
    return "\n".join(lines)
