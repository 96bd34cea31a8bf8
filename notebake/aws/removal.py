"""How each kind of resource is removed, and waited for until it is gone."""

from collections.abc import Callable, Mapping

from notebake.aws import instances, key_pairs, networks, schedules, ssm
from notebake.aws.clients import connect
from notebake.aws.gone import until_removed
from notebake.aws.model import KeyPair, Resource, SecurityGroup

Remove = Callable[[Resource], None]


def remove_resource(resource: Resource) -> None:
    """Remove a resource; what is gone already is fine. Never call it without a fresh survey."""
    REMOVERS[resource.kind](resource)


def _remove_volume(volume: Resource) -> None:
    ec2 = connect("ec2", volume.region)
    until_removed(lambda: ec2.delete_volume(VolumeId=volume.id), volume.id)


def _remove_interface(interface: Resource) -> None:
    ec2 = connect("ec2", interface.region)
    until_removed(
        lambda: ec2.delete_network_interface(NetworkInterfaceId=interface.id), interface.id
    )


def _remove_image(image: Resource) -> None:
    """Deregister it; its snapshots are resources of their own."""
    ec2 = connect("ec2", image.region)
    until_removed(lambda: ec2.deregister_image(ImageId=image.id), image.id)


def _remove_snapshot(snapshot: Resource) -> None:
    ec2 = connect("ec2", snapshot.region)
    until_removed(lambda: ec2.delete_snapshot(SnapshotId=snapshot.id), snapshot.id)


REMOVERS: Mapping[str, Remove] = {
    "instance": lambda machine: instances.terminate_instances([machine.id], machine.region),
    "volume": _remove_volume,
    "network interface": _remove_interface,
    "image": _remove_image,
    "snapshot": _remove_snapshot,
    "security group": lambda group: networks.delete_security_group(
        SecurityGroup(id=group.id), group.region
    ),
    "key pair": lambda pair: key_pairs.delete_key_pair(
        KeyPair(id=pair.id, name=pair.name), pair.region
    ),
    "schedule": lambda schedule: schedules.remove_schedule(schedule.name, schedule.region),
    "parameter": lambda secret: ssm.remove_parameter(secret.name, secret.region),
}
