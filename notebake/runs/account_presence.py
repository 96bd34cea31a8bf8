"""Whether an account shows anything of a run: if not, it may be another account than the run's."""

from notebake import clock
from notebake.aws import inventory
from notebake.aws.identity import account_of_key, current_account
from notebake.aws.kinds import IMAGE, INSTANCE, KEY_PAIR, SECURITY_GROUP, list_kind
from notebake.aws.model import Account
from notebake.errors import WaitTimeoutError, WrongAccountError
from notebake.humanize import format_local
from notebake.names import ROLES, name_of_group, name_of_image, name_of_key_pair
from notebake.runs.account import Ask, check_same, how_to_switch, keep_account, kept_account
from notebake.runs.attempts import Attempt, attempts
from notebake.runs.open_store import open_store
from notebake.runs.run import Run
from notebake.timeouts import CATCH_UP_SECONDS, SHOWN_AFTER_END_SECONDS
from notebake.timestamps import utc_from_seconds
from notebake.waiting import wait_until


def check_account(run: Run) -> Account:
    """Return the account of these credentials, in which a run may be looked for; keeps nothing.

    Raises:
        WrongAccountError: it is not the run's, or nobody can tell that it is.
    """
    current, kept = current_account(run.recipe.region), kept_account(run.id, open_store(run.store))
    if kept is None:
        check_may_be_of(run, current)
    else:
        check_same(run.id, kept, current)
        check_not_vanished(run, current, patience_seconds=0)
    return current


def settle_account(run: Run) -> Account:
    """Return the account that a run belongs to, kept from now on where it did not say.

    Raises:
        WrongAccountError: these credentials are of another one, or nobody can tell that they are
            not.
    """
    current, kept = current_account(run.recipe.region), kept_account(run.id, open_store(run.store))
    if kept is None:
        check_may_be_of(run, current)
        kept = keep_account(run, current)
    check_same(run.id, kept, current)
    check_not_vanished(run, current, patience_seconds=CATCH_UP_SECONDS)
    return kept


def claim_account(run: Run, account_id: str) -> None:
    """Keep what a person says: that a run of which nobody can tell it belongs to this account.

    Raises:
        WrongAccountError: the credentials are of another one, or the run says so of itself.
    """
    current = current_account(run.recipe.region)
    said = current.model_copy(update={"id": account_id})
    check_same(run.id, said, current)
    check_same(run.id, keep_account(run, said), current)


def asker(run: Run) -> Ask:
    """Return what tells the account of an access key."""
    region = run.recipe.region
    return lambda key: account_of_key(key, region)


def check_may_be_of(run: Run, current: Account) -> None:
    """Raise WrongAccountError where a run that made something does not show it in this account."""
    made = [one for one in attempts(run) if one.state in {"open", "made"}]
    if not made or is_shown(run, made):
        return
    raise WrongAccountError(
        f"Run {run.id} has not kept in which AWS account it was begun, and the account {current},"
        f" of which these credentials are, shows nothing of it in {run.recipe.region}, although it"
        f" has asked for {format_made(made)}. Whether it is the run's cannot be told. Nothing was"
        " changed.",
        f"Look in the right account: export AWS_PROFILE=PROFILE; aws sts get-caller-identity\n"
        f"If that is {current.id}, say so: notebake tear-down {run.id} --account {current.id}",
    )


def check_not_vanished(run: Run, current: Account, *, patience_seconds: float) -> None:
    """Raise WrongAccountError where EC2 shows nothing of a run that has made a machine lately.

    EC2 shows a machine for an hour after its end. Where it shows neither that nor anything else of
    the run, its account or its endpoint is not the one that the run had.
    """
    since = clock.now() - SHOWN_AFTER_END_SECONDS
    young = [one for one in attempts(run) if is_machine(one) and one.at > since]
    if not young:
        return
    latest = max(young, key=lambda one: one.at)
    if is_shown_within(latest.at + patience_seconds - clock.now(), run, young):
        return
    raise WrongAccountError(
        f"Run {run.id} has made {format_made(young)} at"
        f" {format_local(utc_from_seconds(latest.at))}, but EC2 shows nothing at all of the run in"
        f" {run.recipe.region} in the account {current}:"
        " neither the machine, which it would show for an hour after its end, nor a key pair"
        " nor a security group. Nothing was changed: what is not shown here may well be running"
        " elsewhere.",
        f"{how_to_switch(current)}\nWhether AWS_ENDPOINT_URL leads where it did:"
        " echo $AWS_ENDPOINT_URL",
    )


def is_shown_within(seconds: float, run: Run, made: list[Attempt]) -> bool:
    """Tell whether EC2 shows anything of a run, now or in so many seconds."""
    if is_shown(run, made):
        return True
    if seconds <= 0:
        return False
    try:
        return wait_until(
            lambda: is_shown(run, made) or None,
            what=f"EC2 to show anything of run {run.id}",
            timeout_seconds=seconds,
        )
    except WaitTimeoutError:
        return False


def is_machine(one: Attempt) -> bool:
    """Tell whether an attempt made a machine, of which it is not kept that it is gone."""
    return one.state == "made" and any(id.startswith(INSTANCE.prefix) for id in one.made)


def is_shown(run: Run, made: list[Attempt]) -> bool:
    """Tell whether EC2 shows anything of a run: by id, ended ones too, by tag, or by name."""
    region, names = run.recipe.region, [name_of_key_pair(run.id, role) for role in ROLES]
    ids = {id: run.id for one in made for id in one.made}
    machines = [id for id in ids if id.startswith(INSTANCE.prefix)]
    return bool(
        list_kind(region, INSTANCE, INSTANCE.id_filter, machines)
        or inventory.list_kept(region, ids, {})
        or inventory.list_resources(region, run.id)
        or list_kind(region, KEY_PAIR, "key-name", names)
        or list_kind(region, SECURITY_GROUP, "group-name", [name_of_group(run.id)])
        or list_kind(region, IMAGE, "name", [name_of_image(run.id)])
    )


def format_made(made: list[Attempt]) -> str:
    """Return what attempts made, for people."""
    ids = [id for one in made for id in one.made]
    return ", ".join(ids) or ", ".join(one.key.split("/")[2] for one in made)
