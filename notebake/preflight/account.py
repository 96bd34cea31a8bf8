"""Whose credentials these are, and whether that account can use the region."""

from collections.abc import Iterable

from notebake.aws import account
from notebake.preflight.finding import Finding, good, not_checked, wrong
from notebake.runs.run import Run

USABLE = {
    "opt-in-not-required": "every account can use it",
    "opted-in": "this account has enabled it",
}


def check_account(run: Run) -> Iterable[Finding]:
    """The credentials open something.

    Raises:
        CloudError: they do not, or nobody answers.
    """
    caller = account.caller(run.recipe.region)
    return [good(f"The credentials are of account {caller.account} ({caller.arn}).")]


def check_region(run: Run) -> Iterable[Finding]:
    """The region exists and is enabled, asked in one that always is: a disabled one says nothing.

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
        yield not_checked(f"AWS says of the region {region}: {status or 'nothing'}.")
