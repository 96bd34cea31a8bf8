"""The life of an instance's host: boot, power off, end, and what follows when it ends by itself."""

import logging
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from sandbox.ec2.groups import apply_rules
from sandbox.ec2.instance_types import instance_store_sizes_gib
from sandbox.ec2.region import Region
from sandbox.ec2.resources import Instance, now
from sandbox.errors import SandboxError
from sandbox.machines import Exit

log = logging.getLogger(__name__)

KILLED = ("Server.InternalError", "The host's first process was killed")
FROM_INSIDE = ("Client.InstanceInitiatedShutdown", "Instance initiated shutdown")


def first_boot(region: Region, instance: Instance) -> None:
    """Give a new instance its disks and boot it; where that fails, EC2 shows it terminated."""
    machines = region.cloud.machines
    try:
        for volume in region.volumes_of(instance.id):
            if not volume.is_root and volume.attachment:
                machines.create_volume(volume.id, volume.size_gib, volume.snapshot_id)
                machines.attach_volume(instance.id, volume.id, volume.attachment.device)
        if sizes := instance_store_sizes_gib(instance.instance_type):
            machines.add_instance_store(instance.id, sizes)
        boot(region, instance, is_first=True)
    except Exception as error:
        log.exception("Instance %s did not boot", instance.id)
        with region.cloud.lock:
            enter_state(instance, "shutting-down", _broken_launch(error))
        _finish_termination(region, instance)
        return
    with region.cloud.lock:
        for volume in region.volumes_of(instance.id):
            if volume.attachment:
                volume.attachment.state = "attached"


def boot(region: Region, instance: Instance, *, is_first: bool = False) -> None:
    """Boot a pending instance's host; one that fails after its first time is stopped again."""
    with region.cloud.lock:
        if instance.state != "pending":
            return
    try:
        boot_again(region, instance)
    except Exception as error:
        if is_first:
            raise
        log.exception("Instance %s did not start", instance.id)
        with region.cloud.lock:
            enter_state(instance, "stopped", _broken_launch(error))
        return
    region.cloud.latency.wait("pending")
    with region.cloud.lock:
        if instance.state == "pending":
            enter_state(instance, "running", None)


def boot_again(region: Region, instance: Instance) -> None:
    """Boot the host of an instance that EC2 shows as running all the time."""
    region.cloud.machines.boot(instance.id, _on_exit(region, instance))


def stop(region: Region, instance: Instance) -> None:
    """Power off a stopping instance's host."""
    region.cloud.machines.shut_down(instance.id)
    region.cloud.latency.wait("stopping")
    with region.cloud.lock:
        if instance.state == "stopping":
            enter_state(instance, "stopped", instance.state_reason)


def terminate(region: Region, instance: Instance, reason: tuple[str, str]) -> None:
    """Begin the end of an instance; host, interface and volumes go in the background."""
    enter_state(instance, "shutting-down", reason)
    region.cloud.later(instance.id, lambda: _finish_termination(region, instance))


def enter_state(instance: Instance, state: str, reason: tuple[str, str] | None) -> None:
    """Show the instance in this state, and why."""
    instance.state = state
    instance.state_reason = reason
    instance.transition_reason = f"User initiated ({now():%Y-%m-%d %H:%M:%S} GMT)" if reason else ""
    if instance.interface:
        instance.interface.public_ip = instance.public_address


def _on_exit(region: Region, instance: Instance) -> Callable[[str, Exit], None]:
    def on_exit(_: str, why: Exit) -> None:
        with region.cloud.lock:
            if instance.state not in ("running", "pending") or instance.busy_imaging:
                return
            if why is Exit.REBOOTED:
                region.cloud.later(instance.id, lambda: _reboot_after_exit(region, instance))
            elif why is Exit.POWERED_OFF and instance.shutdown_behavior == "terminate":
                terminate(region, instance, FROM_INSIDE)
            else:
                reason = FROM_INSIDE if why is Exit.POWERED_OFF else KILLED
                enter_state(instance, "stopping", reason)
                region.cloud.later(instance.id, partial(stop, region, instance))

    return on_exit


def _reboot_after_exit(region: Region, instance: Instance) -> None:
    with region.cloud.lock:
        still_wanted = instance.state in ("running", "pending")
    if still_wanted:
        boot_again(region, instance)


def _finish_termination(region: Region, instance: Instance) -> None:
    with suppress(SandboxError):
        # EC2 shows the console for a while after the end; the host's disk is gone by then.
        instance.last_console = region.cloud.machines.console(instance.id)
    region.cloud.machines.destroy(instance.id)
    region.cloud.latency.wait("shutting_down")
    with region.cloud.lock:
        region.release_volumes(instance.id)
        region.network.enis.pop(instance.interface.id, None)
        region.untag(instance.interface.id)
        enter_state(instance, "terminated", instance.state_reason)
        apply_rules(region)


def _broken_launch(error: Exception) -> tuple[str, str]:
    return "Server.InternalError", f"Internal error on launch: {error}"
