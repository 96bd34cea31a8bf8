"""What faults do to the instances, volumes, snapshots and images that a call is about."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from sandbox.ec2.instances.state import LINGERING
from sandbox.ec2.model import Instance
from sandbox.ec2.state.region import Region
from sandbox.faults.fault import ON_MACHINES, Fault

# The state that a call begins, for each kind of resource.
BEGUN: dict[str, tuple[tuple[str, str], ...]] = {
    "RunInstances": (("i", "pending"),),
    "StartInstances": (("i", "pending"),),
    "StopInstances": (("i", "stopping"),),
    "TerminateInstances": (("i", "shutting-down"),),
    "CreateVolume": (("vol", "creating"),),
    "AttachVolume": (("vol", "attaching"),),
    "DetachVolume": (("vol", "detaching"),),
    "CreateSnapshot": (("snap", "snapshot"),),
    "CreateImage": (("snap", "snapshot"), ("ami", "image")),
    "CopyImage": (("snap", "snapshot"), ("ami", "image")),
}
MAKES_IMAGES = ("CreateImage", "CopyImage")
BROKEN = ("Server.InternalError", "Internal error on launch")


def apply_effect(fault: Fault, region: Region, action: str, ids: Iterable[str]) -> None:
    """Apply the fault to these resources. Hold the cloud's lock."""
    for resource_id in ids:
        instance = region.instances.get(resource_id)
        if fault.effect in ON_MACHINES:
            if instance:
                _apply_to_machine(fault, region, instance)
        elif fault.effect == "hide":
            region.visibility.hide(resource_id, fault.seconds, fault.hidden_from)
        elif fault.effect == "console_cut" and instance:
            instance.console_is_cut = True
        elif fault.effect == "vanish" and instance:
            instance.forget_after_seconds = fault.after
        elif fault.effect == "linger" and instance:
            region.transitions.hold(resource_id, LINGERING, fault.seconds)
        elif fault.effect == "fail" and _may_fail(action, resource_id):
            region.transitions.fail(resource_id, fault.message or "")
        elif fault.effect in ("slow", "attach_hangs"):
            _slow_down(fault, region, action, resource_id)


def _may_fail(action: str, resource_id: str) -> bool:
    """Return whether a call's failure is that of a resource: an image fails, not its snapshots."""
    return action not in MAKES_IMAGES or resource_id.startswith("ami-")


def _slow_down(fault: Fault, region: Region, action: str, resource_id: str) -> None:
    for kind, state in BEGUN.get(action, ()):
        if resource_id.startswith(f"{kind}-") and (fault.effect == "slow" or state == "attaching"):
            region.transitions.hold(resource_id, state, fault.seconds)


def _apply_to_machine(fault: Fault, region: Region, instance: Instance) -> None:
    machines: Any = region.core.machines
    if fault.effect == "never_boots":
        if fault.code:
            reason = (fault.code, fault.message or BROKEN[1])
            region.transitions.fail_before_running(instance.id, reason)
        else:
            machines.prevent_boot(instance.id)
        return
    begin = {
        "dies": machines.kill,
        "ssh_cut": machines.cut_ssh,
        "ssh_freeze": machines.freeze_ssh,
    }[fault.effect]
    _do_after(region, instance, fault.after, begin)
    if fault.effect == "ssh_freeze" and fault.seconds is not None:
        _do_after(region, instance, fault.after + fault.seconds, machines.thaw_ssh)


def _do_after(region: Region, instance: Instance, seconds: float, work: Any) -> None:
    """Do something to the machine after a time, without waiting for work on the instance."""

    def begin() -> None:
        if instance.is_live:
            region.core.later(f"fault on {instance.id}", partial(work, instance.id))

    if seconds:
        region.core.after(seconds, begin)
    else:
        begin()
