"""What an image's owner decides about its end: deprecated, disabled, protected; and who uses it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from moto.utilities.utils import get_partition

from sandbox.ec2.errors import invalid_value, refusal
from sandbox.ec2.images.attributes import find_own_image
from sandbox.ec2.model import Params
from sandbox.ec2.state.region import Region

# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ami-deprecate.html
LATEST_DEPRECATION = timedelta(days=3653)
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ami-deregistration-protection.html
COOLDOWN_SECONDS = 24 * 3600
# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeImageReferences.html
MOST_IMAGES = 10


def enable_deprecation(region: Region, parameters: Params) -> dict[str, Any]:
    """EnableImageDeprecation: a date to the minute, not in the past."""
    image = find_own_image(region, parameters["ImageId"])
    at: datetime = parameters["DeprecateAt"]
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    now = region.core.clock.now()
    if not now <= at <= now + LATEST_DEPRECATION:
        raise invalid_value(at.isoformat(), "DeprecateAt", "It is past, or too far away.")
    region.check_dry_run(parameters)
    image.deprecation_time = (at + timedelta(seconds=30)).replace(second=0, microsecond=0)
    return {"Return": True}


def disable_deprecation(region: Region, parameters: Params) -> dict[str, Any]:
    """DisableImageDeprecation."""
    image = find_own_image(region, parameters["ImageId"])
    region.check_dry_run(parameters)
    image.deprecation_time = None
    return {"Return": True}


def enable_protection(region: Region, parameters: Params) -> dict[str, Any]:
    """EnableImageDeregistrationProtection, on request with a day's cooldown when it is disabled."""
    image = find_own_image(region, parameters["ImageId"])
    region.check_dry_run(parameters)
    with_cooldown = bool(parameters.get("WithCooldown"))
    image.deregistration_protection = "enabled-with-cooldown" if with_cooldown else "enabled"
    return {"Return": image.deregistration_protection}


def disable_protection(region: Region, parameters: Params) -> dict[str, Any]:
    """DisableImageDeregistrationProtection: with a cooldown it ends a day later."""
    image = find_own_image(region, parameters["ImageId"])
    region.check_dry_run(parameters)
    if image.deregistration_protection != "enabled-with-cooldown":
        image.deregistration_protection = "disabled"
        return {"Return": "disabled"}
    image.deregistration_protection = "disabled-with-cooldown"

    def end_cooldown() -> None:
        if image.deregistration_protection == "disabled-with-cooldown":
            image.deregistration_protection = "disabled"

    region.core.after(COOLDOWN_SECONDS, end_cooldown)
    return {"Return": image.deregistration_protection}


def disable_image(region: Region, parameters: Params) -> dict[str, Any]:
    """DisableImage: it takes the launch permissions away, for good."""
    image = find_own_image(region, parameters["ImageId"])
    if image.state not in ("available", "disabled"):
        raise refusal("IncorrectState", f"The image '{image.id}' is {image.state}.")
    region.check_dry_run(parameters)
    image.state, image.launch_permissions = "disabled", []
    return {"Return": True}


def enable_image(region: Region, parameters: Params) -> dict[str, Any]:
    """EnableImage: what was shared has to be shared again."""
    image = find_own_image(region, parameters["ImageId"])
    if image.state not in ("available", "disabled"):
        raise refusal("IncorrectState", f"The image '{image.id}' is {image.state}.")
    region.check_dry_run(parameters)
    image.state = "available"
    return {"Return": True}


def describe_references(region: Region, parameters: Params) -> dict[str, Any]:
    """DescribeImageReferences: the account's instances; there are no launch templates here."""
    asked = [one["ResourceType"] for one in parameters.get("ResourceTypes", [])]
    everything = bool(parameters.get("IncludeAllResourceTypes"))
    if bool(asked) == everything:
        message = "Exactly one of ResourceTypes and IncludeAllResourceTypes must be specified"
        raise refusal("InvalidParameterCombination", message)
    ids = list(parameters["ImageIds"])
    if len(ids) > MOST_IMAGES:
        raise invalid_value(len(ids), "imageIds", f"At most {MOST_IMAGES} may be named.")
    for one in ids:
        region.find_image(one)
    region.check_dry_run(parameters)
    place = f"arn:{get_partition(region.name)}:ec2:{region.name}:{region.account_id}:instance"
    users = region.sight.shown(region.instances) if everything or "ec2:Instance" in asked else []
    references = [
        {"ImageId": one.image_id, "ResourceType": "ec2:Instance", "Arn": f"{place}/{one.id}"}
        for one in users
        if one.image_id in ids and one.is_live
    ]
    return {"ImageReferences": references}


def get_block_public_access(region: Region, parameters: Params) -> dict[str, Any]:
    """GetImageBlockPublicAccessState."""
    region.check_dry_run(parameters)
    state = "block-new-sharing" if region.blocks_public_images else "unblocked"
    return {"ImageBlockPublicAccessState": state, "ManagedBy": "account"}


def enable_block_public_access(region: Region, parameters: Params) -> dict[str, Any]:
    """EnableImageBlockPublicAccess; on EC2 it may take ten minutes, here none."""
    if parameters["ImageBlockPublicAccessState"] != "block-new-sharing":
        raise invalid_value(parameters["ImageBlockPublicAccessState"], "state")
    region.check_dry_run(parameters)
    region.blocks_public_images = True
    return {"ImageBlockPublicAccessState": "block-new-sharing"}


def disable_block_public_access(region: Region, parameters: Params) -> dict[str, Any]:
    """DisableImageBlockPublicAccess."""
    region.check_dry_run(parameters)
    region.blocks_public_images = False
    return {"ImageBlockPublicAccessState": "unblocked"}
