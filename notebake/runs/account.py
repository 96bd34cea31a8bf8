"""The account that a run belongs to: kept when it begins, and never another one after that.

An execution is bound to it. Whoever signs a call of that execution with credentials that are not
known to be of the account is asked for first: credentials that are renewed are taken up, those of
another account are refused before the call is sent.
"""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from notebake.aws.model import Account
from notebake.errors import WrongAccountError
from notebake.execution import checking_keys
from notebake.runs.open_store import open_store
from notebake.runs.run import Run
from notebake.store.interface import RunStore

Ask = Callable[[str], Account | None]
"""Gives the account of an access key; None where nobody can tell."""


@dataclass
class Binding:
    """An execution's account, and the access keys that are known to be of it."""

    run_id: str
    account: Account
    ask: Ask
    access_keys: set[str] = field(default_factory=set)


def kept_account(run_id: str, store: RunStore) -> Account | None:
    """Return the account that a run belongs to; None for one that does not say."""
    stored = store.read(_key(run_id))
    return Account.model_validate_json(stored.content) if stored else None


def keep_account(run: Run, account: Account) -> Account:
    """Return what was kept first as the account of the run: this one, or that of an earlier try."""
    store = open_store(run.store)
    store.create(_key(run.id), account.model_dump_json(indent=2).encode())
    return kept_account(run.id, store) or account


def check_same(run_id: str, kept: Account, current: Account) -> None:
    """Raise WrongAccountError unless the credentials are of the run's account."""
    if kept == current:
        return
    raise WrongAccountError(
        f"Run {run_id} belongs to the AWS account {kept}, but these credentials are of the account"
        f" {current}. Nothing was changed: what is not shown here may well be running there.",
        how_to_switch(kept),
    )


def how_to_switch(account: Account) -> str:
    """Return what to type to come to an account."""
    return (
        f"Use credentials of the account {account}: export AWS_PROFILE=PROFILE (and unset"
        " AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, which go before it).\n"
        "Whose credentials these are: aws sts get-caller-identity"
    )


@contextmanager
def bound_to(run: Run, account: Account, ask: Ask) -> Iterator[None]:
    """Refuse every call of the block, its threads with a copy of its context too, elsewhere."""
    binding = Binding(run.id, account, ask)
    with checking_keys(functools.partial(_check_signer, binding)):
        yield


def _check_signer(binding: Binding, access_key: str) -> None:
    """Return if a call that this key has signed goes to the account of the run.

    Only a key that has not been seen costs a call.

    Raises:
        WrongAccountError: it goes to another one, or nobody can tell whether it does.
    """
    if access_key in binding.access_keys:
        return
    account = binding.ask(access_key)
    if account is None:
        raise WrongAccountError(
            f"The credentials changed just now, while run {binding.run_id} was about to make a call"
            " with earlier ones, of which nobody can tell the account.",
            f"Type: notebake resume {binding.run_id}",
            is_open=True,
        )
    try:
        check_same(binding.run_id, binding.account, account)
    except WrongAccountError as error:
        # The same call may have been sent before, with credentials of the right account.
        error.is_open = True
        raise
    binding.access_keys.add(access_key)


def _key(run_id: str) -> str:
    return f"{run_id}/account.json"
