"""The removal of each kind of resource."""

from collections.abc import Callable, Mapping

from notebake.aws import images, instances, key_pairs, networks, schedules, ssm
from notebake.aws.clients import connect
from notebake.aws.gone import retry_removal
from notebake.aws.kinds import NETWORK_INTERFACE, VOLUME
from notebake.aws.model import KeyPair, Resource, SecurityGroup
from notebake.aws.permissions import needs
from notebake.aws.policies import USE_OURS

Remove = Callable[[Resource], object]
SWEEP = "`notebake sweep`"


def remove_resource(resource: Resource) -> None:
    """Remove a resource, if it still exists. Call it only after a fresh survey."""
    REMOVERS[resource.kind](resource)


@needs("ec2:DeleteVolume", USE_OURS.on("volume"), only_for=SWEEP, VolumeId=VOLUME.stand_in)
def _remove_volume(volume: Resource) -> None:
    ec2 = connect("ec2", volume.region)
    retry_removal(lambda: ec2.delete_volume(VolumeId=volume.id), volume.id)


@needs(
    "ec2:DeleteNetworkInterface",
    USE_OURS.on("network-interface"),
    only_for=SWEEP,
    NetworkInterfaceId=NETWORK_INTERFACE.stand_in,
)
def _remove_interface(interface: Resource) -> None:
    ec2 = connect("ec2", interface.region)
    retry_removal(
        lambda: ec2.delete_network_interface(NetworkInterfaceId=interface.id), interface.id
    )


REMOVERS: Mapping[str, Remove] = {
    # Nobody waits for it, and what a stranger has attached to it is not to be damaged.
    "instance": lambda machine: instances.terminate_instances(
        [machine.id], machine.region, shut_down_first=True
    ),
    "volume": _remove_volume,
    "network interface": _remove_interface,
    # Its snapshots are resources of their own.
    "image": lambda image: retry_removal(
        lambda: images.deregister_image(image.id, image.region), image.id
    ),
    "snapshot": lambda snapshot: images.remove_snapshots((snapshot.id,), snapshot.region),
    "security group": lambda group: networks.delete_security_group(
        SecurityGroup(id=group.id), group.region
    ),
    "key pair": lambda pair: key_pairs.delete_key_pair(
        KeyPair(id=pair.id, name=pair.name), pair.region
    ),
    "schedule": lambda schedule: schedules.remove_schedule(schedule.name, schedule.region),
    "parameter": lambda secret: ssm.remove_parameter(secret.name, secret.region),
}
