"""Each fault that the sandbox knows, injected into a whole build: once, and for ever.

Once: the run ends with an accepted image, what failed was tried again, nothing is doubled or left.
For ever: it ends with an error that says what was tried, what came back and what to type, within
the budgets of notebake/timeouts.py; all that is there is in the survey, and can be removed or gone
on with once the fault is lifted. `python -m tests.faults` shows the table, and each case's journal.
`make test-all` tries them all, `make test` a share that a seed draws anew each day.
"""

import pytest

from sandbox.faults.fault import EFFECTS
from tests.draw import has_everything
from tests.faults.case import Once, parts_with_names, trial_name
from tests.faults.catalogue import CASES, QUICK, is_in_share
from tests.faults.forks import Outcome
from tests.faults.table import paragraph
from tests.own_process import report_of

TRIALS = [
    name
    for case in (CASES if has_everything() else QUICK)
    for _, part in parts_with_names(case)
    if is_in_share(case, name := trial_name(case, part))
]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """What came of each trial, all made in a process of their own."""
    report = tmp_path_factory.mktemp("faults") / "report.json"
    found = report_of("tests.faults", *([] if has_everything() else ["--share"]), report=report)
    return {trial["name"]: trial for trial in found["told"]}


@pytest.mark.parametrize("trial", TRIALS)
def test_every_fault_is_survived_or_ends_in_a_clear_error_in_time(
    trial: str, outcomes: dict[str, Outcome]
) -> None:
    assert not outcomes[trial]["wrong"], paragraph(outcomes[trial])


def test_each_effect_of_the_sandbox_is_tried() -> None:
    parts = [part for case in CASES for part in (case.once, case.for_ever) if part]

    assert {fault["effect"] for part in parts for fault in part.faults} == set(EFFECTS)


def test_each_fault_is_tried_transient_and_permanent_or_says_why_not() -> None:
    one_sided = [case for case in CASES if not (case.once and case.for_ever)]

    assert [case.name for case in one_sided if not case.why_not] == []
    assert len({case.name for case in CASES}) == len(CASES)


def test_each_survived_fault_is_visible_in_the_journal() -> None:
    parts = [part for case in CASES for part in (case.once, case.for_ever)]

    assert all(part.shows for part in parts if isinstance(part, Once))
