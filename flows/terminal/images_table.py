"""The images of a region as a table."""

import datetime
from collections.abc import Mapping, Sequence

from rich.table import Table
from rich.text import Text

from flows.terminal.console import open_console
from notebake import clock
from notebake.costs.estimate import format_monthly, format_sum
from notebake.humanize import format_span, pluralize
from notebake.images.listed_image import ListedImage
from notebake.images.updates.last_check import describe_last_check
from notebake.timestamps import utc_from_seconds

WIDE = 100
"""From this width on, the run stands beside its image, not below it."""


def print_images(images: Sequence[ListedImage], region: str) -> None:
    """Print the images, and what all of them cost."""
    console = open_console()
    if not images:
        console.print(f"No image in {region} was made by notebake.")
        return
    is_wide = console.width >= WIDE
    table = Table(box=None, pad_edge=False)
    table.add_column("image" if is_wide else "image, run", no_wrap=True)
    table.add_column("recipe")
    for heading in ("age", "GiB", "a month"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("state", no_wrap=True)
    if is_wide:
        table.add_column("run", no_wrap=True)
    for image in images:
        table.add_row(*_cells(image), *([image.run_id] if is_wide else []))
        if not is_wide:
            table.add_row(f"  {image.run_id}")
    console.print(table, soft_wrap=True)
    total = format_sum([image.usd_per_month for image in images])
    console.print(f"{pluralize(len(images), 'image')} in {region}: {total} a month at most.")


def print_last_checks(checks: Mapping[str, datetime.datetime | None]) -> None:
    """Print when each recipe was last checked for updates; nothing without an accepted image."""
    now = utc_from_seconds(clock.now())
    console = open_console()
    for recipe, at in checks.items():
        line = f"{recipe}: {describe_last_check(at, now)} for updates"
        console.print(Text(line, "dim"), soft_wrap=True)


def _cells(image: ListedImage) -> tuple[str, ...]:
    age = format_span(clock.now() - image.made_at.timestamp()) if image.made_at else "?"
    size = "?" if image.size_gib is None else str(image.size_gib)
    state = image.state if image.state != "available" else "not accepted"
    if image.is_accepted:
        state = "accepted"
    if image.is_current:
        state = "current, held" if image.is_held else "current"
    if image.is_revoked:
        state = "current, revoked" if image.is_current else "revoked"
    recipe = image.recipe or "?"
    return image.id, recipe, age, size, format_monthly(image.usd_per_month), state
