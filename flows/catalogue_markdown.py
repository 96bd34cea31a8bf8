"""The catalogue, and the plan of a prune, as Markdown: Prefect's tables render no links."""

import datetime
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from flows.findings_markdown import escape
from flows.terminal.images_table import describe_size, notes_of
from flows.terminal.prune_table import TITLES, pruned_lines
from notebake.aws.partitions import console_address
from notebake.costs.estimate import format_monthly
from notebake.humanize import format_briefly
from notebake.images.catalogue.listed_image import Catalogue, ListedImage
from notebake.images.prune.plan import PrunePlan, describe_plan
from notebake.images.prune.pruner import Pruned

COLUMNS = ("image", "run", "age", "GiB", "a month", "state", "launched", "made from")
FLOW_RUN = "/runs/flow-run/{}"
"""A page of Prefect 3's UI, on the server that shows the artifact."""


def catalogue_lines(found: Catalogue, flow_runs: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines of a catalogue; `flow_runs` are those that began the runs, by run id."""
    yield f"# Images in {found.region}\n\n{found.at:%Y-%m-%d %H:%M} UTC\n"
    is_asked = any(image.recipients is not None for image in found.images)
    columns = (*COLUMNS, "shared") if is_asked else COLUMNS
    for recipe, images in groupby(found.images, key=lambda image: image.recipe):
        yield f"## {escape(recipe or 'Of a recipe that is not known')}\n"
        yield f"| {' | '.join(columns)} |\n{'| --- ' * len(columns)}|"
        for image in images:
            shared = (escape(", ".join(image.recipients or ()) or "no"),) if is_asked else ()
            cells = _cells(image, found, flow_runs.get(image.run_id, ""))
            yield f"| {' | '.join((*cells, *shared))} |"
        yield ""
    yield from (f"{escape(note)}\n" for note in notes_of(found))


def _cells(image: ListedImage, found: Catalogue, flow_run_id: str) -> Sequence[str]:
    run = escape(image.run_id)
    return (
        link_image(image.id, found.region),
        f"[{run}]({FLOW_RUN.format(flow_run_id)})" if flow_run_id else run,
        _ago(image.made_at, found.at) or "?",
        describe_size(image),
        escape(format_monthly(image.usd_per_month)),
        image.describe_state(found.at),
        _ago(image.last_launched, found.at) or "never",
        link_image(image.base_image_id, found.region) if image.base_image_id else "?",
    )


def plan_lines(plan: PrunePlan) -> Iterator[str]:
    """Yield the lines of a plan: what goes first, each image with its one reason."""
    yield f"# Prune of {plan.region}\n\n{escape(describe_plan(plan))}\n"
    yield f"{plan.at:%Y-%m-%d %H:%M} UTC, plan `{plan.digest}`\n"
    for action, title in TITLES.items():
        found = [each for each in plan.decisions if each.action == action]
        if found:
            yield f"## {title} ({len(found)})\n"
            yield "| image | recipe | age | a month | why |\n| --- | --- | --- | ---: | --- |"
        for each in found:
            cost = escape(format_monthly(each.usd_per_month))
            cells = (link_image(each.image_id, plan.region), escape(each.recipe or "?"))
            age = _ago(each.made_at, plan.at) or "?"
            yield f"| {' | '.join((*cells, age, cost, escape(each.reason)))} |"
        yield ""
    yield from (f"Not known: {escape(each)}\n" for each in plan.unread)


def done_lines(pruned: Pruned) -> Iterator[str]:
    """Yield the lines of what was done."""
    yield "## Done\n"
    yield from (f"- {escape(line.strip())}" for line in pruned_lines(pruned))
    yield from (f"- failed: {escape(each)}" for each in pruned.failures)


def link_image(image_id: str, region: str) -> str:
    """Return an image with a link to AWS's console, where there is one."""
    address = console_address(image_id, region)
    return f"[{image_id}]({address})" if address else f"`{image_id}`"


def _ago(moment: datetime.datetime | None, now: datetime.datetime) -> str:
    return format_briefly((now - moment).total_seconds()) if moment else ""
