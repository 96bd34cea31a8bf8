"""The account's defaults for the metadata service, from which a machine gets its key."""

from collections.abc import Iterable

from notebake.aws import account
from notebake.preflight.finding import Finding, good
from notebake.runs.run import Run


def check_instance_metadata(run: Run) -> Iterable[Finding]:
    """Say what the account's defaults are; each launch of ours says for itself what it needs.

    It asks for the endpoint, tokens and two hops, so neither a default nor an account that enforces
    tokens (httpTokensEnforced) refuses it or keeps its machine from the metadata.
    """
    defaults = account.instance_metadata_defaults(run.recipe.region)
    said = []
    if defaults.get("HttpTokensEnforced") == "enabled":
        said.append("the account enforces tokens, and we ask for them")
    if defaults.get("HttpEndpoint") == "disabled":
        said.append("the account switches it off by default, and we ask for it")
    yield good(
        f"Instance metadata: {'; '.join(said) or 'no default of the account stands in the way'}."
    )
