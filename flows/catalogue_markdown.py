"""The catalogue, and the plan of a prune, as Markdown: Prefect's tables render no links."""

import datetime
from collections.abc import Iterator, Mapping, Sequence

from flows.findings_markdown import escape
from flows.terminal.images_table import describe_size, notes_of
from flows.terminal.prune_table import TITLES, pruned_lines
from notebake.aws.partitions import console_address
from notebake.costs.estimate import format_monthly
from notebake.humanize import format_briefly
from notebake.images.catalogue.listed_image import Catalogue, ListedImage
from notebake.images.prune.plan import PrunePlan, describe_plan
from notebake.images.prune.pruner import Pruned

COLUMNS = (
    *("recipe", "image", "age", "GiB", "a month", "state", "launched", "shared", "made from"),
    "run",
)
FLOW_RUN = "/runs/flow-run/{}"
"""A page of Prefect 3's UI, on the server that shows the artifact."""


def catalogue_lines(found: Catalogue, flow_runs: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines of a catalogue; `flow_runs` are those that began the runs, by run id."""
    yield f"# Images in {found.region}\n\n{found.at:%Y-%m-%d %H:%M} UTC\n"
    if found.images:
        yield f"| {' | '.join(COLUMNS)} |\n{'| --- ' * len(COLUMNS)}|"
    for image in found.images:
        cells = _cells(image, found.at, found.region, flow_runs.get(image.run_id, ""))
        yield f"| {' | '.join(cells)} |"
    yield from (f"\n{escape(note)}" for note in notes_of(found))


def _cells(
    image: ListedImage, now: datetime.datetime, region: str, flow_run_id: str
) -> Sequence[str]:
    shared = "everybody" if image.is_public else ", ".join(image.recipients or ())
    if not shared:
        shared = "no" if image.recipients == () else "not asked"
    return (
        escape(image.recipe or "?"),
        link_image(image.id, region),
        _ago(image.made_at, now) or "?",
        describe_size(image),
        escape(format_monthly(image.usd_per_month)),
        image.describe_state(now),
        _ago(image.last_launched, now) or "never",
        escape(shared),
        link_image(image.base_image_id, region) if image.base_image_id else "?",
        f"[{escape(image.run_id)}]({FLOW_RUN.format(flow_run_id)})"
        if flow_run_id
        else image.run_id,
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
