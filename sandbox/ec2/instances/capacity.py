"""What an account may have: capacity of a zone, and what quotas of vCPUs and addresses leave."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from moto.ec2.models.instance_types import INSTANCE_TYPES

from sandbox.ec2.errors import ec2_error, ec2_server_error
from sandbox.ec2.instances.types import zones_offering
from sandbox.ec2.state.region import Region
from sandbox.faults.fault import Fault
from sandbox.faults.registry import Facts

NO_CAPACITY = "InsufficientInstanceCapacity"
OVER_QUOTA = "VcpuLimitExceeded"
# The quota that counts each family of types; below, the values in a new account of the sandbox.
# https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html
STANDARD = "L-1216C47A"
FAMILIES = {"g": "L-DB2E81BA", "vt": "L-DB2E81BA", "p": "L-417A185B"}
ELASTIC_ADDRESSES = "L-0263D0A3"
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/elastic-ip-addresses-eip.html
QUOTAS = {STANDARD: 64, "L-DB2E81BA": 0, "L-417A185B": 0, ELASTIC_ADDRESSES: 5}
_STANDARD_FAMILIES = set("acdhimrtz")
OVER_QUOTA_MESSAGE = (
    "You have requested more vCPU capacity than your current vCPU limit of {} allows for the "
    "instance bucket that the specified instance type belongs to. Please visit "
    "http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit."
)


def check_capacity(
    region: Region, action: str, instance_type: str, zone: str, tags: Mapping[str, str], count: int
) -> None:
    """Raise EC2's error if so many instances do not fit. Not for dry runs."""
    facts = launch_facts(action, instance_type, zone, tags)
    _check_quota(region, facts, instance_type, count)
    if fault := _fire(region, NO_CAPACITY, facts):
        raise ec2_server_error(
            NO_CAPACITY, fault.message or _capacity_message(region, facts, instance_type, zone)
        )


def has_capacity(region: Region, facts: Facts) -> bool:
    """Return whether a zone has capacity. Counts no fault as fired."""
    return not any(
        fault.code == NO_CAPACITY and facts.match(fault)
        for fault in region.core.faults.active("refuse")
    )


def launch_facts(action: str, instance_type: str, zone: str, tags: Mapping[str, str]) -> Facts:
    """Return the facts of a launch, for a fault's conditions to test."""
    values = {f"tag:{key}": {value} for key, value in tags.items()}
    return Facts("ec2", (action,), {**values, "zone": {zone}, "instance_type": {instance_type}})


def quota_of(limits: Sequence[Fault], code: str) -> int:
    """Return a quota: the value of the last fault that limits it, or that of a new account."""
    values = [limit.value for limit in limits if limit.code == code and limit.value is not None]
    return values[-1] if values else QUOTAS[code]


def check_addresses_quota(region: Region, used: int) -> None:
    """Raise EC2's error if the account may have no further elastic address."""
    limits = _limits(region, ELASTIC_ADDRESSES)
    if used < quota_of(limits, ELASTIC_ADDRESSES):
        return
    for limit in limits:
        region.core.faults.count_fired(limit)
    message = "The maximum number of addresses has been reached."
    raise ec2_error("AddressLimitExceeded", message)


def _check_quota(region: Region, facts: Facts, instance_type: str, count: int) -> None:
    code = _quota_code(instance_type)
    if not code:
        return
    faults = region.core.faults
    limits = _limits(region, code)
    quota = quota_of(limits, code)
    used = sum(
        _vcpus(instance.instance_type)
        for instance in region.instances.values()
        if instance.state in ("pending", "running") and _quota_code(instance.instance_type) == code
    )
    is_over = used + count * _vcpus(instance_type) > quota
    for limit in limits if is_over else []:
        faults.count_fired(limit)
    if is_over or _fire(region, OVER_QUOTA, facts):
        raise ec2_error(OVER_QUOTA, OVER_QUOTA_MESSAGE.format(quota))


def _limits(region: Region, code: str) -> list[Fault]:
    return [limit for limit in region.core.faults.active("limit") if limit.code == code]


def _quota_code(instance_type: str) -> str | None:
    family = re.match("[a-z]+", instance_type)
    name = family[0] if family else ""
    if name in FAMILIES:
        return FAMILIES[name]
    return STANDARD if name[:1] in _STANDARD_FAMILIES and name not in ("trn", "inf") else None


def _vcpus(instance_type: str) -> int:
    return int(INSTANCE_TYPES[instance_type]["VCpuInfo"]["DefaultVCpus"])


def _fire(region: Region, code: str, facts: Facts) -> Fault | None:
    faults = region.core.faults
    matching = faults.matching({"refuse"}, facts)
    return next((fault for fault in matching if fault.code == code and faults.count(fault)), None)


def _capacity_message(region: Region, facts: Facts, instance_type: str, zone: str) -> str:
    """Return EC2's message, which names the zones that have capacity."""
    others = [
        other
        for other in zones_offering(instance_type, region.name)
        if other != zone
        and has_capacity(region, replace(facts, values={**facts.values, "zone": {other}}))
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
