"""How an instance is asked for: parameters that are kept before they are sent, zone after zone."""

import logging
from typing import Any

from notebake import runs
from notebake.aws import images, instances, networks, tags
from notebake.aws.volumes import zone_of_volumes
from notebake.digest import digest_of
from notebake.errors import CapacityError, CloudError
from notebake.recipe import Encryption, EncryptionMode, Recipe, RootVolume
from notebake.records import Instance, Run

log = logging.getLogger(__name__)
DEVICES = tuple(f"/dev/sd{letter}" for letter in "fghijklmnopqrst")


def device_names(recipe: Recipe) -> dict[str, str]:
    """Return the device name of each volume, by the volume's name.

    The names are labels for EC2's mapping: on the host a disk is found by its volume id only.
    """
    return {volume.name: device for volume, device in zip(recipe.volumes, DEVICES, strict=False)}


def disks_of_builder(recipe: Recipe, root_device: str) -> list[dict[str, Any]]:
    """Return the mapping of the builder: every disk of the launch goes when the machine goes."""
    devices = device_names(recipe)
    mapping = [{"DeviceName": root_device, "Ebs": _disk(recipe.root_volume, recipe.encryption)}]
    for volume in recipe.volumes:
        if volume.volume_id is None:
            disk = _disk(volume, recipe.encryption)
            if volume.snapshot_id:
                disk["SnapshotId"] = volume.snapshot_id
            mapping.append({"DeviceName": devices[volume.name], "Ebs": disk})
    return mapping


def _disk(volume: RootVolume, encryption: Encryption) -> dict[str, Any]:
    """Return the EBS part of a mapping."""
    disk: dict[str, Any] = {
        "VolumeSize": volume.size_gib,
        "VolumeType": "gp3",
        "Iops": volume.iops,
        "Throughput": volume.throughput_mib_per_second,
        "DeleteOnTermination": True,
    }
    if encryption.mode is not EncryptionMode.NONE:
        disk["Encrypted"] = True
    if encryption.kms_key_id:
        disk["KmsKeyId"] = encryption.kms_key_id
    return disk


def launch(
    run: Run,
    *,
    role: str,
    number: int,
    instance_types: tuple[str, ...],
    image_id: str,
    key_name: str,
    user_data: str,
    disks: list[dict[str, Any]],
    marks: dict[str, str],
) -> Instance:
    """Return an instance, trying each type in each zone until one has room.

    Raises:
        CapacityError: none has; the message names what was tried.
        CloudError: AWS refused for another reason; then nothing else is tried.
    """
    group = networks.find_security_group(run)
    if group is None:
        raise CloudError(f"The security group of run {run.id} is gone.", "Resume the run.")
    base: dict[str, Any] = {
        "ImageId": image_id,
        "MinCount": 1,
        "MaxCount": 1,
        "KeyName": key_name,
        "UserData": user_data,
        "InstanceInitiatedShutdownBehavior": "terminate",
        "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 2},
        "TagSpecifications": tags.specifications(
            tags.tags_for(run, role, **marks), "instance", "volume", "network-interface"
        ),
    }
    if disks:
        base["BlockDeviceMappings"] = disks
    tried: list[str] = []
    for instance_type in instance_types:
        for subnet in _subnets(run):
            place = f"{instance_type} in {subnet['AvailabilityZone']}"
            parameters = base | {
                "InstanceType": instance_type,
                "NetworkInterfaces": [_interface(run, subnet["SubnetId"], group.id)],
            }
            try:
                return _request(run, f"{role}-{number}", place, parameters)
            except CapacityError as error:
                log.warning("No room for one %s: %s", place, error.code)
                tried.append(f"{place} ({error.code})")
    raise CapacityError(
        f"AWS has no room for the machine at present. Tried: {'; '.join(tried)}",
        f"Try later with: notebake resume {run.id} - or name more instance_types in the recipe.",
    )


def _subnets(run: Run) -> list[dict[str, Any]]:
    """Return the subnets to try; an existing volume allows its own zone only."""
    subnets = networks.find_subnets(run.recipe.network, run.recipe.region)
    zone = zone_of_volumes(run.recipe)
    return [one for one in subnets if zone is None or one["AvailabilityZone"] == zone]


def _interface(run: Run, subnet_id: str, group_id: str) -> dict[str, Any]:
    """Return the network interface of a machine."""
    return {
        "DeviceIndex": 0,
        "SubnetId": subnet_id,
        "Groups": [group_id],
        "AssociatePublicIpAddress": run.recipe.network.address == "public",
        "DeleteOnTermination": True,
    }


def _request(run: Run, name: str, place: str, parameters: dict[str, Any]) -> Instance:
    """Send one request, replayed byte for byte if it was sent before under the same token.

    A token outlives its instance by a day or more: where the answer is a machine that is gone,
    the epoch is raised and another one asked for. (ec2-api-idempotency, EC2 developer guide)
    """
    while True:
        epoch = runs.epoch(run, name)
        # Machines of another image are another request, under a token of their own.
        token = runs.client_token(run.id, f"{name} {parameters['ImageId']}", epoch, place)
        kept = runs.keep_parameters(
            run, f"launch-{name}-{token[:16]}", parameters | {"ClientToken": token}
        )
        runs.record_intent(run, name, {"place": place, "token": token})
        log.info("Requesting one %s from %s", place, kept["ImageId"])
        instance = instances.request_instances(run.recipe.region, kept)[0]
        known = instances.describe_instance(instance.id, run.recipe.region)
        if known is None or known.state not in instances.GONE:
            return instance
        log.info("%s is %s already: asking for another one", instance.id, known.state)
        runs.bump_epoch(run, name, epoch)


def forget_launch(run: Run, *, role: str, number: int) -> None:
    """Let a later launch be a request of its own: what was launched before has been removed."""
    name = f"{role}-{number}"
    runs.bump_epoch(run, name, runs.epoch(run, name))


def resolve_base_image(run: Run) -> dict[str, Any]:
    """Return the base image of the run: resolved once, then recorded and kept."""
    recipe = run.recipe
    found = images.resolve_base_image(recipe.base_image, recipe.region)
    return runs.keep_parameters(
        run,
        f"base-image-{digest_of(recipe.base_image)}",
        {"ImageId": found["ImageId"], "RootDeviceName": found["RootDeviceName"]},
    )
