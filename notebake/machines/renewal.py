"""The leases of all that a run has, renewed for as long as somebody works on it."""

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
from notebake.resources.leftovers import belongings
from notebake.resources.retention import is_accepted
from notebake.runs.run import Run
from notebake.ssh import remote as ssh
from notebake.ssh.host import Host
from notebake.store.interface import is_remote

log = logging.getLogger(__name__)
JOIN_SECONDS = 5


@contextmanager
def renewing(run: Run) -> Iterator[None]:
    """Renew all leases at once and then four times in their length, until the block ends.

    At once, as a run may be taken up again minutes before they end.
    """
    stop = threading.Event()
    # With a copy of our context the thread is known as a holder of the run, and so as one that
    # has to stop when the run is lost to another.
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
    """Renew again and again; sooner after a failure."""
    seconds = run.recipe.lease_hours * 3600
    while not stop.is_set():
        try:
            is_renewed = renew(run)
        except Exception:
            # Nobody would renew anything any more if this thread ended.
            log.exception("The leases of run %s were not renewed; they are tried again", run.id)
            is_renewed = False
        clock.pause(seconds / (4 if is_renewed else 32), stop)


def renew(run: Run) -> bool:
    """Renew what is there: on the machines, in the tags of all that is temporary, in schedules.

    What could not be renewed ends as before; that is a warning, and False is returned.
    """
    ends = tags.ends_at(run)
    try:
        has = belongings(run)
        mine = [one for one in has.found.values() if has.judge(one).is_ours]
        temporary = [one for one in mine if not is_accepted(one, has.found)]
        machines = [one for one in temporary if one.kind == "instance"]
        lost = {one.id for one in machines if tags.LOST in one.tags}
        alive = [one for one in machines if one.id not in lost]
        failed = {one.id for one in alive if not _renew_machine(run, one, ends)}
        ending = lost | failed
        due = [one.id for one in temporary if not ending & {one.id, *one.owners}]
        expiry = {tags.EXPIRES: tags.as_tag(ends)}
        if due:
            tagging.add_tags(run.recipe.region, due, expiry)
        if is_remote(run.store):
            for one in ssm.list_parameters(run.recipe.region, run.id):
                ssm.tag_parameter(one.name, expiry, run.recipe.region)
    except NotebakeError as error:
        log.warning("The leases of run %s were not renewed, and end as before: %s", run.id, error)
        return False
    log.debug("Renewed the leases of %s until %s", ", ".join(due), ends)
    return not failed


def _renew_machine(run: Run, machine: Resource, ends: datetime.datetime) -> bool:
    """Renew a machine's own switch and its schedule; False where one of them ends as before."""
    try:
        # One that is sealed lets nobody in, and one that does not run has no switch.
        if machine.state == "running" and not machine.tags.get(tags.SEALED):
            ssh.run_command(_host_of(run, machine), renew_lease(run.recipe.lease_hours))
        schedules.ensure_schedule(run, machine.id, ends)
    except NotebakeError as error:
        log.warning("The lease of %s was not renewed, and ends as before: %s", machine.id, error)
        return False
    return True


def _host_of(run: Run, machine: Resource) -> Host:
    """Return a machine of either role as a host.

    Raises:
        HostUnreachableError: it has gone, or has not told its host key yet.
    """
    instance = instances.describe_instance(machine.id, run.recipe.region)
    if instance is None:
        raise HostUnreachableError(f"{machine.id} is gone.")
    role = machine.tags.get(tags.ROLE, "")
    host_key = host_key_of(run, instance, role)
    if host_key is None:
        raise HostUnreachableError(f"{machine.id} has not told its host key on its console yet.")
    return as_host(run, instance, key_name=role, host_key=host_key)
