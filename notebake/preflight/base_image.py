"""The base image, and the name of the image to make."""

import datetime
from collections.abc import Iterable
from typing import Any

from notebake.aws import images
from notebake.aws.names import name_of_image
from notebake.errors import PreflightError
from notebake.images import run_image
from notebake.images.revocation import find_revocation
from notebake.preflight.finding import Finding, good, wrong
from notebake.runs.open_store import open_store
from notebake.runs.run import Run


def check_base_image(run: Run) -> Iterable[Finding]:
    """Check that the base image exists, is not revoked, starts, and fits on the root disk."""
    recipe = run.recipe
    try:
        base = images.resolve_base_image(recipe.start_image, recipe.region)
    except PreflightError as error:
        hint = "Its owner may have withdrawn or disabled it, or not shared it with this account."
        raise PreflightError(error.message, error.hint or hint) from error
    if revocation := find_revocation(base["ImageId"], open_store(run.store)):
        yield wrong(
            f"The base image {base['ImageId']} is revoked since {revocation.at[:10]}:"
            f" {revocation.reason}. Name another one in the recipe."
        )
    root = root_size_gib(base)
    if root > recipe.root_volume.size_gib:
        yield wrong(
            f"root_volume.size_gib is {recipe.root_volume.size_gib}, but the base image"
            f" {base['ImageId']} needs {root}."
        )
    described = f"{base['ImageId']} ({base.get('Name', 'no name')})"
    if is_deprecated(base):
        # Deprecated images are hidden in lists but can still be launched.
        since = base["DeprecationTime"][:10]
        yield good(f"The base image is {described}, deprecated since {since}; it still starts.")
    else:
        yield good(f"The base image is {described}.")


def root_size_gib(base: dict[str, Any]) -> int:
    """Return the minimum size of the root disk; 0 if the image does not define it."""
    return max(
        (
            int(mapping["Ebs"].get("VolumeSize", 0))
            for mapping in base["BlockDeviceMappings"]
            if mapping.get("DeviceName") == base["RootDeviceName"] and "Ebs" in mapping
        ),
        default=0,
    )


def is_deprecated(base: dict[str, Any]) -> bool:
    """Return whether the image's deprecation time has passed."""
    time = base.get("DeprecationTime")
    if not time:
        return False
    return datetime.datetime.fromisoformat(time) <= datetime.datetime.now(datetime.UTC)


def check_image_name(run: Run) -> Iterable[Finding]:
    """Check that the image's name is free, or used by this run itself."""
    run_image.find_image(run)
    yield good(f"The image will be named {name_of_image(run.id)}.")
