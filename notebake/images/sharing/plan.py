"""What would be done to share an image, or to take that back: what a person approves.

A plan is plain data. Its digest is of all that matters, and not of what others do meanwhile: a plan
that was half carried out when the process was killed is still the same plan.
"""

import hashlib
import json
from collections.abc import Sequence
from typing import Literal

from notebake.aws import keys
from notebake.aws.identity import current_account
from notebake.aws.launch_permissions import (
    EVERYBODY,
    is_public_blocked,
    readable_by,
    shared_with,
)
from notebake.costs.prices import find_prices
from notebake.errors import NextCommand
from notebake.images.made_image import MadeImage
from notebake.images.sharing.key_access import Access, read_access
from notebake.images.sharing.shareable import (
    NotShareableError,
    check_proven,
    find_own_image,
    keys_of,
    read_snapshots,
)
from notebake.record import Record
from notebake.store.interface import RunStore

SHARE: Literal["share"] = "share"
UNSHARE: Literal["unshare"] = "unshare"
OBSERVED = frozenset(("already", "usd_per_month"))
"""The fields that the digest leaves out: they change by themselves."""


class SharePlan(Record):
    """An image, and who gains or loses it."""

    act: Literal["share", "unshare"]
    image_id: str
    image_name: str
    region: str
    account: str
    """The owner: who pays for the image's snapshots."""
    recipe: str
    run_id: str
    recipients: tuple[str, ...]
    """Accounts, ARNs of organizations and units, `all`; sorted."""
    may_copy: bool = False
    """Whether accounts get to read the snapshots, too, which a copy needs."""
    snapshot_ids: tuple[str, ...]
    key_ids: tuple[str, ...] = ()
    """The keys that encrypt the snapshots."""
    is_key_checked_by_caller: bool = False
    """Whether a person says that the keys let the recipients use them."""
    already: tuple[str, ...] = ()
    """The recipients for whom nothing is left to do."""
    usd_per_month: float | None = None
    """What the image costs its owner, shared or not, at most; None if the price is unknown."""

    @property
    def digest(self) -> str:
        """The name of exactly this plan, for who approves it."""
        content = self.model_dump(mode="json", exclude=set(OBSERVED))
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    @property
    def left(self) -> tuple[str, ...]:
        """The recipients for whom something is left to do."""
        return tuple(each for each in self.recipients if each not in self.already)


def plan_share(
    image_id: str,
    region: str,
    recipients: Sequence[str],
    store: RunStore,
    *,
    may_copy: bool = False,
    is_key_checked: bool = False,
) -> SharePlan:
    """Return the plan to share an image. May be repeated; changes nothing.

    Raises:
        NotShareableError: the image is not shared, or not with these recipients.
        NotPromotableError, WrongAccountError: it is none of ours.
        CloudError: AWS refused to say what must be known.
    """
    made = find_own_image(image_id, region, store)
    check_proven(made, region, store)
    snapshots = read_snapshots(made.image, region)
    plan = _plan(SHARE, made, region, recipients).model_copy(
        update={
            "may_copy": may_copy,
            "key_ids": keys_of(snapshots),
            "is_key_checked_by_caller": is_key_checked,
            "usd_per_month": _usd_per_month(sum(each["VolumeSize"] for each in snapshots), region),
        }
    )
    if EVERYBODY in plan.recipients:
        _check_public(plan)
    for key_id in plan.key_ids:
        _check_key(plan, key_id)
    has_access = shared_with(plan.image_id, region)
    readers = readable_by(plan.snapshot_ids, region) if may_copy else []
    reads = set.intersection(*readers) if readers else set()
    has_all = {each for each in has_access if not _may_read(plan, each) or each in reads}
    return plan.model_copy(update={"already": _only(plan.recipients, has_all)})


def plan_unshare(
    image_id: str, region: str, recipients: Sequence[str] | None, store: RunStore
) -> SharePlan:
    """Return the plan to share an image no longer; without recipients: with nobody.

    An image that is revoked, not accepted or not available is taken back as well.

    Raises:
        NotPromotableError, WrongAccountError: it is none of ours.
        CloudError: AWS refused to say what must be known.
    """
    made = find_own_image(image_id, region, store)
    readers = readable_by(made.image.snapshot_ids, region)
    has_access = shared_with(image_id, region).union(*readers)
    plan = _plan(UNSHARE, made, region, sorted(has_access) if recipients is None else recipients)
    return plan.model_copy(
        update={
            "may_copy": True,
            "already": _only(plan.recipients, set(plan.recipients) - has_access),
        }
    )


def _plan(
    act: Literal["share", "unshare"], made: MadeImage, region: str, recipients: Sequence[str]
) -> SharePlan:
    run, image = made
    return SharePlan(
        act=act,
        image_id=image.id,
        image_name=image.name,
        region=region,
        account=current_account(region).id,
        recipe=run.recipe_name,
        run_id=run.id,
        recipients=tuple(sorted(set(recipients))),
        snapshot_ids=image.snapshot_ids,
    )


def _may_read(plan: SharePlan, recipient: str) -> bool:
    return plan.may_copy and not recipient.startswith("arn:") and recipient != EVERYBODY


def _only(recipients: Sequence[str], wanted: set[str]) -> tuple[str, ...]:
    return tuple(each for each in recipients if each in wanted)


def _usd_per_month(size_gib: int, region: str) -> float | None:
    prices = find_prices(region)
    return size_gib * prices.storage.snapshot_usd_per_gib_month if prices else None


def _check_public(plan: SharePlan) -> None:
    if plan.key_ids:
        raise NotShareableError(
            f"{plan.image_id} is encrypted, and AWS lets no encrypted image be public."
        )
    if is_public_blocked(plan.region):
        raise NotShareableError(
            f"{plan.image_id} does not become public: the account {plan.account} blocks new public"
            f" images in {plan.region}.",
            "Who may decide that for the account types: aws ec2"
            f" disable-image-block-public-access --region {plan.region}",
        )


def _check_key(plan: SharePlan, key_id: str) -> None:
    """Raise NotShareableError unless those who get the image may use its key."""
    if keys.is_aws_managed(key_id, plan.region):
        raise NotShareableError(
            f"{plan.image_id} is encrypted with AWS's own key of this account, {key_id}, and can be"
            " shared with nobody. A copy with a key of your own can.",
        ).with_next(
            NextCommand(
                ("copy", plan.image_id, "--to", plan.region, "--kms-key", "KEY"), "To make it"
            )
        )
    if plan.is_key_checked_by_caller:
        return
    policy = keys.read_key_policy(key_id, plan.region)
    grants = keys.list_grants(key_id, plan.region)
    for recipient in plan.recipients:
        found = read_access(recipient, policy, grants)
        if found.access is Access.YES:
            continue
        what = (
            f"does not let them: {found.reason}"
            if found.access is Access.NO
            else f"may or may not let them ({found.reason})"
        )
        raise NotShareableError(
            f"{plan.image_id} is not shared with {recipient}: a launch from it needs its key"
            f" {key_id}, whose policy {what}.",
            "Add the recipient to the key's policy (docs/sharing.md has a statement), or say"
            " --key-checked if you know that they may use it.",
        )
