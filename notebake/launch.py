"""How an instance is asked for: parameters that are kept before they are sent, zone after zone."""

import functools
import logging
from collections.abc import Callable
from typing import Any

from notebake import clock, runs
from notebake.attempt import attempt, attempts, close, close_removed
from notebake.aws import images, instances, networks, tags
from notebake.aws.volumes import zone_of_volumes
from notebake.digest import digest_of
from notebake.errors import CapacityError, LostError, WaitTimeoutError
from notebake.patience import CATCH_UP_SECONDS, SHOWN_AFTER_END_SECONDS
from notebake.recipe import Encryption, EncryptionMode, Recipe, RootVolume
from notebake.records import Instance, Run
from notebake.waiting import wait_until

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

    A place whose answer was lost is asked again before any other: the machine may be there.

    Raises:
        CapacityError: none has; the message names what was tried.
        CloudError: AWS refused for another reason; then nothing else is tried.
    """
    name = f"{role}-{number}"
    group = networks.find_security_group(run)
    if group is None:
        raise LostError(f"The security group of run {run.id} is gone.", "Resume the run.")
    base: dict[str, Any] = {
        "ImageId": image_id,
        "MinCount": 1,
        "MaxCount": 1,
        "KeyName": key_name,
        "UserData": user_data,
        "InstanceInitiatedShutdownBehavior": "terminate",
        "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 2},
    }
    if disks:
        base["BlockDeviceMappings"] = disks
    marks = {tags.NUMBER: str(number), **marks}
    if found := _ask_again(run, name, marks):
        return found
    tried: list[str] = []
    for instance_type in instance_types:
        for subnet in _subnets(run):
            place = f"{instance_type} in {subnet['AvailabilityZone']}"
            parameters = base | {
                "InstanceType": instance_type,
                "NetworkInterfaces": [_interface(run, subnet["SubnetId"], group.id)],
            }
            try:
                return _request(run, role, place, parameters, marks)
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


def _ask_again(run: Run, name: str, marks: dict[str, str]) -> Instance | None:
    """Return the machine of a request whose answer was lost, if it was for the same; else None.

    The token makes the same request harmless: it gives the machine that the first one made, or
    makes it now.
    """
    epoch = runs.epoch(run, name)
    for one in attempts(run, name):
        same = one.detail["epoch"] == epoch and one.detail["marks"] == marks
        kept = runs.read_parameters(run, str(one.detail["kept"]))
        if one.state != "open" or not same or kept is None:
            continue
        log.info("Asking again for one %s, as the answer was lost", one.detail["place"])
        try:
            instance = _send(run, kept, lambda: None)
        except CapacityError as error:
            log.warning("No room for one %s: %s", one.detail["place"], error.code)
            close(run, one, "removed")
            continue
        close(run, one, "made", instance.id)
        if is_there(run, instance, one.at):
            return instance
        runs.bump_epoch(run, name, epoch)
        return None
    return None


def _request(
    run: Run, role: str, place: str, parameters: dict[str, Any], marks: dict[str, str]
) -> Instance:
    """Send one request, replayed byte for byte if it was sent before under the same token.

    A token outlives its instance by a day or more: where the answer is a machine that is gone,
    the epoch is raised and another one asked for. (ec2-api-idempotency, EC2 developer guide)
    """
    name = f"{role}-{marks[tags.NUMBER]}"
    while True:
        epoch = runs.epoch(run, name)
        # Machines of another image are another request, under a token of their own.
        token = runs.client_token(run.id, f"{name} {parameters['ImageId']}", epoch, place)
        marked = tags.tags_for(run, role, **marks) | {tags.TOKEN: token}
        kept_as = f"launch-{name}-{token[:16]}"
        kept = runs.keep_parameters(
            run,
            kept_as,
            parameters
            | {
                "ClientToken": token,
                "TagSpecifications": tags.specifications(
                    marked, "instance", "volume", "network-interface"
                ),
            },
        )
        log.info("Requesting one %s from %s", place, kept["ImageId"])
        began = clock.now()
        instance = attempt(
            run,
            name,
            {"place": place, "token": token, "epoch": epoch, "kept": kept_as, "marks": marks},
            functools.partial(_send, run, kept),
            ids=lambda made: (made.id,),
        )
        earlier = [one.at for one in attempts(run, name) if one.detail["token"] == token]
        if is_there(run, instance, min(earlier, default=began)):
            return instance
        log.info("%s is gone already: asking for another one", instance.id)
        runs.bump_epoch(run, name, epoch)


def _send(run: Run, kept: dict[str, Any], before_each: Callable[[], None]) -> Instance:
    """Send kept parameters."""
    return instances.request_instances(run.recipe.region, kept, before_each)[0]


def is_there(run: Run, instance: Instance, asked_at: float) -> bool:
    """Tell whether a machine that EC2 named is one that has not ended since it was asked for.

    EC2 shows an ended one for about an hour. One that is not shown and was asked for later than
    that is late: nobody may take it for gone and launch another beside it.

    Raises:
        WaitTimeoutError: it is late, and did not appear in time.
    """
    try:
        known = wait_until(
            lambda: instances.describe_instance(instance.id, run.recipe.region),
            what=f"EC2 to show {instance.id}",
            timeout_seconds=CATCH_UP_SECONDS,
        )
    except WaitTimeoutError:
        if clock.now() < asked_at + SHOWN_AFTER_END_SECONDS:
            raise
        return False
    return known.state not in instances.GONE


def remove_machines(run: Run, role: str, count: int) -> None:
    """Terminate all machines of a role, and let a later launch be a request of its own.

    EC2 may still be catching up with a launch: it is looked for until it shows or cannot any more.
    """
    names = [f"{role}-{number}" for number in range(1, count + 1)]
    late = [one for name in names for one in attempts(run, name) if one.may_still_appear]

    def look() -> list[Instance] | None:
        seen = instances.find_launched(run, role)
        known = {one.id for one in seen} | {one.client_token for one in seen}
        missing = [one for one in late if not known & {*one.made, str(one.detail["token"])}]
        return seen if not any(one.may_still_appear for one in missing) else None

    seen = wait_until(
        look,
        what=f"EC2 to show what may have been launched as {role}",
        timeout_seconds=CATCH_UP_SECONDS,
    )
    found = [one.id for one in seen if one.state != "terminated"]
    if found:
        log.info("Terminating %s", ", ".join(found))
        instances.terminate_instances(found, run.recipe.region)
    for name in names:
        if any(one.state in {"open", "made"} for one in attempts(run, name)):
            runs.bump_epoch(run, name, runs.epoch(run, name))
            close_removed(run, name)


def resolve_base_image(run: Run) -> dict[str, Any]:
    """Return the base image of the run: resolved once, then recorded and kept."""
    recipe = run.recipe
    found = images.resolve_base_image(recipe.base_image, recipe.region)
    return runs.keep_parameters(
        run,
        f"base-image-{digest_of(recipe.base_image)}",
        {"ImageId": found["ImageId"], "RootDeviceName": found["RootDeviceName"]},
    )
