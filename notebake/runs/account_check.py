"""Checks that the credentials belong to the run's account, by what EC2 shows there of the run."""

from notebake import clock
from notebake.aws import inventory
from notebake.aws.identity import account_of_key, current_account
from notebake.aws.kinds import IMAGE, INSTANCE, KEY_PAIR, SECURITY_GROUP, list_kind
from notebake.aws.model import Account
from notebake.aws.names import ROLES, name_of_group, name_of_image, name_of_key_pair
from notebake.errors import NextCommand, WaitTimeoutError, WrongAccountError
from notebake.humanize import format_local
from notebake.ledger.attempt import Attempt
from notebake.runs.account import (
    AccountLookup,
    check_same_account,
    read_account,
    record_account,
    switch_account_hint,
)
from notebake.runs.attempt_store import list_attempts
from notebake.runs.open_store import open_store
from notebake.runs.run import Run
from notebake.timeouts import CONSISTENCY_SECONDS, TERMINATED_SHOWN_SECONDS
from notebake.timestamps import utc_from_seconds
from notebake.waiting import wait_until


def check_account(run: Run) -> Account:
    """Return the account of these credentials if it may be the run's; record nothing.

    Raises:
        WrongAccountError: it is not the run's account, or that cannot be determined.
    """
    current, recorded = _current_and_recorded(run)
    if recorded is None:
        check_account_plausible(run, current)
    else:
        check_same_account(run.id, recorded, current)
        check_resources_visible(run, current, patience_seconds=0)
    return current


def ensure_account(run: Run) -> Account:
    """Return the account of the run; record the current one if none is recorded.

    Raises:
        WrongAccountError: these credentials belong to another account, or that cannot be ruled
            out.
    """
    current, recorded = _current_and_recorded(run)
    if recorded is None:
        check_account_plausible(run, current)
        recorded = record_account(run, current)
    check_same_account(run.id, recorded, current)
    check_resources_visible(run, current, patience_seconds=CONSISTENCY_SECONDS)
    return recorded


def _current_and_recorded(run: Run) -> tuple[Account, Account | None]:
    return current_account(run.recipe.region), read_account(run.id, open_store(run.store))


def assign_account(run: Run, account_id: str) -> None:
    """Record the account that the user names for a run without a recorded account.

    Raises:
        WrongAccountError: the credentials or the recorded account are of another one.
    """
    current = current_account(run.recipe.region)
    named = current.model_copy(update={"id": account_id})
    check_same_account(run.id, named, current)
    check_same_account(run.id, record_account(run, named), current)


def account_lookup(run: Run) -> AccountLookup:
    """Return the function that looks up the account of an access key."""
    region = run.recipe.region
    return lambda key: account_of_key(key, region)


def check_account_plausible(run: Run, current: Account) -> None:
    """Raise WrongAccountError if the run created resources and this account shows none of them."""
    attempts = [attempt for attempt in list_attempts(run) if attempt.state in {"open", "made"}]
    if not attempts or is_visible(run, attempts):
        return
    raise WrongAccountError(
        f"Run {run.id} has no recorded AWS account, and the account {current} of these credentials"
        f" shows nothing of it in {run.recipe.region}, although it requested"
        f" {format_made(attempts)}. Whether this is the run's account cannot be determined. Nothing"
        " was changed.",
        "Look in the right account: export AWS_PROFILE=PROFILE; aws sts get-caller-identity",
    ).with_next(
        NextCommand(("tear-down", run.id, "--account", current.id), f"If that is {current.id}")
    )


def check_resources_visible(run: Run, current: Account, *, patience_seconds: float) -> None:
    """Raise WrongAccountError if EC2 shows nothing of a run that launched a machine recently.

    EC2 shows a machine for an hour after its termination. If it shows neither the machine nor
    anything else of the run, then the account or the endpoint is not the one that the run used.
    """
    since = clock.now() - TERMINATED_SHOWN_SECONDS
    recent = [
        attempt for attempt in list_attempts(run) if made_instance(attempt) and attempt.at > since
    ]
    if not recent:
        return
    latest = max(recent, key=lambda attempt: attempt.at)
    if becomes_visible(latest.at + patience_seconds - clock.now(), run, recent):
        return
    raise WrongAccountError(
        f"Run {run.id} launched {format_made(recent)} at"
        f" {format_local(utc_from_seconds(latest.at))}, but EC2 shows nothing of the run in"
        f" {run.recipe.region} in the account {current}:"
        " neither the machine, which it shows for an hour after its termination, nor a key pair"
        " nor a security group. Nothing was changed: resources of the run may exist elsewhere.",
        f"{switch_account_hint(current)}\nTo see whether AWS_ENDPOINT_URL is as before:"
        " echo $AWS_ENDPOINT_URL",
    )


def becomes_visible(seconds: float, run: Run, attempts: list[Attempt]) -> bool:
    """Return whether EC2 shows anything of a run, now or within the seconds."""
    if is_visible(run, attempts):
        return True
    if seconds <= 0:
        return False
    try:
        return wait_until(
            lambda: is_visible(run, attempts) or None,
            what=f"EC2 to show anything of run {run.id}",
            timeout_seconds=seconds,
        )
    except WaitTimeoutError:
        return False


def made_instance(attempt: Attempt) -> bool:
    """Return whether the attempt launched a machine that is not recorded as removed."""
    is_instance = any(id.startswith(INSTANCE.prefix) for id in attempt.made)
    return attempt.state == "made" and is_instance


def is_visible(run: Run, attempts: list[Attempt]) -> bool:
    """Return whether EC2 shows anything of a run: by id (also terminated), by tag, or by name."""
    region, names = run.recipe.region, [name_of_key_pair(run.id, role) for role in ROLES]
    ids = {id: run.id for attempt in attempts for id in attempt.made}
    instance_ids = [id for id in ids if id.startswith(INSTANCE.prefix)]
    return bool(
        list_kind(region, INSTANCE, INSTANCE.id_filter, instance_ids)
        or inventory.list_kept(region, ids, {})
        or inventory.list_resources(region, run.id)
        or list_kind(region, KEY_PAIR, "key-name", names)
        or list_kind(region, SECURITY_GROUP, "group-name", [name_of_group(run.id)])
        or list_kind(region, IMAGE, "name", [name_of_image(run.id)])
    )


def format_made(attempts: list[Attempt]) -> str:
    """Return the ids that the attempts created, or their names if no id is known."""
    ids = [id for attempt in attempts for id in attempt.made]
    return ", ".join(ids) or ", ".join(attempt.name for attempt in attempts)
