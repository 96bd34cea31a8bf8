"""What a person is asked before a bake, and before the image of a recipe is shared."""

from collections.abc import Callable

from flows.approval import Wanted
from flows.approval_evidence import before_bake, before_sharing
from notebake.aws.model import Image
from notebake.costs.estimate import estimate, format_estimate
from notebake.costs.list_prices import price_of_type
from notebake.machines.launch import base_image_to_launch
from notebake.record import digest_of
from notebake.runs.approvals.subject import Fact, Paragraph, Subject
from notebake.runs.run import Run


def bake_wanted(run: Run) -> Wanted:
    """Return what is to be approved before the builder is launched.

    Raises:
        NotebakeError: the base image cannot be resolved, or the run store failed.
    """
    recipe = run.recipe
    costs = estimate(recipe, price_of_type=price_of_type)
    subject = Subject(
        kind="bake",
        recipe=recipe.name,
        region=run.region,
        run_id=run.id,
        title=f"bake an image of {recipe.name} in {run.region}",
        facts=(
            Fact(name="run", value=run.id),
            Fact(name="recipe", value=digest_of(recipe)),
            Fact(name="base image", value=base_image_to_launch(run)),
            Fact(name="builder", value=" or ".join(recipe.instance_types)),
        ),
        price=(
            f"The build costs {format_estimate(costs.build)} on AWS, and its image at most"
            f" {format_estimate(costs.monthly)} a month from then on"
        ),
        if_unanswered=(
            f"Nothing is baked, and the run fails {_in_days(run)}. What is current stays current."
        ),
    )
    return _wanted(run, subject, lambda: before_bake(run))


def share_wanted(run: Run, image: Image) -> Wanted:
    """Return what is to be approved before the accepted image of a run is shared."""
    recipe = run.recipe
    costs = estimate(recipe, price_of_type=price_of_type)
    subject = Subject(
        kind="share",
        recipe=recipe.name,
        region=run.region,
        run_id=run.id,
        title=f"share {image.id} with {', '.join(recipe.share_with)}",
        facts=(
            Fact(name="image", value=image.id),
            Fact(name="snapshots", value=", ".join(image.snapshot_ids)),
            Fact(name="accounts", value=", ".join(recipe.share_with)),
            Fact(name="run", value=run.id),
        ),
        price=(
            f"Sharing costs nothing; the image costs at most {format_estimate(costs.monthly)} a"
            " month, shared or not, and whoever launches it pays for that"
        ),
        if_unanswered=(
            f"The image stays accepted and is not shared; the run fails {_in_days(run)}."
        ),
        image_ids=(image.id,),
    )
    return _wanted(run, subject, lambda: before_sharing(run, image))


def _wanted(run: Run, subject: Subject, gather: Callable[[], tuple[Paragraph, ...]]) -> Wanted:
    return Wanted(subject, gather, run.store, run.recipe.approval_days)


def _in_days(run: Run) -> str:
    days = run.recipe.approval_days
    return f"{days:g} {'day' if days == 1 else 'days'} after it was asked"
