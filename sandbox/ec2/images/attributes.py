"""What the owner of an image may do with it: share it, describe it better, deregister it."""

from functools import partial
from typing import Any

from sandbox.ec2.errors import invalid_value, refusal
from sandbox.ec2.images.view import iso_time, reported_launch
from sandbox.ec2.model import Image, Params
from sandbox.ec2.state.region import Region
from sandbox.ec2.storage.block_devices import default_key
from sandbox.ec2.storage.snapshots import check_account, remove_snapshot


def deregister_image(region: Region, parameters: Params) -> dict[str, Any]:
    """DeregisterImage, on request together with the snapshots that no other image stands on."""
    image = find_own_image(region, parameters["ImageId"])
    if image.deregistration_protection != "disabled":
        # https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ami-deregistration-protection.html
        message = f"The image '{image.id}' may not be deregistered: it is protected"
        raise refusal("OperationNotPermitted", message)
    region.check_dry_run(parameters)
    del region.images[image.id]
    region.deregistered.add(image.id)
    region.untag(image.id)
    region.core.later(image.id, partial(region.core.machines.delete_image, image.id))
    results = []
    if parameters.get("DeleteAssociatedSnapshots"):
        for line in image.mapping:
            if line.snapshot_id:
                code = _delete_associated(region, line.snapshot_id)
                results.append({"SnapshotId": line.snapshot_id, "ReturnCode": code})
    return {"Return": True, "DeleteSnapshotResults": results}


def modify_image_attribute(region: Region, parameters: Params) -> None:
    """ModifyImageAttribute: launch permissions, description or ImdsSupport."""
    image = find_own_image(region, parameters["ImageId"])
    permission = parameters.get("LaunchPermission", {})
    add, remove = list(permission.get("Add", [])), list(permission.get("Remove", []))
    target = {"add": add, "remove": remove}.get(parameters.get("OperationType", ""), add)
    target += [{"UserId": one} for one in parameters.get("UserIds", [])]
    target += [{"Group": one} for one in parameters.get("UserGroups", [])]
    target += [{"OrganizationArn": one} for one in parameters.get("OrganizationArns", [])]
    for one in [*add, *remove]:
        check_account(one.get("UserId", "000000000000"), one.get("Group", "all"))
    if add:
        _check_shareable(region, image)
        if region.blocks_public_images and {"Group": "all"} in add:
            # https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/block-public-access-to-amis.html
            message = "You can't publicly share this image: block public access is enabled"
            raise refusal("OperationNotPermitted", message)
    region.check_dry_run(parameters)
    kept = [one for one in [*image.launch_permissions, *add] if one not in remove]
    image.launch_permissions = [one for i, one in enumerate(kept) if one not in kept[:i]]
    if description := parameters.get("Description"):
        image.description = description["Value"]
    elif parameters.get("Attribute") == "description":
        image.description = parameters["Value"]
    if imds := parameters.get("ImdsSupport"):
        image.imds_support = imds["Value"]


def describe_image_attribute(region: Region, parameters: Params) -> dict[str, Any]:
    """DescribeImageAttribute: launch permissions, description and what else the image has."""
    image = find_own_image(region, parameters["ImageId"])
    values: dict[str, tuple[str, Any]] = {
        "launchPermission": ("LaunchPermissions", image.launch_permissions),
        "description": ("Description", {"Value": image.description}),
        "imdsSupport": ("ImdsSupport", {"Value": image.imds_support}),
        "bootMode": ("BootMode", {"Value": image.boot_mode}),
        "productCodes": ("ProductCodes", []),
        "sriovNetSupport": ("SriovNetSupport", {"Value": "simple"}),
        "deregistrationProtection": (
            "DeregistrationProtection",
            {"Value": image.deregistration_protection},
        ),
        "lastLaunchedTime": (
            "LastLaunchedTime",
            {"Value": iso_time(reported_launch(region, image))},
        ),
    }
    attribute = parameters["Attribute"]
    if attribute not in values:
        raise invalid_value(attribute, "attribute")
    name, value = values[attribute]
    return {"ImageId": image.id, name: value}


def find_own_image(region: Region, image_id: str) -> Image:
    """Return the account's own image. Raises EC2's error for another's."""
    image = region.find_image(image_id)
    if image.owner_id != region.account_id:
        raise refusal("AuthFailure", f"Not authorized for image:{image_id}")
    return image


def _check_shareable(region: Region, image: Image) -> None:
    if image.state == "disabled":
        raise refusal("IncorrectState", f"The image '{image.id}' is disabled.")
    for line in image.mapping:
        snapshot = region.snapshots.get(line.snapshot_id or "")
        if snapshot and snapshot.kms_key_id == default_key(region):
            message = "Snapshots encrypted with the AWS Managed CMK can't be shared."
            raise refusal("InvalidParameter", f"{message} Specify another snapshot.")


def _delete_associated(region: Region, snapshot_id: str) -> str:
    snapshot = region.snapshots.get(snapshot_id)
    if not snapshot:
        return "skipped"
    used = [line.snapshot_id for image in region.images.values() for line in image.mapping]
    if snapshot_id in used:
        return "skipped"
    remove_snapshot(region, snapshot)
    return "success"
