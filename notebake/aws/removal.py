"""How one thing is removed, and waited for until it is gone."""

from collections.abc import Callable

from notebake.aws import instances, key_pairs, networks, parameters, schedules
from notebake.aws.clients import calling, connect
from notebake.errors import CloudError
from notebake.records import KeyPair, Resource, SecurityGroup
from notebake.waiting import wait_until

PART_SECONDS = 120
"""How long a disk or an interface may stay in use after its machine is gone."""
GONE = frozenset(
    (
        *("InvalidVolume.NotFound", "InvalidNetworkInterfaceID.NotFound"),
        *("InvalidAMIID.NotFound", "InvalidAMIID.Unavailable", "InvalidSnapshot.NotFound"),
    )
)
BUSY = frozenset(("VolumeInUse", "InvalidNetworkInterface.InUse", "IncorrectState"))


def remove_resource(one: Resource) -> None:
    """Remove one thing; what is gone already is fine. Never call it without a fresh look."""
    REMOVERS[one.kind](one)


def _remove_instance(one: Resource) -> None:
    instances.terminate_instances([one.id], one.region)


def _remove_volume(one: Resource) -> None:
    ec2 = connect("ec2", one.region)
    _until_gone(one, lambda: ec2.delete_volume(VolumeId=one.id))


def _remove_interface(one: Resource) -> None:
    ec2 = connect("ec2", one.region)
    _until_gone(one, lambda: ec2.delete_network_interface(NetworkInterfaceId=one.id))


def _remove_image(one: Resource) -> None:
    """Deregister it; its snapshots are resources of their own."""
    ec2 = connect("ec2", one.region)
    _until_gone(one, lambda: ec2.deregister_image(ImageId=one.id))


def _remove_snapshot(one: Resource) -> None:
    ec2 = connect("ec2", one.region)
    _until_gone(one, lambda: ec2.delete_snapshot(SnapshotId=one.id))


def _until_gone(one: Resource, call: Callable[[], object]) -> None:
    """Make a removing call until it is accepted, or answered that the thing is gone."""

    def is_accepted() -> bool | None:
        try:
            with calling(f"remove {one.id}"):
                call()
        except CloudError as error:
            if error.code in BUSY:
                return None
            if error.code not in GONE:
                raise
        return True

    wait_until(is_accepted, what=f"{one.id} to be unused", timeout_seconds=PART_SECONDS)


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
