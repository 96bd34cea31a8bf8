"""CopyImage: an image with copies of another one's snapshots, mostly from another region.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CopyImage.html and
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/CopyingAMIs.html
"""

import logging
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any, cast

from sandbox.ec2.errors import ec2_error, invalid_value
from sandbox.ec2.images.create import check_name_form, complete_image
from sandbox.ec2.model import BlockDevice, Image, Params, Snapshot, new_id
from sandbox.ec2.state import base_images
from sandbox.ec2.state.client_tokens import Scope
from sandbox.ec2.state.cloud import Cloud
from sandbox.ec2.state.region import Region
from sandbox.ec2.state.tags import check_count, read_tag_specifications
from sandbox.ec2.storage.copied_keys import copied_key
from sandbox.ec2.storage.snapshot_time import seconds_to_copy
from sandbox.ec2.storage.snapshots import copy_snapshot
from sandbox.errors import SandboxError

log = logging.getLogger(__name__)
# "Destination Regions are limited to 100 concurrent AMI copies." (same guide)
MOST_COPIES = 100
# What people see of a copy that failed: https://github.com/hashicorp/packer/issues/6599
FAILED = "Copy image failed with an internal error"
Pairs = list[tuple[Snapshot, Snapshot]]


def copy_image(region: Region, parameters: Params) -> dict[str, Any]:
    """CopyImage: `pending` at once. The name may be that of another image."""
    scope = Scope("CopyImage", region.name)
    if created := region.tokens.find(scope, parameters):
        return {"ImageId": created}
    origin = _find_region(region, parameters["SourceRegion"])
    source = origin.find_image(parameters["SourceImageId"])
    check_name_form(parameters["Name"])
    specified = read_tag_specifications(parameters, ["image", "snapshot"])
    _check_source(region, origin, source)
    tags = {**_copied_tags(region, origin, source, parameters), **specified["image"]}
    check_count(tags)
    pairs, is_known_key = _new_snapshots(region, origin, source, parameters)
    _check_limit(region)
    region.check_dry_run(parameters)
    image = _new_image(region, origin, source, parameters, pairs)
    region.images[image.id] = image
    region.tag(image.id, tags)
    for original, snapshot in pairs:
        snapshot.description = (
            f"Copied for DestinationAmi {image.id} from SourceAmi {source.id} for SourceSnapshot"
            f" {original.id}. Task created on {region.now().timestamp():,.0f}."
        )
        region.snapshots[snapshot.id] = snapshot
        region.transitions.begin(snapshot.id, "snapshot")
        region.tag(snapshot.id, specified["snapshot"])
    region.tokens.keep(scope, parameters, image.id)
    work = partial(_finish_copy, region, source, image, pairs, is_known_key=is_known_key)
    region.core.later(image.id, work)
    return {"ImageId": image.id}


def _find_region(region: Region, name: str) -> Region:
    """Return the region with this name, as it shows itself to the call."""
    if name not in [each.name for each in region.network.describe_regions()]:
        raise invalid_value(name, "sourceRegion")
    origin = cast("Cloud", region.core).region(name, region.account_id)
    origin.visibility.action = "CopyImage"
    return origin


def _check_source(region: Region, origin: Region, source: Image) -> None:
    if source.state != "available":
        message = f"The AMI ID '{source.id}' is currently {source.state} and may not be used for"
        raise ec2_error("InvalidAMIID.Unavailable", f"{message} this operation")
    if source.owner_id == region.account_id:
        return
    for snapshot_id in source.snapshot_ids:
        snapshot = origin.snapshots.get(snapshot_id)
        users = [*snapshot.user_ids, *snapshot.groups] if snapshot else []
        if not {region.account_id, "all"} & set(users):
            # As in https://github.com/timescale/timescaledb/issues/1707
            message = "You do not have permission to access the storage of this ami"
            raise ec2_error("InvalidRequest", message)


def _copied_tags(
    region: Region, origin: Region, source: Image, parameters: Params
) -> dict[str, str]:
    """Return the tags that CopyImageTags takes along: of others only those that they share."""
    if not parameters.get("CopyImageTags"):
        return {}
    if source.owner_id == region.account_id:
        return origin.tags_of(source.id)
    return origin.shared_tags(source.id)


def _new_snapshots(
    region: Region, origin: Region, source: Image, parameters: Params
) -> tuple[Pairs, bool]:
    """Return each of the source's snapshots with its copy, and whether EBS can use their keys."""
    pairs, is_known_key = [], True
    for snapshot_id in source.snapshot_ids:
        original = origin.find_snapshot(snapshot_id)
        encrypted, key_id = copied_key(region, origin, original, parameters)
        is_known_key &= key_id is not None or not encrypted
        snapshot = replace(
            original,
            id=new_id("snap"),
            # "This value is vol-ffffffff for a copy": API reference, CopySnapshot.
            volume_id="vol-ffffffff",
            owner_id=region.account_id,
            encrypted=encrypted,
            kms_key_id=key_id,
            state="pending",
            progress="0%",
            since=None,
            user_ids=[],
            groups=[],
            start_time=region.now(),
        )
        pairs.append((original, snapshot))
    return pairs, is_known_key


def _check_limit(region: Region) -> None:
    own = [each for each in region.images.values() if each.owner_id == region.account_id]
    copies = [each for each in own if each.source_image_region]
    if sum(each.state == "pending" for each in copies) >= MOST_COPIES:
        message = f"Too many AMI copies in progress. The limit is {MOST_COPIES} for this"
        raise ec2_error("ResourceLimitExceeded", f"{message} destination region.")


def _new_image(
    region: Region, origin: Region, source: Image, parameters: Params, pairs: Pairs
) -> Image:
    """Return the copy; launch permissions, deprecation and protection stay with the source."""
    copies = {original.id: snapshot for original, snapshot in pairs}
    return Image(
        id=new_id("ami"),
        name=parameters["Name"],
        owner_id=region.account_id,
        description=parameters.get("Description", ""),
        mapping=[_copied_device(entry, copies) for entry in source.mapping],
        root_device=source.root_device,
        architecture=source.architecture,
        boot_mode=source.boot_mode,
        imds_support=source.imds_support,
        source_image_id=source.id,
        source_image_region=origin.name,
        creation_date=region.now(),
    )


def _copied_device(entry: BlockDevice, copies: Mapping[str, Snapshot]) -> BlockDevice:
    if not entry.snapshot_id:
        return entry
    copy = copies[entry.snapshot_id]
    return replace(entry, snapshot_id=copy.id, encrypted=copy.encrypted, kms_key_id=copy.kms_key_id)


def _finish_copy(
    region: Region, source: Image, image: Image, pairs: Pairs, *, is_known_key: bool
) -> None:
    """Copy the layers of the root and the other snapshots."""
    try:
        with region.core.lock:  # after the reply to the call that began the copy
            failure = region.transitions.take_failure(image.id)
        # "AWS authenticates the KMS key asynchronously": a wrong one shows only now.
        if failure is None and not is_known_key:
            raise SandboxError("the key does not exist, or EBS cannot use it")
        region.core.machines.copy_image(base_images.host_image_id(source), image.id)
        copied = [copy_snapshot(region, original.id, snapshot) for original, snapshot in pairs]
        for original, snapshot in pairs:
            with region.core.lock:
                seconds = seconds_to_copy(region, original.full_bytes or 0)
                region.transitions.extend(snapshot.id, "snapshot", seconds)
        failure = failure if all(copied) else failure or FAILED
    except Exception:
        log.exception("The copy %s of %s failed", image.id, source.id)
        failure = FAILED
    complete_image(region, image, [snapshot for _, snapshot in pairs], failure)
