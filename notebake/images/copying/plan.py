"""What would be done to copy an image: what a person reads before it costs money."""

import hashlib
import json
from typing import Any

from notebake.aws import account, keys, tags
from notebake.aws.copies import describe_copy
from notebake.aws.identity import current_account
from notebake.aws.names import name_of_copy
from notebake.aws.partitions import partition_of
from notebake.costs.prices import find_prices
from notebake.errors import CloudError, NextCommand
from notebake.images.copying.facts import ImageFacts, read_facts
from notebake.images.made_image import MadeImage
from notebake.images.sharing.shareable import (
    NotShareableError,
    check_proven,
    find_own_image,
    keys_of,
    read_snapshots,
)
from notebake.record import Record
from notebake.store.interface import RunStore

ENABLED = ("opt-in-not-required", "opted-in")


class CopyPlan(Record):
    """An image, and the copy of it in a region."""

    image_id: str
    from_region: str
    to_region: str
    account: str
    recipe: str
    run_id: str
    copy_name: str
    """By which the copy is found again: one for each source, region and key."""
    key_id: str = ""
    """ARN of the key that encrypts the copy; "" if none was named."""
    is_shareable: bool = True
    """Whether the copy can be shared: AWS's own keys bar that."""
    is_encrypted: bool
    """Whether the copy will be."""
    facts: ImageFacts
    tags: dict[str, str]
    """The copy gets these, and its own."""
    size_gib: int
    usd_per_month: float | None = None
    """Of the copy's snapshots at most, as if every block were written; None: price unknown."""

    @property
    def digest(self) -> str:
        """The name of exactly this plan, for who approves it."""
        content = self.model_dump(mode="json", exclude={"usd_per_month"})
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def plan_copy(
    image_id: str, region: str, to_region: str, store: RunStore, *, key: str = ""
) -> CopyPlan:
    """Return the plan to copy an image to a region. May be repeated; changes nothing.

    Raises:
        NotShareableError: the image is not copied, or not there.
        NotPromotableError, WrongAccountError: it is none of ours.
        CloudError: AWS refused to say what must be known.
    """
    made = find_own_image(image_id, region, store)
    check_proven(made, region, store)
    if source := made.image.tags.get(tags.COPY_OF):
        came_from = made.image.tags.get(tags.COPY_FROM, "")
        raise NotShareableError(
            f"{image_id} is a copy itself: copy {source} of {came_from} instead."
        ).with_next(NextCommand(("copy", source, "--region", came_from, "--to", to_region)))
    _check_region(image_id, region, to_region, has_key=bool(key))
    key_arn, is_aws_managed = _read_key(key, to_region)
    snapshots = read_snapshots(made.image, region)
    if keys_of(snapshots) and not key:
        raise NotShareableError(
            f"{image_id} is encrypted with {', '.join(keys_of(snapshots))}, which is not the key of"
            f" {to_region}: say with which key the copy is to be encrypted.",
            f"See the keys there: aws kms list-aliases --region {to_region}",
        ).with_next(
            NextCommand(
                ("copy", image_id, "--region", region, "--to", to_region, "--kms-key", "KEY")
            )
        )
    return _plan(made, region, to_region, snapshots).model_copy(
        update={
            "copy_name": name_of_copy(made.run.id, image_id, key_arn),
            "key_id": key_arn,
            "is_encrypted": bool(key) or account.is_encrypted_by_default(to_region),
            "is_shareable": not is_aws_managed,
        }
    )


def _plan(
    made: MadeImage, region: str, to_region: str, snapshots: list[dict[str, Any]]
) -> CopyPlan:
    run, image = made
    size_gib = sum(int(each["VolumeSize"]) for each in snapshots)
    prices = find_prices(to_region)
    return CopyPlan(
        image_id=image.id,
        from_region=region,
        to_region=to_region,
        account=current_account(region).id,
        recipe=run.recipe_name,
        run_id=run.id,
        copy_name="",
        is_encrypted=False,
        facts=read_facts(describe_copy(image.id, region) or {}),
        tags=_copied_tags(image.tags, image.id, region),
        size_gib=size_gib,
        usd_per_month=size_gib * prices.storage.snapshot_usd_per_gib_month if prices else None,
    )


def _copied_tags(marks: dict[str, str], image_id: str, region: str) -> dict[str, str]:
    """Return the tags that a copy shares with its source: the user's, and whence it comes.

    What is true of the source alone stays with it: that machines from it have passed the test, that
    it is current, that somebody wants to keep it. So CopyImageTags is not used.
    """
    own = {tags.RUN, tags.RECIPE, tags.BASE_IMAGE, tags.RECORD, tags.EFS}
    kept = {
        key: value
        for key, value in marks.items()
        if key in own or not key.startswith((tags.PREFIX, "aws:", "ec2:"))
    }
    return kept | {tags.ROLE: "copy", tags.COPY_OF: image_id, tags.COPY_FROM: region}


def _check_region(image_id: str, region: str, to_region: str, *, has_key: bool) -> None:
    if to_region == region and not has_key:
        raise NotShareableError(
            f"{image_id} is in {region} already. Another copy there makes sense with another key:"
            " --kms-key KEY"
        )
    if partition_of(region) != partition_of(to_region):
        raise NotShareableError(
            f"AWS copies no image from {partition_of(region)} to {partition_of(to_region)}."
        )
    status = account.region_status(to_region)
    if status is None:
        raise NotShareableError(f"AWS has no region {to_region}.")
    if status not in ENABLED:
        raise NotShareableError(
            f"The account has not enabled the region {to_region}: it is {status}.",
            f"Who may do that types: aws account enable-region --region-name {to_region}",
        )


def _read_key(key: str, region: str) -> tuple[str, bool]:
    """Return the ARN of a key, and whether it is AWS's own; EC2 itself looks only while it copies.

    Raises:
        NotShareableError: EBS cannot use it.
    """
    if not key:
        return "", False
    place = key.split(":")[3] if key.startswith("arn:") else region
    if place != region:
        raise NotShareableError(f"The key {key} is in {place}, and the copy will be in {region}.")
    try:
        shown = account.describe_key(key, region)
    except CloudError as error:
        if error.code != "NotFoundException":
            raise
        raise NotShareableError(
            f"There is no key {key} in {region}.",
            f"See the keys there: aws kms list-aliases --region {region}",
        ) from error
    if faults := list(keys.key_faults(shown)):
        raise NotShareableError(f"The key {key} {' and '.join(faults)}: EBS cannot use it.")
    return str(shown["Arn"]), shown.get("KeyManager") == "AWS"
