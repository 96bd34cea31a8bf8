"""The account of the credentials, queried once per access key and region."""

from notebake.aws.account import caller
from notebake.aws.clients import calling, memory_of
from notebake.aws.model import Account
from notebake.aws.signing import access_key, latest_signer
from notebake.errors import CloudError


def current_account(region: str) -> Account:
    """Return the account of the current credentials.

    Raises:
        CloudError: there are no credentials, or AWS did not answer.
    """
    with calling("find AWS credentials"):
        key = access_key()
    account = account_of_key(key, region)
    if account is None:
        raise CloudError("The credentials changed while their account was queried.", "Try again")
    return account


def account_of_key(key: str, region: str) -> Account | None:
    """Return the account of an access key; None if the query was signed with another key."""
    known: dict[str, Account] = memory_of(region).setdefault("accounts", {})
    if key not in known:
        found = caller(region)
        known[latest_signer()] = Account(id=found.account, partition=found.partition)
    return known.get(key)
