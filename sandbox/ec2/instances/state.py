"""The state in which EC2 shows an instance: how it begins and ends, and its termination."""

import logging
from contextlib import suppress
from functools import partial

from sandbox.ec2.instances.elastic_addresses import release_from
from sandbox.ec2.instances.public_address import give_address
from sandbox.ec2.instances.security_groups import apply_rules
from sandbox.ec2.model import Instance
from sandbox.ec2.state.region import Region
from sandbox.errors import SandboxError


def enter_state(
    region: Region,
    instance: Instance,
    state: str,
    reason: tuple[str, str] | None,
    *,
    span: str = "",
) -> None:
    """Show the instance in this state, with the reason. Its end may last for another `span`."""
    if state == "pending":
        region.transitions.begin_launch(instance.id)
    elif state in ("stopping", "shutting-down"):
        region.transitions.begin(instance.id, state, span)
    instance.state = state
    instance.state_reason = reason
    now = region.now()
    instance.transition_reason = _transition_reason(reason, f"{now:%Y-%m-%d %H:%M:%S} GMT")
    instance.end_time = now if state == "terminated" else None
    give_address(region, instance)


def _transition_reason(reason: tuple[str, str] | None, now: str) -> str:
    """Return EC2's words. They hold a time for calls only, not for a machine that ends itself.

    https://github.com/cloud-custodian/cloud-custodian/issues/6924
    """
    if reason is None:
        return ""
    code, _ = reason
    is_call = not code.endswith("InstanceInitiatedShutdown")
    return f"User initiated ({now})" if is_call else "User initiated"


def end_state(region: Region, instance: Instance, state: str, following: str) -> None:
    """Enter the following state when this state ends, unless it has changed in between."""

    def follow() -> None:
        if instance.state == state:
            reason = None if following == "running" else instance.state_reason
            enter_state(region, instance, following, reason)

    with region.core.lock:
        region.transitions.end(instance.id, state, follow)


log = logging.getLogger(__name__)
LINGERING = "lingering"
"""The time for which EC2 still shows the disks of a terminated instance."""


def terminate(
    region: Region, instance: Instance, reason: tuple[str, str], *, skips_system: bool = False
) -> None:
    """Begin to terminate an instance; its host, interface and volumes end in the background.

    It is over sooner if EC2 skips the shutdown of the system, or if the instance is stopped.
    """
    is_at_once = skips_system or instance.state == "stopped"
    span = "shutting-down-at-once" if is_at_once else ""
    enter_state(region, instance, "shutting-down", reason, span=span)
    region.core.later(instance.id, partial(_finish_termination, region, instance))


def terminate_unstarted(region: Region, instance: Instance, reason: tuple[str, str]) -> None:
    """Terminate an instance that has never run."""
    with region.core.lock:
        if instance.state != "pending":
            return
        enter_state(region, instance, "shutting-down", reason)
    _finish_termination(region, instance)


def _finish_termination(region: Region, instance: Instance) -> None:
    with suppress(SandboxError):
        # EC2 shows the console for a while after termination, when the host's disk is gone.
        instance.last_console = region.core.machines.console(instance.id)
    try:
        region.core.machines.destroy(instance.id)
    except Exception:
        # The host stays until the sandbox is taken down, which clears what is left.
        log.exception("The host of %s could not be destroyed", instance.id)
    ending = region.volumes_ending_with(instance.id)
    region.delete_disks(ending)

    def finish() -> None:
        if region.transitions.lasts(instance.id, LINGERING):
            release = partial(region.release_volumes, instance.id, ending)
            region.transitions.end(instance.id, LINGERING, release)
        else:
            region.release_volumes(instance.id, ending)
        release_from(region, instance)
        region.network.enis.pop(instance.interface.id, None)
        region.untag(instance.interface.id)
        enter_state(region, instance, "terminated", instance.state_reason)
        apply_rules(region)

    with region.core.lock:
        region.transitions.end(instance.id, "shutting-down", finish)
