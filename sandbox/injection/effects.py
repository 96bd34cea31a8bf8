"""What faults do to things: instances, volumes, snapshots and images that a call is about."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from sandbox.ec2.instances.termination import LINGERING
from sandbox.ec2.model import Instance
from sandbox.ec2.state.region import Region
from sandbox.faults.fault import ON_MACHINES, Fault

# Which state a call begins, and for things of which kind.
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
}
BROKEN = ("Server.InternalError", "Internal error on launch")


def afflict(fault: Fault, region: Region, action: str, ids: Iterable[str]) -> None:
    """Let a fault have its way with things. Hold the cloud's lock."""
    for one in ids:
        if fault.effect in ON_MACHINES:
            if instance := region.instances.get(one):
                _afflict_host(fault, region, instance)
        elif fault.effect == "hide":
            region.sight.hide(one, fault.seconds, fault.hidden_from)
        elif fault.effect == "console_cut" and one in region.instances:
            region.instances[one].console_is_cut = True
        elif fault.effect == "vanish" and one in region.instances:
            region.instances[one].forget_after_seconds = fault.after
        elif fault.effect == "linger" and one in region.instances:
            region.course.hold(one, LINGERING, fault.seconds)
        elif fault.effect == "fail" and (action != "CreateImage" or one.startswith("ami-")):
            region.course.let_fail(one, fault.message or "")
        elif fault.effect in ("slow", "attach_hangs"):
            _slow_down(fault, region, action, one)


def _slow_down(fault: Fault, region: Region, action: str, thing_id: str) -> None:
    for kind, state in BEGUN.get(action, ()):
        if thing_id.startswith(f"{kind}-") and (fault.effect == "slow" or state == "attaching"):
            region.course.hold(thing_id, state, fault.seconds)


def _afflict_host(fault: Fault, region: Region, instance: Instance) -> None:
    machines: Any = region.core.machines
    if fault.effect == "never_boots":
        if fault.code:
            reason = (fault.code, fault.message or BROKEN[1])
            region.course.let_be_stillborn(instance.id, reason)
        else:
            machines.never_boots(instance.id)
        return
    begin = {
        "dies": machines.kill,
        "ssh_cut": machines.cut_ssh,
        "ssh_freeze": machines.freeze_ssh,
    }[fault.effect]
    _soon(region, instance, fault.after, begin)
    if fault.effect == "ssh_freeze" and fault.seconds is not None:
        _soon(region, instance, fault.after + fault.seconds, machines.thaw_ssh)


def _soon(region: Region, instance: Instance, seconds: float, work: Any) -> None:
    """Do something to the host in a while: beside its queue, which may be waiting for it."""

    def begin() -> None:
        if instance.is_live:
            region.core.later(f"fault on {instance.id}", partial(work, instance.id))

    if seconds:
        region.core.after(seconds, begin)
    else:
        begin()
