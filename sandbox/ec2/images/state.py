"""Deprecation, disabling and protection of an image; block public access."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.ec2.errors import ec2_error, invalid_value
from sandbox.ec2.images.attributes import find_own_image
from sandbox.ec2.model import Image, Params
from sandbox.ec2.state.region import Region

# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ami-deprecate.html
LATEST_DEPRECATION = timedelta(days=3653)
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ami-deregistration-protection.html
COOLDOWN_SECONDS = 24 * 3600


def enable_deprecation(region: Region, parameters: Params) -> dict[str, Any]:
    """EnableImageDeprecation: a date to the minute, not in the past."""
    image = find_own_image(region, parameters["ImageId"])
    at: datetime = parameters["DeprecateAt"]
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    now = region.core.clock.now()
    if not now <= at <= now + LATEST_DEPRECATION:
        raise invalid_value(
            at.isoformat(), "DeprecateAt", "It is in the past or too far in the future."
        )
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
    """EnableImageDeregistrationProtection, on request with a cooldown of a day after its end."""
    image = find_own_image(region, parameters["ImageId"])
    region.check_dry_run(parameters)
    with_cooldown = bool(parameters.get("WithCooldown"))
    image.deregistration_protection = "enabled-with-cooldown" if with_cooldown else "enabled"
    return {"Return": image.deregistration_protection}


def disable_protection(region: Region, parameters: Params) -> dict[str, Any]:
    """DisableImageDeregistrationProtection: with a cooldown, protection ends a day later."""
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
    """DisableImage: this removes the launch permissions for good."""
    image = _find_complete_image(region, parameters)
    region.check_dry_run(parameters)
    image.state, image.launch_permissions = "disabled", []
    return {"Return": True}


def enable_image(region: Region, parameters: Params) -> dict[str, Any]:
    """EnableImage: an image that was shared has to be shared again."""
    image = _find_complete_image(region, parameters)
    region.check_dry_run(parameters)
    image.state = "available"
    return {"Return": True}


def get_block_public_access(region: Region, parameters: Params) -> dict[str, Any]:
    """GetImageBlockPublicAccessState."""
    region.check_dry_run(parameters)
    state = "block-new-sharing" if region.blocks_public_images else "unblocked"
    return {"ImageBlockPublicAccessState": state, "ManagedBy": "account"}


def enable_block_public_access(region: Region, parameters: Params) -> dict[str, Any]:
    """EnableImageBlockPublicAccess: at once; on EC2 it may take ten minutes."""
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


def _find_complete_image(region: Region, parameters: Params) -> Image:
    image = find_own_image(region, parameters["ImageId"])
    if image.state not in ("available", "disabled"):
        raise ec2_error("IncorrectState", f"The image '{image.id}' is {image.state}.")
    return image
