"""One request for a machine: kept before it is sent, replayed byte for byte, undone for certain."""

import functools
import logging
from collections.abc import Callable
from typing import Any

from notebake import clock
from notebake.aws import instances, schedules, tagging, tags
from notebake.aws.model import Instance
from notebake.errors import CapacityError, WaitTimeoutError
from notebake.resources import own_machines
from notebake.runs import idempotency, secret_store
from notebake.runs.attempt_store import list_attempts
from notebake.runs.attempts import close_as_removed, close_attempt, record_attempt
from notebake.runs.run import Run
from notebake.timeouts import CONSISTENCY_SECONDS, TERMINATED_SHOWN_SECONDS
from notebake.waiting import wait_until

log = logging.getLogger(__name__)


def ask_again(run: Run, name: str, marks: dict[str, str]) -> Instance | None:
    """Return the machine of a request whose answer was lost, if it was for the same; else None.

    The token makes the same request harmless: it gives the machine that the first one made, or
    makes it now.
    """
    epoch = idempotency.epoch(run, name)
    for one in list_attempts(run, name):
        same = one.detail["epoch"] == epoch and one.detail["marks"] == marks
        kept = idempotency.recall(run, str(one.detail["kept"]))
        if one.state != "open" or not same or kept is None:
            continue
        log.info("Asking again for one %s, as the answer was lost", one.detail["place"])
        try:
            instance = _send(run, kept, lambda: None)
        except CapacityError as error:
            log.warning("No room for one %s: %s", one.detail["place"], error.code)
            close_attempt(run, one, "removed")
            continue
        close_attempt(run, one, "made", instance.id)
        if is_ours_to_use(run, instance, one.at, is_replay=True):
            return instance
        idempotency.bump_epoch(run, name, epoch)
        return None
    return None


def request_machine(
    run: Run, role: str, place: str, parameters: dict[str, Any], marks: dict[str, str]
) -> Instance:
    """Send one request, replayed byte for byte if it was sent before under the same token.

    A token outlives its instance by a day or more: where the answer is a machine that is gone,
    the epoch is raised and another one asked for. (ec2-api-idempotency, EC2 developer guide)
    """
    name = f"{role}-{marks[tags.NUMBER]}"
    while True:
        epoch = idempotency.epoch(run, name)
        # Machines of another image are another request, under a token of their own.
        token = idempotency.client_token(run.id, f"{name} {parameters['ImageId']}", epoch, place)
        marked = tags.tags_for(run, role, **marks) | {tags.TOKEN: token}
        kept_as = f"launch-{name}-{token[:16]}"
        kept = idempotency.remember(
            run,
            kept_as,
            parameters
            | {
                "ClientToken": token,
                "TagSpecifications": tags.specifications(
                    marked, "instance", "volume", "network-interface"
                ),
            },
        )
        log.info("Requesting one %s from %s", place, kept["ImageId"])
        began = clock.now()
        instance = record_attempt(
            run,
            name,
            {"place": place, "token": token, "epoch": epoch, "kept": kept_as, "marks": marks},
            functools.partial(_send, run, kept),
            marks=marked,
            ids=lambda made: (made.id,),
        )
        earlier = [one.at for one in list_attempts(run, name) if one.detail["token"] == token]
        first_at = min(earlier, default=began)
        if is_ours_to_use(run, instance, first_at, is_replay=len(earlier) > 1):
            return instance
        log.info("%s is gone already: asking for another one", instance.id)
        idempotency.bump_epoch(run, name, epoch)


def _send(run: Run, kept: dict[str, Any], before_each: Callable[[], None]) -> Instance:
    """Send kept parameters."""
    whole = secret_store.fill_secrets(run, kept)
    return instances.request_instances(run.recipe.region, whole, before_each)[0]


def is_ours_to_use(run: Run, instance: Instance, asked_at: float, *, is_replay: bool) -> bool:
    """Have a machine that EC2 named end in time; False if it has ended already."""
    schedules.ensure_schedule(run, instance.id, tags.ends_at(run))
    if not is_there(run, instance, asked_at, is_replay=is_replay):
        schedules.delete_schedule(run, instance.id)
        return False
    if is_replay:
        # What is replayed byte for byte carries the expiry of its first try.
        ends = tags.as_tag(tags.ends_at(run))
        tagging.add_tags(run.recipe.region, [instance.id], {tags.EXPIRES: ends})
    return True


def is_there(run: Run, instance: Instance, asked_at: float, *, is_replay: bool) -> bool:
    """Tell whether a machine that EC2 named is one that has not ended since it was asked for.

    EC2 shows an ended one for about an hour. One that is not shown and was asked for later than
    that is late: nobody may take it for gone and launch another beside it.

    Raises:
        WaitTimeoutError: it is late, and did not appear in time.
        CloudError: EC2 could not make it as it was asked to, nor any other.
    """
    try:
        known = wait_until(
            lambda: instances.describe_instance(instance.id, run.recipe.region),
            what=f"EC2 to show {instance.id}",
            timeout_seconds=CONSISTENCY_SECONDS,
        )
    except WaitTimeoutError:
        if clock.now() < asked_at + TERMINATED_SHOWN_SECONDS:
            raise
        return False
    if not is_replay:
        # One that was asked for before may have ended for a reason that has been mended since.
        instances.check_was_not_refused(known)
    return known.state not in instances.GONE


def remove_machines(run: Run, role: str, count: int) -> None:
    """Terminate all machines of a role, and let a later launch be a request of its own.

    EC2 may still be catching up with a launch: it is looked for until it shows or cannot any more.
    """
    names = [f"{role}-{number}" for number in range(1, count + 1)]
    late = [one for name in names for one in list_attempts(run, name) if one.may_still_appear]

    def look() -> list[Instance] | None:
        found = own_machines.find_launched(run, role)
        unanswered = own_machines.find_unanswered(run, role)
        seen = [*{one.id: one for one in (*found, *unanswered)}.values()]
        known = {one.id for one in seen} | {one.client_token for one in seen}
        missing = [one for one in late if not known & {*one.made, str(one.detail["token"])}]
        return seen if not any(one.may_still_appear for one in missing) else None

    seen = wait_until(
        look,
        what=f"EC2 to show what may have been launched as {role}",
        timeout_seconds=CONSISTENCY_SECONDS,
    )
    found = [one.id for one in seen if one.state != "terminated"]
    if found:
        log.info("Terminating %s", ", ".join(found))
        instances.terminate_instances(found, run.recipe.region)
    for instance in seen:
        schedules.delete_schedule(run, instance.id)
    for name in names:
        if any(one.state in {"open", "made"} for one in list_attempts(run, name)):
            idempotency.bump_epoch(run, name, idempotency.epoch(run, name))
            close_as_removed(run, name)
