"""The AWS account of a run: recorded when the run begins, and the same ever after.

An execution is bound to its account. If a call is signed with an access key that was not seen
before, the key's account is looked up first: renewed credentials are accepted, and those of another
account are refused before the call is sent.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from notebake.aws.execution import bind_key_check
from notebake.aws.model import Account
from notebake.errors import WrongAccountError, resume
from notebake.runs.open_store import open_store
from notebake.runs.run import Run
from notebake.store.interface import RunStore

AccountLookup = Callable[[str], Account | None]
"""Returns the account of an access key; None if it cannot be determined."""


def read_account(run_id: str, store: RunStore) -> Account | None:
    """Return the recorded account of a run; None if the run has none."""
    stored = store.read(_key(run_id))
    return Account.model_validate_json(stored.content) if stored else None


def record_account(run: Run, account: Account) -> Account:
    """Record the account unless one is recorded already; return the recorded account."""
    store = open_store(run.store)
    store.create(_key(run.id), account.model_dump_json(indent=2).encode())
    return read_account(run.id, store) or account


def check_same_account(run_id: str, recorded: Account, current: Account) -> None:
    """Raise WrongAccountError unless the credentials belong to the run's account."""
    if recorded == current:
        return
    raise WrongAccountError(
        f"Run {run_id} belongs to the AWS account {recorded}, but these credentials belong to the"
        f" account {current}. Nothing was changed: resources of the run may exist there.",
        switch_account_hint(recorded),
    )


def switch_account_hint(account: Account) -> str:
    """Return the commands that switch to an account."""
    return (
        f"Use credentials of the account {account}: export AWS_PROFILE=PROFILE (and unset"
        " AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, which take precedence).\n"
        "To see whose credentials these are: aws sts get-caller-identity"
    )


@contextmanager
def bind_account(run: Run, account: Account, look_up: AccountLookup) -> Iterator[None]:
    """Refuse calls of the block to other accounts, also in threads with a copy of its context."""
    known_keys: set[str] = set()

    def check(access_key: str) -> None:
        if access_key not in known_keys:
            _check_access_key(run.id, account, look_up(access_key))
            known_keys.add(access_key)

    with bind_key_check(check):
        yield


def _check_access_key(run_id: str, expected: Account, account: Account | None) -> None:
    """Raise WrongAccountError if the account of an access key is another one, or unknown."""
    if account is None:
        raise WrongAccountError(
            f"The credentials changed while run {run_id} was about to send a call that was"
            " signed with the earlier ones, and the account of those could not be determined.",
            is_outcome_unknown=True,
        ).with_next(resume(run_id))
    try:
        check_same_account(run_id, expected, account)
    except WrongAccountError as error:
        # The same call may have been sent before, with credentials of the right account.
        error.is_outcome_unknown = True
        raise


def _key(run_id: str) -> str:
    return f"{run_id}/account.json"
