"""One launch request: recorded before it is sent, repeated byte for byte, and undone reliably."""

import functools
import logging
from typing import Any

from notebake import clock
from notebake.aws import instances, schedules, tagging, tags
from notebake.aws.model import Instance
from notebake.errors import CapacityError, WaitTimeoutError
from notebake.resources import stack_instances
from notebake.runs import idempotency, secret_store
from notebake.runs.attempt_store import list_attempts
from notebake.runs.attempts import close_as_removed, close_attempt, record_attempt
from notebake.runs.run import Run
from notebake.timeouts import CONSISTENCY_SECONDS, TERMINATED_SHOWN_SECONDS
from notebake.waiting import wait_until

log = logging.getLogger(__name__)


def retry_open_launch(run: Run, name: str, marks: dict[str, str]) -> Instance | None:
    """Repeat a launch whose response was lost, if it has the same tags; return its machine.

    The client token makes the repetition safe: it returns the machine of the first request, or
    launches it now.
    """
    epoch = idempotency.epoch(run, name)
    for attempt in list_attempts(run, name):
        detail = attempt.detail
        is_same = detail["epoch"] == epoch and detail["marks"] == marks
        parameters = idempotency.recall(run, str(detail["kept"]))
        if attempt.state != "open" or not is_same or parameters is None:
            continue
        log.info("Repeating the launch of %s, as its response was lost", detail["place"])
        try:
            instance = _send(run, parameters)
        except CapacityError as error:
            log.warning("No capacity for %s: %s", detail["place"], error.code)
            close_attempt(run, attempt, "removed")
            continue
        close_attempt(run, attempt, "made", instance.id)
        if is_usable(run, instance, attempt.at, is_replay=True):
            return instance
        idempotency.bump_epoch(run, name, epoch)
        return None
    return None


def request_machine(
    run: Run, role: str, place: str, parameters: dict[str, Any], marks: dict[str, str]
) -> Instance:
    """Send a launch request; if it was sent before under the same token, repeat it byte for byte.

    A client token outlives its instance by a day or more. If the response is a terminated machine,
    increase the epoch and send a new request (ec2-api-idempotency, EC2 developer guide).
    """
    name = f"{role}-{marks[tags.NUMBER]}"
    while True:
        epoch = idempotency.epoch(run, name)
        # Another image makes another request, with its own token.
        token = idempotency.client_token(run.id, f"{name} {parameters['ImageId']}", epoch, place)
        all_tags = tags.tags_for(run, role, **marks) | {tags.TOKEN: token}
        recorded_as = f"launch-{name}-{token[:16]}"
        specifications = tags.specifications(all_tags, "instance", "volume", "network-interface")
        recorded = idempotency.remember(
            run,
            recorded_as,
            parameters | {"ClientToken": token, "TagSpecifications": specifications},
        )
        log.info("Requesting one %s from %s", place, recorded["ImageId"])
        began = clock.now()
        instance = record_attempt(
            run,
            name,
            {"place": place, "token": token, "epoch": epoch, "kept": recorded_as, "marks": marks},
            functools.partial(_send, run, recorded),
            marks=all_tags,
            ids=lambda made: (made.id,),
        )
        sent_at = [
            attempt.at for attempt in list_attempts(run, name) if attempt.detail["token"] == token
        ]
        first_at = min(sent_at, default=began)
        if is_usable(run, instance, first_at, is_replay=len(sent_at) > 1):
            return instance
        log.info("%s is terminated already: requesting another machine", instance.id)
        idempotency.bump_epoch(run, name, epoch)


def _send(run: Run, parameters: dict[str, Any]) -> Instance:
    complete = secret_store.fill_secrets(run, parameters)
    return instances.request_instances(run.recipe.region, complete)[0]


def is_usable(run: Run, instance: Instance, requested_at: float, *, is_replay: bool) -> bool:
    """Schedule the end of a machine from a launch; return False if it is terminated already."""
    schedules.ensure_schedule(run, instance.id, tags.ends_at(run))
    if not still_exists(run, instance, requested_at, is_replay=is_replay):
        schedules.delete_schedule(run, instance.id)
        return False
    if is_replay:
        # A repeated request has the expiry of the first one in its tags.
        ends = tags.as_tag(tags.ends_at(run))
        tagging.add_tags(run.recipe.region, [instance.id], {tags.EXPIRES: ends})
    return True


def still_exists(run: Run, instance: Instance, requested_at: float, *, is_replay: bool) -> bool:
    """Return whether a machine from a launch has not been terminated since.

    EC2 shows a terminated machine for about an hour. A machine that it does not show, and that was
    requested within the last hour, is late: no other machine may be launched instead.

    Raises:
        WaitTimeoutError: it is late, and did not appear in time.
        CloudError: EC2 could not launch it as requested, nor could it launch any other.
    """
    try:
        shown = wait_until(
            lambda: instances.describe_instance(instance.id, run.recipe.region),
            what=f"EC2 to show {instance.id}",
            timeout_seconds=CONSISTENCY_SECONDS,
        )
    except WaitTimeoutError:
        if clock.now() < requested_at + TERMINATED_SHOWN_SECONDS:
            raise
        return False
    if not is_replay:
        # The machine of an earlier request may have failed for a reason that is fixed by now.
        instances.check_was_not_refused(shown)
    return shown.state not in instances.GONE


def remove_machines(run: Run, role: str, count: int) -> None:
    """Terminate all machines of a role, so that a later launch is a new request.

    If EC2 may still show a machine late, wait until it appears or cannot appear any more.
    """
    names = [f"{role}-{number}" for number in range(1, count + 1)]
    shown = _wait_for_late_machines(run, role, names)
    ids = [machine.id for machine in shown if machine.state != "terminated"]
    if ids:
        log.info("Terminating %s", ", ".join(ids))
        instances.terminate_instances(ids, run.recipe.region)
    for machine in shown:
        schedules.delete_schedule(run, machine.id)
    for name in names:
        if any(attempt.state in {"open", "made"} for attempt in list_attempts(run, name)):
            idempotency.bump_epoch(run, name, idempotency.epoch(run, name))
            close_as_removed(run, name)


def _wait_for_late_machines(run: Run, role: str, names: list[str]) -> list[Instance]:
    """Return the machines of a role as soon as EC2 shows all that it may have launched."""
    attempts = [attempt for name in names for attempt in list_attempts(run, name)]
    late = [attempt for attempt in attempts if attempt.may_still_appear]

    def find_all() -> list[Instance] | None:
        launched = stack_instances.find_launched(run, role)
        unanswered = stack_instances.find_unanswered(run, role)
        shown = {machine.id: machine for machine in (*launched, *unanswered)}
        known = shown.keys() | {machine.client_token for machine in shown.values()}
        missing = [each for each in late if not known & {*each.made, str(each.detail["token"])}]
        return [*shown.values()] if not any(each.may_still_appear for each in missing) else None

    return wait_until(
        find_all,
        what=f"EC2 to show what may have been launched as {role}",
        timeout_seconds=CONSISTENCY_SECONDS,
    )
