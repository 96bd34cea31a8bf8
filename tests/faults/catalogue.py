"""Every fault that is tried, in the order of what it is about."""

from collections.abc import Sequence
from dataclasses import replace

from tests.draw import is_drawn
from tests.faults.case import Case, Once
from tests.faults.catalogue_answers import ANSWERS, LOST_ON_THE_WAY, LOST_ON_THE_WAY_BACK
from tests.faults.catalogue_denied import LATER, PERMISSIONS
from tests.faults.catalogue_launch import LAUNCHES
from tests.faults.catalogue_lines import LINES
from tests.faults.catalogue_passing import GATEWAY_AFTER, GATEWAY_BEFORE, PASSING
from tests.faults.catalogue_storage import STORAGE
from tests.faults.catalogue_visibility import VISIBILITY

CASES: tuple[Case, ...] = (
    *(*LAUNCHES, *LINES, *VISIBILITY, *STORAGE, *ANSWERS, *PASSING, *PERMISSIONS),
)


def together(name: str, cases: Sequence[Case]) -> Case:
    """Return one case in which each of several happens once, in one run."""
    parts = [case.once for case in cases if case.once]
    return Case(
        name,
        "import_key_pair",
        Once(
            tuple(fault for part in parts for fault in part.faults),
            "^" + "".join(f"(?=.*{part.shows})" for part in parts),
        ),
        why_not="for ever each by itself",
    )


MERGED = {
    "each call once lost on its way": LOST_ON_THE_WAY,
    "each answer once lost": LOST_ON_THE_WAY_BACK,
    "each call once answered by a gateway": GATEWAY_BEFORE,
    "each call once done behind a gateway": GATEWAY_AFTER,
    "each permission once denied": LATER,
}
_each = {case.name for several in MERGED.values() for case in several}
QUICK: tuple[Case, ...] = (
    *(
        replace(case, once=None, why_not="once together with others")
        if case.name in _each
        else case
        for case in CASES
    ),
    *(together(name, several) for name, several in MERGED.items()),
)
"""The same in fewer runs: what happens once in calls of their own happens in one run."""
SHARE, SHARE_OF_MERGED = 0.025, 0.2
"""So much of it is tried in a day, and so much of the runs in which many calls fail once each."""


def is_in_share(case: Case, trial: str) -> bool:
    """Tell whether a trial is one of the day's share."""
    return is_drawn(f"fault {trial}", SHARE_OF_MERGED if case.name in MERGED else SHARE)
