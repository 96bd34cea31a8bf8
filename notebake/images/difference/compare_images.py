"""Compares two images by what their runs have kept; nobody is asked, and nothing is called."""

from collections.abc import Callable

from notebake.errors import NotebakeError, RunStoreError
from notebake.humanize import first_line
from notebake.images.difference.compared_numbers import compare_numbers
from notebake.images.difference.datasets import compare_datasets
from notebake.images.difference.distribution import compare_distribution
from notebake.images.difference.environments import compare_environments
from notebake.images.difference.image_difference import CAUSES, ComparedImage, ImageDifference
from notebake.images.difference.sizes import compare_sizes
from notebake.images.difference.sources import (
    compare_base_images,
    compare_kept_recipes,
    compare_repositories,
    compare_tools,
)
from notebake.images.updates.current import accepted_image
from notebake.images.updates.finding import Cause, CauseFinding
from notebake.images.updates.kept_run import KeptRun
from notebake.runs.history import list_rows
from notebake.runs.recorded_run import read_recorded_run

Compare = Callable[[KeptRun, KeptRun], CauseFinding | tuple[CauseFinding, ...]]
COMPARISONS: dict[tuple[Cause, ...], Compare] = {
    ("direct", "transitive"): compare_environments,
    ("security", "system"): compare_distribution,
    ("base image",): compare_base_images,
    ("repository",): compare_repositories,
    ("data",): compare_datasets,
    ("recipe",): compare_kept_recipes,
    ("tools",): compare_tools,
}
"""Which causes a function compares."""


def find_run(name: str, location: str) -> KeptRun:
    """Return the run with this id, or that has made the image with this id.

    Raises:
        RunStoreError: there is no such run, or no run of this store has made the image.
    """
    run_id = name
    if name.startswith("ami-"):
        rows, _ = list_rows(location, wanted=lambda row: row.image_id == name)
        if not rows:
            raise RunStoreError(
                f"No run in {location} is known to have made {name}.",
                "An image of another run store can be compared there: notebake --store PLACE diff",
            )
        run_id = rows[-1].run_id
    return KeptRun(summary=read_recorded_run(run_id, location).summary, store=location)


def compare_images(before: KeptRun, after: KeptRun) -> ImageDifference:
    """Return what differs; what one of the runs has not kept is `not kept`, never `unchanged`."""
    found: dict[Cause, CauseFinding] = {}
    for causes, compare in COMPARISONS.items():
        findings = _compare(compare, causes, before, after)
        found |= {finding.cause: finding for finding in findings}
    return ImageDifference(
        recipe=after.summary.recipe_name,
        region=after.region,
        before=_describe(before),
        after=_describe(after),
        findings=tuple(found[cause] for cause in CAUSES),
        numbers=compare_numbers(before, after),
        sizes=compare_sizes(before, after),
    )


def _compare(
    compare: Compare, causes: tuple[Cause, ...], before: KeptRun, after: KeptRun
) -> tuple[CauseFinding, ...]:
    try:
        found = compare(before, after)
    except NotebakeError as error:
        reason = first_line(error.message)
        return tuple(CauseFinding(cause=cause, state="not kept", reason=reason) for cause in causes)
    return found if isinstance(found, tuple) else (found,)


def _describe(run: KeptRun) -> ComparedImage:
    image = accepted_image(run.summary, run.store)
    return ComparedImage(
        run_id=run.run_id,
        image_id=image.image_id if image else None,
        accepted=image.accepted if image else None,
    )
