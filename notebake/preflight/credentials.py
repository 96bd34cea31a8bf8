"""Whether the credentials last as long as the build may take."""

import logging
from collections.abc import Iterable

from notebake import clock
from notebake.aws.credentials_end import read_ending
from notebake.costs.estimate import EXPECTED_HOURS
from notebake.humanize import format_local, format_span
from notebake.preflight.finding import CheckResult, Finding, good, not_checked
from notebake.runs.run import Run

log = logging.getLogger(__name__)


def check_credentials_last(run: Run) -> Iterable[Finding]:
    """They do not end before the build can, or are renewed by themselves.

    Raises:
        CloudError: they could not be read.
    """
    del run
    ending = read_ending()
    if ending is None:
        yield good("The credentials do not end, or are renewed by themselves.")
        return
    renew = f"Renew them in {ending.source} in time: a run that goes on takes them up."
    if ending.source == "the environment":
        renew = (
            "Log in for longer, or use a profile (AWS_PROFILE): what is in the environment cannot"
            " be renewed while a build goes on; it can be resumed."
        )
    left_seconds = ending.ends_at.timestamp() - clock.now() if ending.ends_at else 0.0
    needed = f"a build may take {format_span(EXPECTED_HOURS * 3600)}"
    if ending.ends_at is None:
        said = f"When the temporary credentials in {ending.source} end: nobody says; {needed}."
        yield not_checked(said, renew)
    elif left_seconds < EXPECTED_HOURS * 3600:
        when = f"{format_local(ending.ends_at)}, in {format_span(left_seconds)}"
        said = f"Whether the credentials outlast the build: they end {when}, and {needed}."
        yield not_checked(said, renew)
    else:
        yield good(f"The credentials end {format_local(ending.ends_at)}, after the build.")


def warn_of_expiry(run: Run) -> None:
    """Say at once where the credentials may end before the build does.

    Raises:
        CloudError: they could not be read.
    """
    for one in check_credentials_last(run):
        if one.verdict is not CheckResult.GOOD:
            log.warning("%s", one)
