"""Whether an image may become the current one of a recipe."""

from notebake.aws import tags
from notebake.aws.identity import current_account
from notebake.aws.image_parameter import describe_images
from notebake.aws.kinds import IMAGE
from notebake.images.pointer_record import NotPromotableError
from notebake.images.prune.marks import find_mark
from notebake.images.revocation import find_revocation
from notebake.images.updates.current import accepted_image
from notebake.runs.account import check_same_account, read_account
from notebake.runs.recorded_run import read_recorded_run
from notebake.store.interface import RunStore


def check_promotable(
    image_id: str, run_id: str, *, recipe: str, region: str, store: RunStore
) -> None:
    """Check an image by what EC2 and the record show now.

    Raises:
        NotPromotableError: it may not become current.
        WrongAccountError: the run belongs to another account than the credentials.
    """
    reason = (
        _wrong_by_store(image_id, region, store)
        or _wrong_in_ec2(image_id, run_id, recipe, region)
        or _wrong_in_record(image_id, run_id, recipe, region, store)
    )
    if reason:
        raise NotPromotableError(
            f"{image_id} does not become the current image of {recipe} in {region}: {reason}."
        )
    if account := read_account(run_id, store):
        check_same_account(run_id, account, current_account(region))


def _wrong_by_store(image_id: str, region: str, store: RunStore) -> str:
    if revocation := find_revocation(image_id, store):
        return f"it was revoked: {revocation.reason}"
    # Who prunes looks at the pointers after it has marked an image: one of the two sees the other.
    mark = find_mark(image_id, region, store)
    if mark and mark.doing:
        return f"a prune has begun to {mark.doing} it; the next prune settles that"
    return ""


def _wrong_in_ec2(image_id: str, run_id: str, recipe: str, region: str) -> str:
    found = describe_images(region, IMAGE.id_filter, image_id)
    if not found:
        return "EC2 shows no such image of this account"
    image = found[0]
    if image.state != "available":
        return f"EC2 says that it is {image.state}"
    if tags.ACCEPTED not in image.tags:
        return f"it is not accepted: it does not carry the tag {tags.ACCEPTED}"
    of_recipe, of_run = image.tags.get(tags.RECIPE, ""), image.tags.get(tags.RUN, "")
    if of_recipe != recipe:
        return f"by its tags it is of the recipe {of_recipe or '(none)'}"
    return "" if of_run == run_id else f"by its tags it is of the run {of_run or '(none)'}"


def _wrong_in_record(image_id: str, run_id: str, recipe: str, region: str, store: RunStore) -> str:
    """Return why the record does not confirm it: a tag alone proves nothing."""
    summary = read_recorded_run(run_id, store.location).summary
    accepted = accepted_image(summary, store.location)
    if accepted is None or accepted.image_id != image_id:
        return f"the record of run {run_id} does not have it as accepted"
    if (summary.recipe_name, accepted.region) != (recipe, region):
        return f"by the record it is of {summary.recipe_name} in {accepted.region}"
    return ""
