"""The account of the credentials, queried once per access key and region."""

from notebake.aws.account import Caller, caller
from notebake.aws.clients import calling, memory_of
from notebake.aws.model import Account
from notebake.aws.signing import access_key, latest_signer
from notebake.errors import CloudError


def current_account(region: str) -> Account:
    """Return the account of the current credentials.

    Raises:
        CloudError: there are no credentials, or AWS did not answer.
    """
    return _account_of(current_caller(region))


def current_caller(region: str) -> Caller:
    """Return whose credentials these are; raises as `current_account` does."""
    with calling("find AWS credentials"):
        key = access_key()
    found = _caller_of_key(key, region)
    if found is None:
        raise CloudError("The credentials changed while their account was queried.", "Try again")
    return found


def account_of_key(key: str, region: str) -> Account | None:
    """Return the account of an access key; None if the query was signed with another key."""
    found = _caller_of_key(key, region)
    return _account_of(found) if found else None


def _caller_of_key(key: str, region: str) -> Caller | None:
    known: dict[str, Caller] = memory_of(region).setdefault("callers", {})
    if key not in known:
        found = caller(region)
        known[latest_signer()] = found
    return known.get(key)


def _account_of(found: Caller) -> Account:
    return Account(id=found.account, partition=found.partition)
