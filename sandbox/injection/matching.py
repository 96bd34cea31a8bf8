"""The facts of a call, and of the resources that it names or creates."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from sandbox.ec2.state.region import Region
from sandbox.faults.registry import Facts
from sandbox.messages.call import Call

Values = defaultdict[str, set[str]]
_ID = re.compile(r"(?:i|ami|vol|snap|sg|key|eni|subnet)-(?:[0-9a-f]{17}|[0-9a-f]{8})")
_TAG_KEY = re.compile(r"(?:TagSpecification\.\d+\.)?Tag\.\d+\.Key")


def call_facts(call: Call, region: Region | None) -> Facts:
    """Return what is known of a call before it is answered."""
    values: Values = defaultdict(set)
    for name, value in call.parameters.items():
        values[name].add(value)
        if name.endswith("AvailabilityZone"):
            values["zone"].add(value)
        if _TAG_KEY.fullmatch(name):
            tag_value = call.parameters.get(f"{name.removesuffix('Key')}Value", "")
            values[f"tag:{value}"].add(tag_value)
    values["instance_type"].update(values.pop("InstanceType", ()))
    values["image_id"].update(values.get("ImageId", ()))
    for resource_id in named_ids(call):
        _add_resource(values, region, resource_id)
    return Facts(call.service, (call.action, call.operation), values)


def resource_facts(facts: Facts, region: Region, ids: Iterable[str]) -> Facts:
    """Return a call's facts together with those of resources."""
    values: Values = defaultdict(set)
    for key, known in facts.values.items():
        values[key].update(known)
    for resource_id in ids:
        _add_resource(values, region, resource_id)
    return Facts(facts.service, facts.actions, values)


def named_ids(call: Call) -> list[str]:
    """Return the ids that an EC2 call names, in their order."""
    found = [value for value in call.parameters.values() if _ID.fullmatch(value)]
    return list(dict.fromkeys(found)) if call.service == "ec2" else []


def all_ids(region: Region) -> Iterator[str]:
    """Yield the ids of all resources that a call can create and a fault can hide."""
    yield from (*region.instances, *region.volumes, *region.snapshots, *region.images)
    for groups in region.network.groups.values():
        yield from groups
    yield from (pair.id for pair in region.network.key_pairs.values())
    yield from region.network.enis


def _add_resource(values: Values, region: Region | None, resource_id: str) -> None:
    values["id"].add(resource_id)
    if not region:
        return
    for key, value in region.tags_of(resource_id).items():
        values[f"tag:{key}"].add(value)
    if instance := region.instances.get(resource_id):
        values["zone"].add(instance.zone)
        values["instance_type"].add(instance.instance_type)
        values["image_id"].add(instance.image_id)
    if volume := region.volumes.get(resource_id):
        values["zone"].add(volume.zone)
    for subnets in region.network.subnets.values():
        subnet: Any = subnets.get(resource_id)
        if subnet:
            values["zone"].add(subnet.availability_zone)
