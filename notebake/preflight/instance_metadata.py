"""The account's defaults for the metadata service, from which a machine gets its key."""

from collections.abc import Iterable

from notebake.aws import facts
from notebake.preflight.finding import Finding, good, wrong
from notebake.records import Run


def check_instance_metadata(run: Run) -> Iterable[Finding]:
    """No default of the account keeps the machines from their metadata.

    A launch of ours asks for tokens and two hops itself, so an account that enforces tokens
    (httpTokensEnforced) does not refuse it; it does not ask for the endpoint itself.
    """
    defaults = facts.instance_metadata_defaults(run.recipe.region)
    if defaults.get("HttpEndpoint") == "disabled":
        yield wrong(
            "This account switches the instance metadata service off by default, and without it"
            " a new machine lets nobody in.",
            "Type: aws ec2 modify-instance-metadata-defaults --http-endpoint no-preference"
            f" --region {run.recipe.region}",
        )
        return
    enforced = defaults.get("HttpTokensEnforced") == "enabled"
    yield good(
        "The account enforces tokens for instance metadata, and we ask for them."
        if enforced
        else "The account's defaults for instance metadata do not stand in the way."
    )
