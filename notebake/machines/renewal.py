"""Renews the leases of a run's resources as long as the run is executed."""

import datetime
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context

from notebake import clock
from notebake.aws import instances, schedules, ssm, tagging, tags
from notebake.aws.model import Resource
from notebake.commands.lease_timer import renew_lease
from notebake.errors import HostUnreachableError, NotebakeError
from notebake.machines.builder import as_host, host_key_of
from notebake.resources.leftovers import find_resources
from notebake.resources.retention import is_accepted, is_copy
from notebake.runs.run import Run
from notebake.ssh import remote as ssh
from notebake.ssh.host import Host
from notebake.store.interface import is_remote
from notebake.timestamps import parse_timestamp

log = logging.getLogger(__name__)
JOIN_SECONDS = 5
NEVER = threading.Event()
FRESH = 0.9
"""The part of a lease from which on it need not be renewed: a machine that was just launched boots,
and answers nobody."""


@contextmanager
def renewing(run: Run) -> Iterator[None]:
    """Renew all leases now and then after each quarter of their length, until the block ends.

    They are renewed at once because a run may be resumed minutes before they end; a machine that
    was launched shortly before has its lease from the launch.
    """
    stop = threading.Event()
    # With a copy of our context the thread belongs to the execution, and so fails when another
    # execution has taken the run lock.
    thread = threading.Thread(
        target=copy_context().run, args=(_renew_on, run, stop), name="keep alive", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(JOIN_SECONDS)


def _renew_on(run: Run, stop: threading.Event) -> None:
    """Renew until `stop` is set; sooner after a failure."""
    seconds = run.recipe.lease_hours * 3600
    while not stop.is_set():
        try:
            is_renewed = renew(run, stop)
        except Exception:
            # If this thread ended, nothing would be renewed any more.
            log.exception("The leases of run %s were not renewed; trying again", run.id)
            is_renewed = False
        clock.pause(seconds / (4 if is_renewed else 32), stop)


def renew(run: Run, stop: threading.Event = NEVER) -> bool:
    """Renew the leases on the run's machines, in the tags of its temporary resources, in schedules.

    A lease that could not be renewed ends as before: log a warning and return False. What is listed
    can be removed meanwhile: nothing more is changed once `stop` is set, and nothing waited for.
    """
    ends = tags.ends_at(run)
    try:
        temporary = _temporary_resources(run)
        machines = [resource for resource in temporary if resource.kind == "instance"]
        lost = {machine.id for machine in machines if tags.LOST in machine.tags}
        fresh = {machine.id for machine in machines if _is_fresh(machine, run)}
        alive = [machine for machine in machines if machine.id not in lost | fresh]
        failed = {machine.id for machine in alive if not _renew_machine(run, machine, ends, stop)}
        as_before = lost | failed | fresh
        due = [each.id for each in temporary if not as_before & {each.id, *each.owners}]
        expiry = {tags.EXPIRES: tags.as_tag(ends)}
        if due and not stop.is_set():
            tagging.add_tags_once(run.recipe.region, due, expiry)
        if is_remote(run.store) and not stop.is_set():
            for parameter in ssm.list_parameters(run.recipe.region, run.id):
                ssm.tag_parameter(parameter.name, expiry, run.recipe.region)
    except NotebakeError as error:
        log.warning("The leases of run %s were not renewed and end as before: %s", run.id, error)
        return False
    if stop.is_set():
        return False
    log.debug("Renewed the leases of %s until %s", ", ".join(due), ends)
    return not failed


def _is_fresh(machine: Resource, run: Run) -> bool:
    """Return whether a machine was launched, or its lease renewed, a short while ago."""
    ends = parse_timestamp(machine.expires)
    lease = datetime.timedelta(hours=run.lease_hours)
    return ends is not None and tags.ends_at(run) - ends < (1 - FRESH) * lease


def _temporary_resources(run: Run) -> list[Resource]:
    """Return the run's own resources, without an accepted image and copies of it."""
    of_run = find_resources(run)
    found = of_run.found
    own = [resource for resource in found.values() if of_run.prove(resource).is_ours]
    return [each for each in own if not is_accepted(each, found) and not is_copy(each)]


def _renew_machine(
    run: Run, machine: Resource, ends: datetime.datetime, stop: threading.Event
) -> bool:
    """Renew a machine's dead-man switch and its schedule; return False if that failed."""
    if stop.is_set():
        return False
    try:
        # A sealed machine accepts no login, and a machine that does not run has no switch.
        if machine.state == "running" and not machine.tags.get(tags.SEALED):
            ssh.run_command(_host_of(run, machine), renew_lease(run.recipe.lease_hours))
        if stop.is_set():
            # The tear-down may have deleted its schedule already.
            return False
        schedules.ensure_schedule(run, machine.id, ends)
    except NotebakeError as error:
        log.warning("The lease of %s was not renewed and ends as before: %s", machine.id, error)
        return False
    return True


def _host_of(run: Run, machine: Resource) -> Host:
    """Return a machine of either role as a host.

    Raises:
        HostUnreachableError: it is gone, or its host key is not known yet.
    """
    instance = instances.describe_instance(machine.id, run.recipe.region)
    if instance is None:
        raise HostUnreachableError(f"{machine.id} is gone.")
    role = machine.tags.get(tags.ROLE, "")
    host_key = host_key_of(run, instance, role)
    if host_key is None:
        raise HostUnreachableError(f"The console of {machine.id} does not show its host key yet.")
    return as_host(run, instance, key_name=role, host_key=host_key)
