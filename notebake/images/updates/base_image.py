"""Whether the base image of the recipe is still the one from which the image was made."""

from notebake.aws.images import resolve_base_image
from notebake.images.updates.current import CurrentImage
from notebake.images.updates.finding import CauseFinding, Change
from notebake.recipe import Recipe


def check_base_image(current: CurrentImage, recipe: Recipe) -> CauseFinding:
    """Resolve the recipe's base image today; compare it with that of the builder.

    Raises:
        CloudError: AWS refused, or gave no answer.
        PreflightError: the base image is gone or disabled.
    """
    before = current.first_base
    if not before:
        reason = f"The record of run {current.run_id} does not say from which image it started."
        return CauseFinding(cause="base image", state="not checked", reason=reason)
    base = recipe.base_image
    found = resolve_base_image(base, recipe.region)
    asked = base.image_id or f"the SSM parameter {base.parameter}"
    how = f"The id of {asked} in {recipe.region} was compared with that from which it was made."
    if found["ImageId"] == before:
        return CauseFinding(cause="base image", state="unchanged", how=how)
    change = Change(
        name="AMI",
        old=before,
        new=str(found["ImageId"]),
        detail=str(found.get("Name", "")),
    )
    return CauseFinding(cause="base image", state="changed", how=how, changes=(change,))
