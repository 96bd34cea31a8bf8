"""How each kind of thing is removed, and waited for until it is gone."""

from collections.abc import Callable

from notebake.aws import instances, key_pairs, networks, parameters, schedules
from notebake.aws.clients import connect
from notebake.aws.gone import until_removed
from notebake.aws.model import KeyPair, Resource, SecurityGroup


def remove_resource(one: Resource) -> None:
    """Remove one thing; what is gone already is fine. Never call it without a fresh look."""
    REMOVERS[one.kind](one)


def _remove_instance(one: Resource) -> None:
    instances.terminate_instances([one.id], one.region)


def _remove_volume(one: Resource) -> None:
    ec2 = connect("ec2", one.region)
    until_removed(lambda: ec2.delete_volume(VolumeId=one.id), one.id)


def _remove_interface(one: Resource) -> None:
    ec2 = connect("ec2", one.region)
    until_removed(lambda: ec2.delete_network_interface(NetworkInterfaceId=one.id), one.id)


def _remove_image(one: Resource) -> None:
    """Deregister it; its snapshots are resources of their own."""
    ec2 = connect("ec2", one.region)
    until_removed(lambda: ec2.deregister_image(ImageId=one.id), one.id)


def _remove_snapshot(one: Resource) -> None:
    ec2 = connect("ec2", one.region)
    until_removed(lambda: ec2.delete_snapshot(SnapshotId=one.id), one.id)


def _remove_key_pair(one: Resource) -> None:
    key_pairs.delete_key_pair(KeyPair(id=one.id, name=one.name), one.region)


def _remove_group(one: Resource) -> None:
    networks.delete_security_group(SecurityGroup(id=one.id), one.region)


def _remove_schedule(one: Resource) -> None:
    schedules.remove_schedule(one.name, one.region)


def _remove_parameter(one: Resource) -> None:
    parameters.remove_parameter(one.name, one.region)


REMOVERS: dict[str, Callable[[Resource], None]] = {
    "instance": _remove_instance,
    "volume": _remove_volume,
    "network interface": _remove_interface,
    "image": _remove_image,
    "snapshot": _remove_snapshot,
    "security group": _remove_group,
    "key pair": _remove_key_pair,
    "schedule": _remove_schedule,
    "parameter": _remove_parameter,
}
