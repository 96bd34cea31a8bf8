"""The account: its credentials, its access to the region, its defaults for instance metadata."""

import logging
from collections.abc import Iterable

from notebake import clock
from notebake.aws import account
from notebake.aws.credentials_end import read_ending
from notebake.costs.estimate import EXPECTED_HOURS
from notebake.humanize import format_local, format_span
from notebake.preflight.finding import CheckResult, Finding, good, not_checked, wrong
from notebake.runs.run import Run

USABLE = {
    "opt-in-not-required": "every account can use it",
    "opted-in": "this account has enabled it",
}


def check_account(run: Run) -> Iterable[Finding]:
    """Check that the credentials are valid; CloudError if they are not, or AWS does not answer."""
    caller = account.caller(run.recipe.region)
    return [good(f"The credentials belong to account {caller.account} ({caller.arn}).")]


def check_region(run: Run) -> Iterable[Finding]:
    """Check that the region exists and is enabled.

    https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html
    """
    region = run.recipe.region
    status = account.region_status(region)
    if status is None:
        yield wrong(f"AWS has no region {region}.", "Choose another region in the recipe.")
    elif status in USABLE:
        yield good(f"The region is {region}: {USABLE[status]}.")
    elif status == "not-opted-in":
        yield wrong(
            f"This account has not enabled the region {region}.",
            f"Type: aws account enable-region --region-name {region} - which takes some minutes,"
            " or choose another region in the recipe.",
        )
    else:
        yield not_checked(f"AWS reports of the region {region}: {status or 'nothing'}.")


def check_instance_metadata(run: Run) -> Iterable[Finding]:
    """Report the account's defaults for instance metadata.

    Each launch sets the endpoint, tokens and two hops itself, so neither a default nor an account
    that enforces tokens (httpTokensEnforced) keeps a machine from its metadata.
    """
    defaults = account.instance_metadata_defaults(run.recipe.region)
    settings = []
    if defaults.get("HttpTokensEnforced") == "enabled":
        settings.append("the account enforces tokens, and each launch requires them")
    if defaults.get("HttpEndpoint") == "disabled":
        settings.append("the account disables it by default, and each launch enables it")
    yield good(
        f"Instance metadata: {'; '.join(settings) or 'no default of the account interferes'}."
    )


log = logging.getLogger(__name__)


def check_credentials_last(run: Run) -> Iterable[Finding]:
    """Check that the credentials do not expire before the build ends, or renew themselves.

    Raises:
        CloudError: they could not be read.
    """
    del run
    ending = read_ending()
    if ending is None:
        yield good("The credentials do not expire, or are renewed automatically.")
        return
    renew = f"Renew them in {ending.source} in time: the run reads them again."
    if ending.source == "the environment":
        renew = (
            "Log in for longer, or use a profile (AWS_PROFILE): credentials in the environment"
            " cannot be renewed during a build, but the build can be resumed."
        )
    left_seconds = ending.ends_at.timestamp() - clock.now() if ending.ends_at else 0.0
    needed = f"a build may take {format_span(EXPECTED_HOURS * 3600)}"
    if ending.ends_at is None:
        yield not_checked(
            f"The expiry of the temporary credentials in {ending.source} is unknown; {needed}.",
            renew,
        )
    elif left_seconds < EXPECTED_HOURS * 3600:
        when = f"{format_local(ending.ends_at)}, in {format_span(left_seconds)}"
        yield not_checked(
            f"Whether the credentials outlast the build: they expire {when}, and {needed}.", renew
        )
    else:
        yield good(f"The credentials expire {format_local(ending.ends_at)}, after the build.")


def warn_of_expiry(run: Run) -> None:
    """Log a warning if the credentials may expire before the build ends.

    Raises:
        CloudError: they could not be read.
    """
    for finding in check_credentials_last(run):
        if finding.verdict is not CheckResult.GOOD:
            log.warning("%s", finding)
