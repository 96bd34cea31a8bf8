"""What is done by hand for what a server has besides its image: disks, address, ends outside."""

from collections.abc import Mapping
from typing import Any

from notebake.aws import tags
from notebake.aws.server_schedules import schedule_parameters
from notebake.explanation.document import Action, on_machine
from notebake.explanation.host_disks import mounting_one
from notebake.explanation.server_calls_by_hand import call
from notebake.explanation.server_facts import ServerFacts
from notebake.recipe import Volume
from notebake.servers.server_disks import disks_of

SCHEDULER = "scheduler"


def attaching(facts: ServerFacts) -> list[Action]:
    """Return how the disks are made, attached and mounted; nothing for a server without any.

    A disk of the launch is there already, and a volume that another server has by now is left out.
    """
    server = facts.server
    there = [
        (disk, server.volume_ids[disk.device])
        for disk in disks_of(server)
        if disk.device in server.volume_ids
    ]
    actions: list[Action] = []
    for disk, volume_id in there:
        volume = facts.disks.get(volume_id)
        if volume is None or not volume.outlives_server:
            continue
        made = {
            "AvailabilityZone": volume.zone,
            "Size": volume.size_gib,
            "VolumeType": volume.kind,
            "TagSpecifications": tags.specifications(volume.tags, "volume"),
        }
        actions += call(facts, "CreateVolume", made, "Once, for all servers.", gave=volume_id)
        given = {"VolumeId": volume_id, "InstanceId": server.id, "Device": disk.device}
        actions += call(facts, "AttachVolume", given)
    for disk, volume_id in there:
        mounted = Volume(name=disk.name, mount_point=disk.mount, volume_id=volume_id)
        actions.append(mounting_one(mounted, volume_id, server.login))
    shown = on_machine("lsblk --output NAME,SERIAL,SIZE,MOUNTPOINT")
    return [*actions, shown] if actions else []


def fixing_address(facts: ServerFacts) -> list[Action]:
    """Return how the server gets its elastic address; nothing for one without."""
    allocation_id = facts.server.tags.get(tags.ELASTIC_ADDRESS, "")
    if not allocation_id:
        return []
    given: Mapping[str, Any] = {"AllocationId": allocation_id, "InstanceId": facts.server.id}
    return [
        *call(facts, "AllocateAddress", {"Domain": "vpc"}, gave=allocation_id),
        *call(facts, "AssociateAddress", given),
    ]


def releasing(facts: ServerFacts) -> list[Action]:
    """Return how its elastic address is given back."""
    allocation_id = facts.server.tags.get(tags.ELASTIC_ADDRESS, "")
    return call(facts, "ReleaseAddress", {"AllocationId": allocation_id}) if allocation_id else []


def scheduling(facts: ServerFacts) -> list[Action]:
    """Return how its ends are made to stand outside of it; nothing for one without a role."""
    actions: list[Action] = []
    for each in facts.schedules:
        given = schedule_parameters(each, facts.server.region)
        if each.starts:
            given["StartDate"] = each.starts.isoformat()
        actions += call(facts, "CreateSchedule", given, service=SCHEDULER)
    return actions


def unscheduling(facts: ServerFacts) -> list[Action]:
    """Return how these schedules are deleted."""
    return [
        action
        for each in facts.schedules
        for action in call(facts, "DeleteSchedule", {"Name": each.name}, service=SCHEDULER)
    ]
