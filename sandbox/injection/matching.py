"""What a fault's conditions see of a call, and of the things that it names or makes."""

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
    for one in named_ids(call):
        _add_thing(values, region, one)
    return Facts(call.service, (call.action, call.operation), values)


def thing_facts(facts: Facts, region: Region, ids: Iterable[str]) -> Facts:
    """Return a call's facts together with those of things."""
    values: Values = defaultdict(set)
    for key, known in facts.values.items():
        values[key].update(known)
    for one in ids:
        _add_thing(values, region, one)
    return Facts(facts.service, facts.actions, values)


def named_ids(call: Call) -> list[str]:
    """Return the ids that an EC2 call names, in the order in which it names them."""
    found = [value for value in call.parameters.values() if _ID.fullmatch(value)]
    return list(dict.fromkeys(found)) if call.service == "ec2" else []


def all_ids(region: Region) -> Iterator[str]:
    """Yield the ids of all that a call can make and a fault can hide."""
    yield from (*region.instances, *region.volumes, *region.snapshots, *region.images)
    for groups in region.network.groups.values():
        yield from groups
    yield from (pair.id for pair in region.network.key_pairs.values())
    yield from region.network.enis


def _add_thing(values: Values, region: Region | None, thing_id: str) -> None:
    values["id"].add(thing_id)
    if not region:
        return
    for key, value in region.tags_of(thing_id).items():
        values[f"tag:{key}"].add(value)
    if instance := region.instances.get(thing_id):
        values["zone"].add(instance.zone)
        values["instance_type"].add(instance.instance_type)
        values["image_id"].add(instance.image_id)
    if volume := region.volumes.get(thing_id):
        values["zone"].add(volume.zone)
    for subnets in region.network.subnets.values():
        subnet: Any = subnets.get(thing_id)
        if subnet:
            values["zone"].add(subnet.availability_zone)
