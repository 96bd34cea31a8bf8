"""What a prune would do, or has done, as a table: what goes first, then what stays."""

import textwrap
from collections.abc import Iterator, Sequence

from rich.text import Text

from flows.terminal.console import open_console
from notebake.costs.estimate import format_monthly, format_sum
from notebake.humanize import clean_text, format_briefly, pluralize
from notebake.images.prune.decision import Decision
from notebake.images.prune.plan import DONE, PrunePlan
from notebake.images.prune.pruner import Pruned
from notebake.images.prune.stages import Action

TITLES: dict[Action, str] = {
    "remove": "To be removed with their snapshots",
    "disable": "To be disabled: nobody can launch them until somebody enables them",
    "deprecate": "To be deprecated: others do not find them any more",
    "stay": "Stay",
}
ROW = "  {:<21}  {:>6}  {:>8}  "
SUBSEQUENT = " " * len(ROW.format("", "", ""))


def print_plan(plan: PrunePlan) -> None:
    """Print the images of a region by what becomes of them."""
    console = open_console()
    for line in lines_of(plan, console.width):
        console.print(Text(clean_text(line)), soft_wrap=True)


def lines_of(plan: PrunePlan, width: int) -> Iterator[str]:
    """Yield the sections, each image with its one reason, and what is to be known beside."""
    if not plan.decisions:
        yield f"No image in {plan.region} was made by notebake."
    for action, title in TITLES.items():
        found = [each for each in plan.decisions if each.action == action]
        if found:
            yield f"{title} ({len(found)})"
            for decision in found:
                yield from _row(decision, plan, width)
            yield ""
    usd = format_monthly(plan.removed_usd_per_month)
    if any(each.action == "remove" for each in plan.going):
        yield f"What would be removed costs {usd} a month at most."
    yield from (f"Not known: {each}" for each in plan.unread)


def _row(decision: Decision, plan: PrunePlan, width: int) -> Iterator[str]:
    made = decision.made_at
    age = format_briefly((plan.at - made).total_seconds()) if made else "?"
    start = ROW.format(decision.image_id, age, format_monthly(decision.usd_per_month))
    yield from textwrap.wrap(
        f"{decision.recipe or '?'}: {decision.reason}",
        max(width, 60),
        initial_indent=start,
        subsequent_indent=SUBSEQUENT,
        break_long_words=False,
        break_on_hyphens=False,
    )


def print_pruned(pruned: Pruned) -> None:
    """Print what was done, and what was left in the end."""
    console = open_console()
    for line in pruned_lines(pruned):
        console.print(Text(clean_text(line)), soft_wrap=True)


def pruned_lines(pruned: Pruned) -> Iterator[str]:
    """Yield a line for each image, then the sums."""
    done: Sequence[Decision] = pruned.done
    yield from (f"  {DONE[each.action]} {each.image_id}" for each in done)
    yield from (f"  left {each.image_id}: {each.reason}" for each in pruned.spared)
    removed = [each.usd_per_month for each in done if each.action == "remove"]
    saved = f"; {format_sum(removed)} a month at most is saved" if removed else ""
    yield f"{pluralize(len(done), 'image')} done{saved}."
