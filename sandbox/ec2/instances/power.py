"""Start, stop, reboot and terminate: the states that EC2 shows, and the hosts behind them.

Each call returns at once, with the state that begins. The rest happens in the background, in order
for each instance.
"""

from functools import partial
from typing import Any

from sandbox.ec2.errors import ec2_error
from sandbox.ec2.instances import boot
from sandbox.ec2.instances.capacity import check_capacity
from sandbox.ec2.instances.state import enter_state, terminate
from sandbox.ec2.instances.types import is_nitro
from sandbox.ec2.model import STATE_CODES, Instance, Params
from sandbox.ec2.state.region import Region

BY_USER = ("Client.UserInitiatedShutdown", "User initiated shutdown")


def start_instances(region: Region, parameters: Params) -> dict[str, Any]:
    """StartInstances: from stopped only; does nothing to running instances."""
    instances = _find_all(region, parameters)
    for instance in instances:
        if instance.state not in ("stopped", "pending", "running"):
            raise _wrong_state(instance, "started")
    region.check_dry_run(parameters)
    for instance in instances:
        if instance.state == "stopped":
            tags = region.tags_of(instance.id)
            check_capacity(region, "StartInstances", instance.instance_type, instance.zone, tags, 1)
    changes = []
    for instance in instances:
        before = instance.state
        if before == "stopped":
            instance.launch_time = region.now()
            enter_state(region, instance, "pending", None)
            region.core.later(instance.id, partial(boot.boot, region, instance))
        changes.append(_change(instance, before))
    return {"StartingInstances": changes}


def stop_instances(region: Region, parameters: Params) -> dict[str, Any]:
    """StopInstances: from running only; does nothing to stopped instances."""
    instances = _find_all(region, parameters)
    for instance in instances:
        if instance.state == "pending":
            message = f"Instance '{instance.id}' cannot be stopped as it has never reached the"
            raise ec2_error("IncorrectInstanceState", f"{message} 'running' state.")
        if instance.state not in ("running", "stopping", "stopped"):
            raise _wrong_state(instance, "stopped")
        if instance.disable_stop:
            message = f"The instance '{instance.id}' may not be stopped: 'disableApiStop' is set"
            raise ec2_error("OperationNotPermitted", message)
    region.check_dry_run(parameters)
    changes = []
    for instance in instances:
        before = instance.state
        if before == "running":
            enter_state(region, instance, "stopping", BY_USER)
            region.core.later(instance.id, partial(boot.stop, region, instance))
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
        region.core.later(instance.id, partial(region.core.machines.reboot, instance.id))


def terminate_instances(region: Region, parameters: Params) -> dict[str, Any]:
    """TerminateInstances: from every state, repeatedly too; without the system's shutdown on Nitro.

    https://github.com/kubernetes/kops/pull/17675 has the refusal for other types.
    """
    instances = _find_all(region, parameters)
    skips_system = bool(parameters.get("SkipOsShutdown"))
    if skips_system and not all(is_nitro(instance.instance_type) for instance in instances):
        message = "SkipOsShutdown is not supported on Xen instance types."
        raise ec2_error("OperationNotPermitted", message)
    for instance in instances:
        if instance.disable_termination:
            message = (
                f"The instance '{instance.id}' may not be terminated. Modify its "
                "'disableApiTermination' instance attribute and try again."
            )
            raise ec2_error("OperationNotPermitted", message)
    region.check_dry_run(parameters)
    changes = []
    for instance in instances:
        before = instance.state
        if before not in ("shutting-down", "terminated"):
            terminate(region, instance, BY_USER, skips_system=skips_system)
        changes.append(_change(instance, before))
    return {"TerminatingInstances": changes}


def _find_all(region: Region, parameters: Params) -> list[Instance]:
    ids = dict.fromkeys(parameters["InstanceIds"])
    return [region.find_instance(instance_id) for instance_id in ids]


def _wrong_state(instance: Instance, verb: str) -> Exception:
    message = f"The instance '{instance.id}' is not in a state from which it can be {verb}."
    return ec2_error("IncorrectInstanceState", message)


def _change(instance: Instance, before: str) -> dict[str, Any]:
    return {
        "InstanceId": instance.id,
        "PreviousState": {"Code": STATE_CODES[before], "Name": before},
        "CurrentState": {"Code": STATE_CODES[instance.state], "Name": instance.state},
    }
