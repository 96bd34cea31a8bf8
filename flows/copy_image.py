"""Copies an image to other regions, as a flow."""

import logging
from typing import Any

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.states import Completed

from flows.findings_markdown import artifact_key, escape
from flows.prefect_ui.form import ImageId, KeyId, OneRegion, StoreLocation, TargetRegions
from flows.prefect_ui.plain_ending import ending_plainly
from notebake.images.copying.carry_out import Copied
from notebake.images.copying.describe import UNPROVEN, describe_outcome, describe_plan
from notebake.images.copying.plan import CopyPlan, plan_copy
from notebake.images.copying.regions import check_all_copied, copy_to_regions
from notebake.runs.open_store import default_location, open_store
from notebake.waiting import allow_waits

log = logging.getLogger(__name__)


@flow(name="Copy an image")
@ending_plainly
def copy_image(
    image: ImageId,
    region: OneRegion,
    to: TargetRegions,
    kms_key: KeyId = "",
    store: StoreLocation = "",
) -> Any:
    """Copy an accepted image to other regions, and compare each copy with its source.

    It takes minutes to hours. A copy costs the storage of its snapshots for as long as it is kept:
    the log says how much before it begins. Started again, it goes on: there is never a second copy.

    Args:
        image: Id of the image, such as ami-0123456789abcdef0. It is accepted, available and not
            revoked.
        region: The region in which the image is, such as us-west-2.
        to: The regions that copies go to, such as eu-central-1. The image's own region needs a key.
        kms_key: Id, ARN or alias of the KMS key that encrypts the copies, in each of these regions.
            Empty: a copy is encrypted only if the account encrypts all there.
        store: Location of the run store, a directory or s3://bucket/prefix; empty: the default.

    Raises:
        NotebakeError: the image is not copied, a copy failed, or is not like its source.
    """
    allow_waits()
    opened = open_store(store or default_location())
    plans = [plan_copy(image, region, each, opened, key=kms_key) for each in to]
    for line in (line for plan in plans for line in describe_plan(plan)):
        log.info("%s", line)
    done, errors = copy_to_regions(plans, opened)
    show_copies(plans, done)
    check_all_copied(errors)
    made = ", ".join(f"{copied.image_id} in {copied.plan.to_region}" for copied in done)
    return Completed(message=f"{image} copied: {made}", data=[copied.image_id for copied in done])


def show_copies(plans: list[CopyPlan], done: list[Copied]) -> None:
    """Make what was done an artifact."""
    outcome = [line for copied in done for line in describe_outcome(copied)]
    lines = [f"# Copies of {plans[0].image_id}", ""]
    lines += [f"- {escape(line)}" for plan in plans for line in describe_plan(plan)]
    lines += ["", *(f"- {escape(line)}" for line in outcome), "", UNPROVEN]
    create_markdown_artifact(
        "\n".join(lines),
        key=artifact_key("copies-of", plans[0].recipe, plans[0].from_region),
        description=" ".join(outcome) or "no copy",
    )
    for line in outcome:
        log.info("%s", line)
