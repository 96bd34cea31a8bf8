"""Room for instances: what a zone has, and what the account's vCPU quotas leave."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from moto.ec2.models.instance_types import INSTANCE_TYPES

from sandbox.ec2.errors import refusal, server_refusal
from sandbox.ec2.instances.types import zones_offering
from sandbox.ec2.state.region import Region
from sandbox.faults.fault import Fault
from sandbox.faults.registry import Facts

NO_ROOM = "InsufficientInstanceCapacity"
OVER_QUOTA = "VcpuLimitExceeded"
# Which quota counts which families, and how much of it a new account may have here.
# https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html
STANDARD = "L-1216C47A"
FAMILIES = {"g": "L-DB2E81BA", "vt": "L-DB2E81BA", "p": "L-417A185B"}
VCPUS = {STANDARD: 64, "L-DB2E81BA": 0, "L-417A185B": 0}
_STANDARD_FAMILIES = set("acdhimrtz")
OVER_QUOTA_MESSAGE = (
    "You have requested more vCPU capacity than your current vCPU limit of {} allows for the "
    "instance bucket that the specified instance type belongs to. Please visit "
    "http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit."
)


def check_room(
    region: Region, action: str, instance_type: str, zone: str, tags: Mapping[str, str], count: int
) -> None:
    """Raise EC2's error if there is no room for so many instances. Not for trial calls."""
    facts = facts_of(action, instance_type, zone, tags)
    _check_quota(region, facts, instance_type, count)
    if fault := _fire(region, NO_ROOM, facts):
        raise server_refusal(NO_ROOM, fault.message or _no_room(region, facts, instance_type, zone))


def has_room(region: Region, facts: Facts) -> bool:
    """Tell whether a zone has room, counting nothing."""
    return not any(
        one.code == NO_ROOM and facts.fit(one) for one in region.core.faults.standing("refuse")
    )


def facts_of(action: str, instance_type: str, zone: str, tags: Mapping[str, str]) -> Facts:
    """Return what a fault's conditions see of a launch."""
    values = {f"tag:{key}": {value} for key, value in tags.items()}
    return Facts("ec2", (action,), {**values, "zone": {zone}, "instance_type": {instance_type}})


def quota_of(region_faults: Sequence[Fault], code: str) -> int:
    """Return a quota: the last of the faults that set it, else what a new account has."""
    values = [one.value for one in region_faults if one.code == code and one.value is not None]
    return values[-1] if values else VCPUS[code]


def _check_quota(region: Region, facts: Facts, instance_type: str, count: int) -> None:
    code = _quota_code(instance_type)
    if not code:
        return
    book = region.core.faults
    limits = [one for one in book.standing("limit") if one.code == code]
    quota = quota_of(limits, code)
    used = sum(
        _vcpus(one.instance_type)
        for one in region.instances.values()
        if one.state in ("pending", "running") and _quota_code(one.instance_type) == code
    )
    is_over = used + count * _vcpus(instance_type) > quota
    for fault in limits if is_over else []:
        book.note(fault)
    if is_over or _fire(region, OVER_QUOTA, facts):
        raise refusal(OVER_QUOTA, OVER_QUOTA_MESSAGE.format(quota))


def _quota_code(instance_type: str) -> str | None:
    family = re.match("[a-z]+", instance_type)
    name = family[0] if family else ""
    if name in FAMILIES:
        return FAMILIES[name]
    return STANDARD if name[:1] in _STANDARD_FAMILIES and name not in ("trn", "inf") else None


def _vcpus(instance_type: str) -> int:
    return int(INSTANCE_TYPES[instance_type]["VCpuInfo"]["DefaultVCpus"])


def _fire(region: Region, code: str, facts: Facts) -> Fault | None:
    book = region.core.faults
    for fault in book.fitting({"refuse"}, facts):
        if fault.code == code and book.count(fault):
            return fault
    return None


def _no_room(region: Region, facts: Facts, instance_type: str, zone: str) -> str:
    """Return EC2's words, which name the zones that have room."""
    others = [
        one
        for one in zones_offering(instance_type, region.name)
        if one != zone and has_room(region, replace(facts, values={**facts.values, "zone": {one}}))
    ]
    message = (
        f"We currently do not have sufficient {instance_type} capacity in the Availability Zone "
        f"you requested ({zone}). Our system will be working on provisioning additional capacity."
    )
    if not others:
        return message
    return (
        f"{message} You can currently get {instance_type} capacity by not specifying an "
        f"Availability Zone in your request or choosing {', '.join(others)}."
    )
