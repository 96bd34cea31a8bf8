"""Shares an image, as a flow: what would be done is shown before it is done."""

import logging
from typing import Any

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.states import Completed

from flows.approved_acts import check_share_approved
from flows.findings_markdown import artifact_key, escape
from flows.prefect_ui.form import ImageId, OneRegion, Recipients, StoreLocation
from flows.prefect_ui.plain_ending import ending_plainly
from notebake.images.sharing.carry_out import Shared, carry_out
from notebake.images.sharing.describe import describe_outcome, describe_plan
from notebake.images.sharing.plan import SharePlan, plan_share
from notebake.images.sharing.recipients import read_recipients
from notebake.runs.open_store import default_location, open_store
from notebake.waiting import allow_waits

log = logging.getLogger(__name__)


@flow(name="Share an image")
@ending_plainly
def share_image(
    image: ImageId,
    region: OneRegion,
    recipients: Recipients,
    allow_copy: bool = False,
    key_checked: bool = False,
    store: StoreLocation = "",
) -> Any:
    """Let accounts, organizations or everybody launch an image that is accepted.

    Sharing twice changes nothing. The artifact has what was done, its effect, and what a recipient
    types.

    Args:
        image: Id of the image, such as ami-0123456789abcdef0. It is accepted, available and not
            revoked, or a verified copy.
        region: The region in which the image is, such as us-west-2.
        recipients: Each is an account (12 digits), the whole ARN of an organization or of a unit of
            it, or `all`: everybody in AWS.
        allow_copy: Let accounts copy the image, too, to other regions or with their own key.
        key_checked: Of an encrypted image: you know that its key lets the recipients use it.
            Otherwise the policy of the key has to say so.
        store: Location of the run store, a directory or s3://bucket/prefix; empty: the default.

    Raises:
        NotebakeError: the image is not shared, or AWS refused.
    """
    allow_waits()
    opened = open_store(store or default_location())
    plan = plan_share(
        image,
        region,
        read_recipients(recipients),
        opened,
        may_copy=allow_copy,
        is_key_checked=key_checked,
    )
    show_plan(plan)
    check_share_approved(plan, opened.location)
    return end_with(carry_out(plan, opened))


def show_plan(plan: SharePlan) -> None:
    """Log what would be done."""
    for line in describe_plan(plan):
        log.info("%s", line)


def end_with(done: Shared) -> Any:
    """Make what was done an artifact, and return the state that says it."""
    plan, outcome = done.plan, list(describe_outcome(done))
    lines = [f"# {escape(outcome[0])}", ""]
    lines += [f"- {escape(line)}" for line in describe_plan(plan)]
    lines += ["", *(f"    {line}" if line.startswith("  ") else f"{escape(line)}\n"
                    for line in outcome[1:])]  # fmt: skip
    key = artifact_key(plan.act, plan.recipe, plan.region)
    create_markdown_artifact("\n".join(lines), key=key, description=outcome[0])
    for line in outcome:
        log.info("%s", line)
    return Completed(message=outcome[0], data=plan.image_id)
