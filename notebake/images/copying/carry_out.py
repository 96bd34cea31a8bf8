"""Carries the plan of a copy out: intent first; the copy is waited for, compared and marked.

Killed at any point and begun again, it finds the copy by its tag, or asks EC2 for it again by the
same token: there is never a second one. A copy that failed is removed with its snapshots.
"""

import logging
from typing import Any, Literal

from notebake import clock
from notebake.aws import tagging, tags
from notebake.aws.copies import describe_copy, list_copied_snapshots, list_copies, request_copy
from notebake.aws.images import as_image, remove_image, remove_snapshots
from notebake.aws.model import Image
from notebake.aws.resource_record import as_resource, parts_of
from notebake.errors import NextCommand, NotebakeError, WaitTimeoutError
from notebake.images.copying.facts import compare_facts, read_facts
from notebake.images.copying.plan import CopyPlan, plan_copy
from notebake.images.copying.request import (
    CopyRequest,
    begin_anew,
    is_over,
    keep_request,
    note_shown,
)
from notebake.images.pointer_writer import open_log
from notebake.images.sharing.carry_out import PlanChangedError
from notebake.images.sharing.shareable import keys_of, read_snapshots
from notebake.ledger.chain import Chain
from notebake.ledger.kinds import COPIED, COPYING
from notebake.ledger.recording import recording
from notebake.record import Record
from notebake.store.interface import RunStore
from notebake.timeouts import CONSISTENCY_SECONDS, COPY_SECONDS, COPY_SECONDS_PER_GIB
from notebake.timestamps import utc_from_seconds
from notebake.waiting import wait_until

log = logging.getLogger(__name__)
Outcome = Literal["done", "already"]
DONE: Outcome = "done"
ALREADY: Outcome = "already"


class CopyFailedError(NotebakeError):
    """The copy failed, is not like its source, or is gone; the message has the reason."""


class Copied(Record):
    """What was done."""

    plan: CopyPlan
    image_id: str
    outcome: Outcome


def carry_out(plan: CopyPlan, store: RunStore) -> Copied:
    """Copy an image as a plan says, and return when the copy is verified. May be repeated.

    Raises:
        PlanChangedError: the source, the region or the key are not what the plan says.
        CopyFailedError: the copy failed and was removed, or is not like its source.
        WaitTimeoutError: it is still under way, and goes on.
        NotShareableError, CloudError: as `plan_copy`; AWS refused.
    """
    now = plan_copy(plan.image_id, plan.from_region, plan.to_region, store, key=plan.key_id)
    if now.digest != plan.digest:
        raise PlanChangedError(
            f"What would be done with {plan.image_id} is not what was planned any more: the plan"
            f" was {plan.digest[:12]}, and is {now.digest[:12]} now."
        )
    found = find_copy(now)
    chain = open_log(store)
    chain.append(COPYING, {"plan": now.model_dump(mode="json"), "digest": now.digest})
    if found and is_finished(found):
        _check_like_source(now, found)
        outcome, image_id = ALREADY, str(found["ImageId"])
    else:
        with recording(chain):
            outcome, image_id = DONE, _finish(now, found, store, chain)
    _end(chain, now, outcome=outcome, copy=image_id)
    return Copied(plan=now, image_id=image_id, outcome=outcome)


def find_copy(plan: CopyPlan) -> dict[str, Any] | None:
    """Return EC2's description of the copy of a plan; the best one, if there were several."""
    own = [
        each
        for each in list_copies(plan.image_id, plan.to_region)
        if each.get("SourceImageId") == plan.image_id
        and each.get("SourceImageRegion") == plan.from_region
        and each.get("Name") == plan.copy_name
    ]
    own.sort(key=lambda each: (each["State"] != "available", each["State"] != "pending"))
    return own[0] if own else None


def is_finished(described: dict[str, Any]) -> bool:
    """Return whether a copy is there, verified and without an end."""
    marks = tags.as_dict(described.get("Tags"))
    is_marked = tags.COPY_VERIFIED in marks and tags.EXPIRES not in marks
    return described["State"] == "available" and is_marked


def _finish(plan: CopyPlan, found: dict[str, Any] | None, store: RunStore, chain: Chain) -> str:
    try:
        request = keep_request(plan, store)
        _remove_orphans(plan, request)
        if found and found["State"] not in ("available", "pending"):
            request = _remove_failed(plan, request, found, store)
            found = None
        if found is None and is_over(request):
            request = begin_anew(plan, request, store)
        image_id = str(found["ImageId"]) if found else _ask(plan, request)
        described = _wait(plan, request, image_id, store)
        _check_like_source(plan, described)
        _mark_verified(plan, as_image(described))
    except NotebakeError as error:
        _end(chain, plan, outcome="failed", reason=error.message)
        raise
    return image_id


def _ask(plan: CopyPlan, request: CopyRequest) -> str:
    image_id = request_copy(request.wanted, request.marks, plan.to_region)
    log.info("Requested %s in %s, a copy of %s", image_id, plan.to_region, plan.image_id)
    return image_id


def _wait(plan: CopyPlan, request: CopyRequest, image_id: str, store: RunStore) -> dict[str, Any]:
    """Wait until the copy is available, and return EC2's description of it."""
    began = clock.elapsed()
    state: dict[str, Any] = {}

    def is_available() -> dict[str, Any] | None:
        described = describe_copy(image_id, plan.to_region)
        if described is None:
            if clock.elapsed() < began + CONSISTENCY_SECONDS:
                return None
            begin_anew(plan, request, store)
            raise CopyFailedError(
                f"EC2 does not show {image_id}, the copy of {plan.image_id}, in {plan.to_region}."
            ).with_next(again(plan))
        if not state:
            note_shown(plan, request, image_id, store)
        state.update(described)
        if described["State"] == "pending":
            return None
        if described["State"] != "available":
            reason = described.get("StateReason", {}).get("Message", "no reason")
            _remove_failed(plan, request, described, store)
            raise CopyFailedError(
                f"The copy {image_id} of {plan.image_id} in {plan.to_region} is"
                f" {described['State']}, EC2 says: {reason}. It was removed with its snapshots.",
                _hint(plan),
            ).with_next(again(plan))
        return described

    try:
        return wait_until(
            is_available,
            what=f"{image_id} in {plan.to_region}, the copy of {plan.image_id}",
            timeout_seconds=COPY_SECONDS + COPY_SECONDS_PER_GIB * plan.size_gib,
            progress=lambda: _progress(plan, request) if state else "requested",
        )
    except WaitTimeoutError as error:
        raise WaitTimeoutError(f"{error.message} EC2 goes on with it.", error.hint).with_next(
            again(plan)
        ) from error


def _progress(plan: CopyPlan, request: CopyRequest) -> str:
    shown = list_copied_snapshots(plan.image_id, plan.to_region)
    own = [each for each in shown if tags.as_dict(each["Tags"]).get(tags.TOKEN) == request.token]
    percents = [int(str(each.get("Progress") or "0%").removesuffix("%") or 0) for each in own]
    # In tens: a log has a line for each change.
    return f"{min(percents) // 10 * 10} %" if percents else "requested"


def _remove_failed(
    plan: CopyPlan, request: CopyRequest, described: dict[str, Any], store: RunStore
) -> CopyRequest:
    """Remove a copy that failed with its snapshots; return the request that comes after it.

    A disabled copy was good: it is not removed.
    """
    image = as_image(described)
    if image.state == "disabled":
        raise CopyFailedError(
            f"The copy {image.id} of {plan.image_id} in {plan.to_region} is disabled.",
            f"To use it again: aws ec2 enable-image --region {plan.to_region} --image-id"
            f" {image.id}",
        )
    # The epoch first: after a kill the next process removes what it finds, and asks anew.
    request_after = begin_anew(plan, request, store)
    remove_image(image, plan.to_region)
    _remove_orphans(plan, request_after)
    log.info("Removed %s and its snapshots: it is %s", image.id, image.state)
    return request_after


def _remove_orphans(plan: CopyPlan, request: CopyRequest) -> None:
    """Remove the snapshots of earlier requests whose copy is gone: a kill may leave them.

    EC2's own record has to say, too, that they were copied from the source.
    """
    shown = list_copied_snapshots(plan.image_id, plan.to_region)
    copied = [as_resource("snapshot", each, each["SnapshotId"], plan.to_region) for each in shown]
    own = [each for each in copied if each.copied_from == plan.image_id]
    if not any(each.tags.get(tags.TOKEN) != request.token for each in own):
        return
    used = {request.token}
    for image in list_copies(plan.image_id, plan.to_region):
        used |= {tags.as_dict(image.get("Tags")).get(tags.TOKEN, ""), *parts_of("image", image)}
    orphans = [each.id for each in own if not {each.id, each.tags.get(tags.TOKEN, "")} & used]
    remove_snapshots(tuple(orphans), plan.to_region)


def _check_like_source(plan: CopyPlan, described: dict[str, Any]) -> None:
    """Raise CopyFailedError unless the copy is like its source, and ours."""
    wrong = compare_facts(plan.facts, read_facts(described))
    if described.get("OwnerId") != plan.account:
        wrong.append(f"its owner is {described.get('OwnerId')}, not {plan.account}")
    image = as_image(described)
    snapshots = read_snapshots(image, plan.to_region)
    if any(each.get("Encrypted", False) != plan.is_encrypted for each in snapshots):
        wrong.append(f"it is {'not ' if plan.is_encrypted else ''}encrypted")
    elif any(plan.key_id not in ("", each.get("KmsKeyId")) for each in snapshots):
        wrong.append(f"its key is {', '.join(keys_of(snapshots))}, not {plan.key_id}")
    if len(snapshots) != len(image.snapshot_ids) or any(
        each["State"] != "completed" for each in snapshots
    ):
        wrong.append("not all of its snapshots are complete")
    if wrong:
        raise CopyFailedError(
            f"The copy {image.id} of {plan.image_id} in {plan.to_region} is not like its source:"
            f" {'; '.join(wrong)}. It is not marked as verified, and a sweep removes it when it has"
            " expired.",
        ).with_next(NextCommand(("survey", "--region", plan.to_region), "To see it"))


def _mark_verified(plan: CopyPlan, image: Image) -> None:
    ids = [image.id, *image.snapshot_ids]
    missing = {key: value for key, value in plan.tags.items() if image.tags.get(key) != value}
    now = tags.as_tag(utc_from_seconds(clock.now()))
    tagging.add_tags(plan.to_region, ids, {**missing, tags.COPY_VERIFIED: now})
    tagging.remove_tags(plan.to_region, ids, [tags.EXPIRES])


def _hint(plan: CopyPlan) -> str:
    return (
        f"EC2 looks at the key {plan.key_id} only while it copies: check that these credentials may"
        " use it."
        if plan.key_id
        else ""
    )


def again(plan: CopyPlan) -> NextCommand:
    """Return the command that copies again, or goes on."""
    key = ("--kms-key", plan.key_id) if plan.key_id else ()
    words = ("copy", plan.image_id, "--region", plan.from_region, "--to", plan.to_region, *key)
    return NextCommand(words, "To try again")


def _end(chain: Chain, plan: CopyPlan, **how: object) -> None:
    said = {"image": plan.image_id, "from": plan.from_region, "to": plan.to_region}
    chain.append(COPIED, {**said, "digest": plan.digest, **how})
