"""Where a build stops for an approval: before anything is paid for, and before it is shared."""

from collections.abc import Callable
from dataclasses import dataclass

from flows.approval import Wanted, state_of
from flows.approval_subjects import bake_wanted, share_wanted
from flows.build_plan import Plan, load_step
from flows.tear_down import TEAR_DOWN
from notebake.aws.model import Image
from notebake.images.image_state import accepted_image, current_image
from notebake.images.share_accepted import find_shared, share_accepted
from notebake.machines.launch import resolve_base_image
from notebake.resources import stack_instances
from notebake.runbook.step import Step, carry_out
from notebake.runs.approvals.question import Question
from notebake.runs.run import Run

CHECK: Plan = {load_step("preflight"): ()}
SHARE: Plan = {Step("share_image", "Share the image", find_shared, share_accepted): ()}
"""No step of the build, as it comes after the tear-down, but shown and recorded like one."""
CarryOut = Callable[[Run, Plan], None]


@dataclass(frozen=True)
class Result:
    """How far an execution has come."""

    image: Image | None = None
    """The accepted image; None if there is none yet."""
    wanted: Wanted | None = None
    """What a person is to approve before it goes on."""
    refused: Question | None = None
    """The question that a person has refused: it goes on no further."""


def approved_bake(run: Run, carry_out_all: CarryOut) -> Result | None:
    """Return None if the run may go on to make its image; otherwise why not.

    Then everything that can fail has been checked, so that nobody is asked in vain, and nothing of
    the run is left: no machine waits for an answer.
    """
    if "bake" not in run.recipe.approve or accepted_image(run):
        return None
    wanted = bake_wanted(run)
    found = state_of(wanted)
    if found.move == "go on":
        # From now on no newer base image is taken than the one that was approved.
        resolve_base_image(run)
        found = state_of(bake_wanted(run))
    if found.move == "go on":
        return None
    if found.move == "refused" or is_under_way(run):
        carry_out(TEAR_DOWN, run)
    if found.move == "refused":
        return Result(refused=found.question)
    carry_out_all(run, CHECK)
    return Result(wanted=wanted)


def approved_share(run: Run, image: Image, carry_out_all: CarryOut) -> Result:
    """Share the image of a run if that has to be approved and is; return how far it has come."""
    if not is_shared_later(run) or find_shared(run):
        return Result(image=image)
    wanted = share_wanted(run, image)
    found = state_of(wanted)
    if found.move == "refused":
        return Result(image=image, refused=found.question)
    if found.move != "go on":
        return Result(image=image, wanted=wanted)
    carry_out_all(run, SHARE)
    return Result(image=image)


def is_shared_later(run: Run) -> bool:
    """Return whether the image is to be shared, and only once a person has approved that."""
    return bool(run.recipe.share_with) and "share" in run.recipe.approve


def is_under_way(run: Run) -> bool:
    """Return whether the run has a machine or an image."""
    return bool(stack_instances.find_builder(run) or current_image(run))
