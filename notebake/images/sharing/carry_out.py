"""Carries the plan of a share out: intent first, and what came of it.

A process that was killed leaves an intent without its end; the same command again finds what is
done, does the rest, and records the end.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from notebake.aws import tagging, tags
from notebake.aws.launch_permissions import share_image, shared_with, unshare_image
from notebake.errors import CloudError, NotebakeError, WrongAccountError
from notebake.images.made_image import find_made_image
from notebake.images.pointer_writer import open_log
from notebake.images.promotable import wrong_by_store
from notebake.images.sharing.plan import SHARE, SharePlan, plan_share, plan_unshare
from notebake.images.sharing.shareable import NotShareableError
from notebake.ledger.chain import Chain
from notebake.ledger.kinds import SHARED, SHARING
from notebake.ledger.recording import recording
from notebake.record import Record
from notebake.runs.open_store import open_store
from notebake.runs.registry import load_run
from notebake.store.interface import RunStore
from notebake.timeouts import CONSISTENCY_SECONDS
from notebake.waiting import wait_until

log = logging.getLogger(__name__)


class PlanChangedError(NotebakeError):
    """What would be done now is not what was planned, and approved. Nothing was changed."""


class Shared(Record):
    """What was done."""

    plan: SharePlan
    """As it was just before."""
    outcome: Literal["done", "already"]
    shared_with: tuple[str, ...]
    """Who may launch the image now, sorted."""


def carry_out(plan: SharePlan, store: RunStore) -> Shared:
    """Share an image as a plan says, or no longer. May be repeated.

    Raises:
        PlanChangedError: the image, its keys or its snapshots are not what the plan says.
        NotShareableError: the image may not be shared, or was revoked meanwhile.
        WaitTimeoutError: EC2 does not show what it has accepted.
        CloudError: AWS refused.
    """
    now = _plan_again(plan, store)
    if now.digest != plan.digest:
        raise PlanChangedError(
            f"What would be done with {plan.image_id} is not what was planned any more: the plan"
            f" was {plan.digest[:12]}, and is {now.digest[:12]} now."
        )
    chain = open_log(store)
    chain.append(SHARING, {"plan": now.model_dump(mode="json"), "digest": now.digest})
    with _recording_failure(chain, now):
        if now.left:
            with recording(chain):
                _change(now, store)
        has_access = tuple(sorted(shared_with(now.image_id, now.region)))
    outcome: Literal["done", "already"] = "done" if now.left else "already"
    _end(chain, now, outcome=outcome, shared_with=list(has_access))
    return Shared(plan=now, outcome=outcome, shared_with=has_access)


def _plan_again(plan: SharePlan, store: RunStore) -> SharePlan:
    if plan.act == SHARE:
        return plan_share(
            plan.image_id,
            plan.region,
            plan.recipients,
            store,
            may_copy=plan.may_copy,
            is_key_checked=plan.is_key_checked_by_caller,
        )
    return plan_unshare(plan.image_id, plan.region, plan.recipients, store)


@contextmanager
def _recording_failure(chain: Chain, plan: SharePlan) -> Iterator[None]:
    try:
        yield
    except NotebakeError as error:
        _end(chain, plan, outcome="failed", reason=error.message)
        raise


def _end(chain: Chain, plan: SharePlan, **how: object) -> None:
    said = {"act": plan.act, "image": plan.image_id, "region": plan.region}
    chain.append(SHARED, {**said, "digest": plan.digest, **how})


def _change(plan: SharePlan, store: RunStore) -> None:
    """Change the permissions, and wait until EC2 shows that."""
    image = find_made_image(plan.image_id, plan.region, store).image
    if plan.act == SHARE:
        share_image(image, plan.left, plan.region, may_copy=plan.may_copy)
        if reason := wrong_by_store(image.id, plan.region, store):
            # Who revokes an image does not see a share that has just begun.
            unshare_image(image, plan.left, plan.region)
            raise NotShareableError(f"{image.id} is not shared: {reason}, just now.")
        _show_anchor(image.id, image.tags, plan.region)
    else:
        unshare_image(image, plan.left, plan.region)
    log.info("%s %s: %s", plan.act, image.id, ", ".join(plan.left))

    def is_shown() -> bool | None:
        shown = shared_with(plan.image_id, plan.region)
        wanted = set(plan.left)
        return (wanted <= shown if plan.act == SHARE else not wanted & shown) or None

    wait_until(
        is_shown,
        what=f"EC2 to show with whom {plan.image_id} is shared",
        timeout_seconds=CONSISTENCY_SECONDS,
    )


def _show_anchor(image_id: str, marks: dict[str, str], region: str) -> None:
    """Let those with whom the image is shared see the anchor of its record, if EC2 can do that."""
    anchor = marks.get(tags.RECORD)
    if not anchor or tags.SHARED_RECORD in marks:
        return
    try:
        tagging.add_tags_once(region, [image_id], {tags.SHARED_RECORD: anchor})
    except WrongAccountError:
        raise
    except CloudError as error:
        log.warning("Recipients of %s do not see the anchor of its record: %s", image_id, error)


def wants_approval(plan: SharePlan, location: str) -> bool:
    """Return whether the recipe that made the image wants a person to approve a share first."""
    recipe = load_run(plan.run_id, open_store(location)).recipe
    return plan.act == SHARE and "share" in recipe.approve
