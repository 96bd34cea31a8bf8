"""What an image's owner can do with it: share it, describe it, deregister it."""

from functools import partial
from typing import Any

from sandbox.ec2.errors import ec2_error
from sandbox.ec2.images.view import iso_time, reported_launch
from sandbox.ec2.instances.attributes import view_attribute
from sandbox.ec2.model import Image, Params
from sandbox.ec2.state.region import Region
from sandbox.ec2.storage.keys import default_key
from sandbox.ec2.storage.sharing import Permission, read_permissions
from sandbox.ec2.storage.snapshots import remove_snapshot

SHORTHANDS = {
    "UserIds": "UserId",
    "UserGroups": "Group",
    "OrganizationArns": "OrganizationArn",
    "OrganizationalUnitArns": "OrganizationalUnitArn",
}
EVERYBODY = {"Group": "all"}


def deregister_image(region: Region, parameters: Params) -> dict[str, Any]:
    """DeregisterImage, on request together with the snapshots that no other image uses."""
    image = find_own_image(region, parameters["ImageId"])
    if image.deregistration_protection != "disabled":
        # https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ami-deregistration-protection.html
        message = f"The image '{image.id}' may not be deregistered: it is protected"
        raise ec2_error("OperationNotPermitted", message)
    region.check_dry_run(parameters)
    del region.images[image.id]
    region.deregistered.add(image.id)
    region.untag(image.id)
    region.core.later(image.id, partial(region.core.machines.delete_image, image.id))
    results = []
    if parameters.get("DeleteAssociatedSnapshots"):
        for snapshot_id in image.snapshot_ids:
            code = _delete_associated(region, snapshot_id)
            results.append({"SnapshotId": snapshot_id, "ReturnCode": code})
    return {"Return": True, "DeleteSnapshotResults": results}


def modify_image_attribute(region: Region, parameters: Params) -> None:
    """ModifyImageAttribute: launch permissions, description or ImdsSupport."""
    image = find_own_image(region, parameters["ImageId"])
    add, remove = read_permissions(parameters, "LaunchPermission", SHORTHANDS)
    if add:
        _check_shareable(region, image)
        if EVERYBODY in add:
            _check_public(region, image)
    region.check_dry_run(parameters)
    kept: list[Permission] = []
    for permission in [*image.launch_permissions, *add]:
        if permission not in [*remove, *kept]:
            kept.append(permission)
    image.launch_permissions = kept
    if description := parameters.get("Description"):
        image.description = description["Value"]
    elif parameters.get("Attribute") == "description":
        image.description = parameters["Value"]
    if imds := parameters.get("ImdsSupport"):
        image.imds_support = imds["Value"]


def describe_image_attribute(region: Region, parameters: Params) -> dict[str, Any]:
    """DescribeImageAttribute."""
    image = find_own_image(region, parameters["ImageId"])
    values = {
        "launchPermission": image.launch_permissions,
        "description": {"Value": image.description},
        "imdsSupport": {"Value": image.imds_support},
        "bootMode": {"Value": image.boot_mode},
        "productCodes": [],
        "sriovNetSupport": {"Value": "simple"},
        "deregistrationProtection": {"Value": image.deregistration_protection},
        "lastLaunchedTime": {"Value": iso_time(reported_launch(region, image))},
    }
    return {"ImageId": image.id, **view_attribute(parameters["Attribute"], values)}


def find_own_image(region: Region, image_id: str) -> Image:
    """Return the account's own image. Raises EC2's error if another account owns it."""
    image = region.find_image(image_id)
    if image.owner_id != region.account_id:
        raise ec2_error("AuthFailure", f"Not authorized for image:{image_id}")
    return image


def _check_shareable(region: Region, image: Image) -> None:
    if image.state == "disabled":
        raise ec2_error("IncorrectState", f"The image '{image.id}' is disabled.")
    if image.state == "pending":
        # As in https://github.com/SUSE-Enceladus/ec2imgutils/issues/45
        message = f"The AMI ID '{image.id}' is currently pending and may not be used for this"
        raise ec2_error("InvalidAMIID.Unavailable", f"{message} operation")
    for snapshot_id in image.snapshot_ids:
        snapshot = region.snapshots.get(snapshot_id)
        if snapshot and snapshot.kms_key_id == default_key(region):
            message = "Snapshots encrypted with the AWS Managed CMK can't be shared."
            raise ec2_error("InvalidParameter", f"{message} Specify another snapshot.")


def _check_public(region: Region, image: Image) -> None:
    if region.blocks_public_images:
        # https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/block-public-access-to-amis.html
        message = "You can't publicly share this image: block public access is enabled"
        raise ec2_error("OperationNotPermitted", message)
    snapshots = (region.snapshots.get(snapshot_id) for snapshot_id in image.snapshot_ids)
    if any(snapshot and snapshot.encrypted for snapshot in snapshots):
        # "you can't make an AMI public if it has encrypted volumes":
        # https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/sharingamis-intro.html
        raise ec2_error("InvalidParameter", "Images with encrypted snapshots can't be public.")


def _delete_associated(region: Region, snapshot_id: str) -> str:
    snapshot = region.snapshots.get(snapshot_id)
    if not snapshot:
        return "skipped"
    if any(snapshot_id in image.snapshot_ids for image in region.images.values()):
        return "skipped"
    remove_snapshot(region, snapshot)
    return "success"
