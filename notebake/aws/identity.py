"""Whose credentials these are: asked once for each access key, in each region that is used."""

from notebake.aws.account import caller
from notebake.aws.clients import calling, memory_of
from notebake.aws.model import Account
from notebake.aws.signing import access_key, latest_signer
from notebake.errors import CloudError


def current_account(region: str) -> Account:
    """Return the account of these credentials; those that were renewed are asked for anew.

    Raises:
        CloudError: there are none, or AWS gave no answer.
    """
    with calling("find AWS credentials"):
        key = access_key()
    account = account_of_key(key, region)
    if account is None:
        raise CloudError("The credentials changed while AWS was asked whose they are.", "Try again")
    return account


def account_of_key(key: str, region: str) -> Account | None:
    """Return the account of an access key; None where AWS was asked by another key meanwhile."""
    known: dict[str, Account] = memory_of(region).setdefault("accounts", {})
    if key not in known:
        found = caller(region)
        known[latest_signer()] = Account(id=found.account, partition=found.partition)
    return known.get(key)
