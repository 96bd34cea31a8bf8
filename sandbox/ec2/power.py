"""Start, stop, reboot and terminate: the states that EC2 shows and the hosts behind them.

Each call answers at once with the state that begins; the rest happens in the background, in order,
for each instance by itself.
"""

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from sandbox.ec2.groups import apply_rules
from sandbox.ec2.instance_types import instance_store_sizes_gib
from sandbox.ec2.refusals import refusal
from sandbox.ec2.region import Region
from sandbox.ec2.resources import STATE_CODES, Instance, now
from sandbox.machines import Exit

log = logging.getLogger(__name__)
Params = Mapping[str, Any]

BY_USER = ("Client.UserInitiatedShutdown", "User initiated shutdown")
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
        _boot(region, instance)
    except Exception as error:
        log.exception("Instance %s did not boot", instance.id)
        reason = ("Server.InternalError", f"Internal error on launch: {error}")
        with region.cloud.lock:
            _enter(instance, "shutting-down", reason)
        _finish_termination(region, instance)
        return
    with region.cloud.lock:
        for volume in region.volumes_of(instance.id):
            if volume.attachment:
                volume.attachment.state = "attached"


def start_instances(region: Region, parameters: Params) -> dict[str, Any]:
    """StartInstances: from stopped only; does nothing to what runs."""
    instances = _find_all(region, parameters)
    for instance in instances:
        if instance.state not in ("stopped", "pending", "running"):
            raise _wrong_state(instance, "started")
    region.check_dry_run(parameters)
    changes = []
    for instance in instances:
        before = instance.state
        if before == "stopped":
            instance.launch_time = now()
            _enter(instance, "pending", None)
            region.cloud.later(instance.id, partial(_boot, region, instance))
        changes.append(_change(instance, before))
    return {"StartingInstances": changes}


def stop_instances(region: Region, parameters: Params) -> dict[str, Any]:
    """StopInstances: from running only; does nothing to what is stopped."""
    instances = _find_all(region, parameters)
    for instance in instances:
        if instance.state == "pending":
            message = (
                f"The instance '{instance.id}' is not in a state from which it can be stopped."
            )
            raise refusal("IncorrectInstanceState", message)
        if instance.state not in ("running", "stopping", "stopped"):
            raise _wrong_state(instance, "stopped")
        if instance.disable_stop:
            message = f"The instance '{instance.id}' may not be stopped: 'disableApiStop' is set"
            raise refusal("OperationNotPermitted", message)
    region.check_dry_run(parameters)
    changes = []
    for instance in instances:
        before = instance.state
        if before == "running":
            _enter(instance, "stopping", BY_USER)
            region.cloud.later(instance.id, partial(_stop, region, instance))
        changes.append(_change(instance, before))
    return {"StoppingInstances": changes}


def reboot_instances(region: Region, parameters: Params) -> None:
    """RebootInstances: the state stays `running` throughout."""
    instances = _find_all(region, parameters)
    for instance in instances:
        if instance.state not in ("running", "pending"):
            raise _wrong_state(instance, "rebooted")
    region.check_dry_run(parameters)
    for instance in instances:
        region.cloud.later(instance.id, partial(region.cloud.machines.reboot, instance.id))


def terminate_instances(region: Region, parameters: Params) -> dict[str, Any]:
    """TerminateInstances: from every state, and again."""
    instances = _find_all(region, parameters)
    for instance in instances:
        if instance.disable_termination:
            message = (
                f"The instance '{instance.id}' may not be terminated. Modify its "
                "'disableApiTermination' instance attribute and try again."
            )
            raise refusal("OperationNotPermitted", message)
    region.check_dry_run(parameters)
    changes = []
    for instance in instances:
        before = instance.state
        if before not in ("shutting-down", "terminated"):
            _terminate(region, instance, BY_USER)
        changes.append(_change(instance, before))
    return {"TerminatingInstances": changes}


def boot_again(region: Region, instance: Instance) -> None:
    """Boot the host of an instance that EC2 shows as running all the time."""
    region.cloud.machines.boot(instance.id, _on_exit(region, instance))


def _on_exit(region: Region, instance: Instance) -> Callable[[str, Exit], None]:
    def on_exit(_: str, why: Exit) -> None:
        with region.cloud.lock:
            if instance.state not in ("running", "pending") or instance.busy_imaging:
                return
            if why is Exit.REBOOTED:
                region.cloud.later(instance.id, lambda: _reboot_after_exit(region, instance))
            elif why is Exit.POWERED_OFF and instance.shutdown_behavior == "terminate":
                _terminate(region, instance, FROM_INSIDE)
            else:
                broken = ("Server.InternalError", "The host's first process was killed")
                _enter(instance, "stopping", FROM_INSIDE if why is Exit.POWERED_OFF else broken)
                region.cloud.later(instance.id, lambda: _stop(region, instance))

    return on_exit


def _reboot_after_exit(region: Region, instance: Instance) -> None:
    with region.cloud.lock:
        still_wanted = instance.state in ("running", "pending")
    if still_wanted:
        boot_again(region, instance)


def _boot(region: Region, instance: Instance) -> None:
    with region.cloud.lock:
        if instance.state != "pending":
            return
    boot_again(region, instance)
    region.cloud.latency.wait("pending")
    with region.cloud.lock:
        if instance.state == "pending":
            _enter(instance, "running", None)


def _stop(region: Region, instance: Instance) -> None:
    region.cloud.machines.shut_down(instance.id)
    region.cloud.latency.wait("stopping")
    with region.cloud.lock:
        if instance.state == "stopping":
            _enter(instance, "stopped", instance.state_reason)


def _terminate(region: Region, instance: Instance, reason: tuple[str, str]) -> None:
    _enter(instance, "shutting-down", reason)
    region.cloud.later(instance.id, lambda: _finish_termination(region, instance))


def _finish_termination(region: Region, instance: Instance) -> None:
    region.cloud.machines.destroy(instance.id)
    region.cloud.latency.wait("shutting_down")
    with region.cloud.lock:
        region.release_volumes(instance.id)
        region.network.enis.pop(instance.interface.id, None)
        region.untag(instance.interface.id)
        _enter(instance, "terminated", instance.state_reason)
        apply_rules(region)


def _enter(instance: Instance, state: str, reason: tuple[str, str] | None) -> None:
    instance.state = state
    instance.state_reason = reason
    instance.transition_reason = f"User initiated ({now():%Y-%m-%d %H:%M:%S} GMT)" if reason else ""
    if instance.interface:
        instance.interface.public_ip = instance.public_address


def _find_all(region: Region, parameters: Params) -> list[Instance]:
    return [region.find_instance(one) for one in dict.fromkeys(parameters["InstanceIds"])]


def _wrong_state(instance: Instance, verb: str) -> Exception:
    message = f"The instance '{instance.id}' is not in a state from which it can be {verb}."
    return refusal("IncorrectInstanceState", message)


def _change(instance: Instance, before: str) -> dict[str, Any]:
    return {
        "InstanceId": instance.id,
        "PreviousState": {"Code": STATE_CODES[before], "Name": before},
        "CurrentState": {"Code": STATE_CODES[instance.state], "Name": instance.state},
    }
