"""The power of an instance's host: boot, stop, and what follows when it exits by itself."""

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import partial

from sandbox.ec2.instances.public_address import publish_address
from sandbox.ec2.instances.security_groups import apply_rules_unlocked
from sandbox.ec2.instances.state import (
    end_state,
    enter_state,
    terminate,
    terminate_unstarted,
)
from sandbox.ec2.instances.types import instance_store_sizes_gib
from sandbox.ec2.model import Instance
from sandbox.ec2.state.region import Region
from sandbox.hosts.machines import Exit

log = logging.getLogger(__name__)

KILLED = ("Server.InternalError", "The host's first process was killed")
UNUSABLE_KEY = ("Client.InternalError", "Client error on launch")
"""Why EC2 ends an instance with a disk whose key cannot be used:
https://repost.aws/knowledge-center/encrypted-volumes-stops-immediately"""
FROM_INSIDE = ("Client.InstanceInitiatedShutdown", "Instance initiated shutdown")


def first_boot(region: Region, instance: Instance) -> None:
    """Give a new instance its disks and boot it. If that fails, EC2 shows it as terminated."""
    machines = region.core.machines
    if not all(volume.has_usable_key for volume in region.volumes_of(instance.id)):
        terminate_unstarted(region, instance, UNUSABLE_KEY)
        return
    try:
        apply_rules_unlocked(region)
        for volume in region.volumes_of(instance.id):
            if not volume.is_root and volume.attachment:
                machines.create_volume(volume.id, volume.size_gib, volume.snapshot_id)
                machines.attach_volume(instance.id, volume.id, volume.attachment.device)
        if sizes := instance_store_sizes_gib(instance.instance_type):
            machines.add_instance_store(instance.id, sizes)
        with region.core.lock:
            if reason := region.transitions.take_failure_before_running(instance.id):
                end = partial(terminate_unstarted, region, instance, reason)
                later = partial(region.core.later, instance.id, end)
                region.transitions.end(instance.id, "pending", later)
                return
        boot(region, instance, is_first=True)
    except Exception as error:
        log.exception("Instance %s did not boot", instance.id)
        terminate_unstarted(region, instance, _broken_launch(error))
        return
    with region.core.lock:
        for volume in region.volumes_of(instance.id):
            if volume.attachment:
                volume.attachment.state = "attached"


def boot(region: Region, instance: Instance, *, is_first: bool = False) -> None:
    """Boot a pending instance's host. If a boot after the first fails, EC2 shows it as stopped."""
    with region.core.lock:
        if instance.state != "pending":
            return
        if region.transitions.lasts(instance.id, "power-on"):
            power_on = partial(_boot_unless_stopped, region, instance, instance.launch_time)
            later = partial(region.core.later, instance.id, power_on)
            region.transitions.end(instance.id, "power-on", later)
            end_state(region, instance, "pending", "running")
            return
    try:
        _boot_host(region, instance)
    except Exception as error:
        if is_first:
            raise
        log.exception("Instance %s did not start", instance.id)
        with region.core.lock:
            enter_state(region, instance, "stopped", _broken_launch(error))
        publish_address(region, instance)
        return
    end_state(region, instance, "pending", "running")


def boot_again_or_stop(region: Region, instance: Instance) -> None:
    """Boot the host of a running instance. If that fails, EC2 shows it as stopped."""
    try:
        _boot_host(region, instance)
    except Exception as error:
        log.exception("Instance %s did not boot again", instance.id)
        with region.core.lock:
            if instance.state in ("running", "pending"):
                enter_state(region, instance, "stopped", _broken_launch(error))
        publish_address(region, instance)


def stop(region: Region, instance: Instance) -> None:
    """Power off a stopping instance's host, or kill it if it cannot be powered off."""
    try:
        region.core.machines.shut_down(instance.id)
    except Exception:
        log.exception("Instance %s could not be powered off", instance.id)
        with suppress(Exception):
            region.core.machines.kill(instance.id)
    publish_address(region, instance)
    end_state(region, instance, "stopping", "stopped")


def _boot_host(region: Region, instance: Instance) -> None:
    publish_address(region, instance)
    region.core.machines.boot(instance.id, _on_exit(region, instance))


def _on_exit(region: Region, instance: Instance) -> Callable[[str, Exit], None]:
    def on_exit(_: str, why: Exit) -> None:
        with region.core.lock:
            if instance.state not in ("running", "pending") or instance.busy_imaging:
                return
            if why is Exit.REBOOTED:
                reboot = partial(_boot_unless_stopped, region, instance, instance.launch_time)
                region.core.later(instance.id, reboot)
            elif why is Exit.POWERED_OFF and instance.shutdown_behavior == "terminate":
                terminate(region, instance, FROM_INSIDE)
            else:
                reason = FROM_INSIDE if why is Exit.POWERED_OFF else KILLED
                enter_state(region, instance, "stopping", reason)
                region.core.later(instance.id, partial(stop, region, instance))
            region.core.changed()

    return on_exit


def _boot_unless_stopped(region: Region, instance: Instance, launch_time: datetime) -> None:
    """Boot the host unless the instance has been stopped or terminated since that launch."""
    with region.core.lock:
        is_wanted = instance.state in ("running", "pending")
        is_wanted &= instance.launch_time is launch_time
    if is_wanted:
        boot_again_or_stop(region, instance)


def _broken_launch(error: Exception) -> tuple[str, str]:
    return "Server.InternalError", f"Internal error on launch: {error}"
