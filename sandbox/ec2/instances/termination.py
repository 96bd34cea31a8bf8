"""The end of an instance: its host, its interface and the volumes that go with it."""

import logging
from contextlib import suppress
from functools import partial

from sandbox.ec2.instances.security_groups import apply_rules
from sandbox.ec2.instances.state import enter_state
from sandbox.ec2.model import Instance
from sandbox.ec2.state.region import Region
from sandbox.errors import SandboxError

log = logging.getLogger(__name__)
LINGERING = "lingering"
"""The state of a terminated instance whose disks EC2 still shows."""


def terminate(region: Region, instance: Instance, reason: tuple[str, str]) -> None:
    """Begin the end of an instance; host, interface and volumes go in the background."""
    enter_state(region, instance, "shutting-down", reason)
    region.core.later(instance.id, partial(_finish_termination, region, instance))


def end_at_once(region: Region, instance: Instance, reason: tuple[str, str]) -> None:
    """End an instance that has never run."""
    with region.core.lock:
        if instance.state != "pending":
            return
        enter_state(region, instance, "shutting-down", reason)
    _finish_termination(region, instance)


def _finish_termination(region: Region, instance: Instance) -> None:
    with suppress(SandboxError):
        # EC2 shows the console for a while after the end; the host's disk is gone by then.
        instance.last_console = region.core.machines.console(instance.id)
    try:
        region.core.machines.destroy(instance.id)
    except Exception:
        # It stays on this machine until the sandbox goes down, which clears what is left.
        log.exception("The host of %s could not be destroyed", instance.id)
    ending = region.volumes_ending_with(instance.id)
    region.delete_disks(ending)

    def be_terminated() -> None:
        if region.course.lasts(instance.id, LINGERING):
            release = partial(region.release_volumes, instance.id, ending)
            region.course.end(instance.id, LINGERING, release)
        else:
            region.release_volumes(instance.id, ending)
        region.network.enis.pop(instance.interface.id, None)
        region.untag(instance.interface.id)
        enter_state(region, instance, "terminated", instance.state_reason)
        apply_rules(region)

    with region.core.lock:
        region.course.end(instance.id, "shutting-down", be_terminated)
