"""The catalogue of a region as a table: recipe by recipe, the newest image first."""

import datetime
import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.text import Text

from flows.terminal.console import open_console
from flows.terminal.history_table import align
from notebake.costs.estimate import format_monthly, format_sum
from notebake.humanize import clean_text, format_briefly, pluralize
from notebake.images.catalogue.listed_image import Catalogue, ListedImage

WIDE = 160
"""From this width on, all of an image stands in its row, not below it."""
COLUMNS = ("image", "age", "GiB", "a month", "state")
MORE_COLUMNS = ("launched", "shared", "made from", "run")
INDENT = "    "


def print_catalogue(found: Catalogue) -> None:
    """Print the images, what all of them cost, and what could not be read."""
    console = open_console()
    is_wide = console.width >= WIDE
    lines = [*lines_of(found, console.width, is_wide=is_wide), *notes_of(found)]
    for line in lines:
        console.print(Text(clean_text(line)), soft_wrap=True)


def lines_of(found: Catalogue, width: int, *, is_wide: bool) -> Iterator[str]:
    """Yield the rows below the name of each recipe; details stand beside them, or below."""
    more = MORE_COLUMNS if is_wide else ()
    rows = [cells_of(image, found.at, is_wide=is_wide) for image in found.images]
    heading, *aligned = align([(*COLUMNS, *more), *rows])
    if rows:
        yield f"  {heading}".rstrip()
    pairs = zip(found.images, aligned, strict=True)
    for recipe, group in groupby(pairs, key=lambda pair: pair[0].recipe):
        yield recipe or "(its recipe is not known)"
        for image, line in group:
            yield f"  {line}".rstrip()
            if not is_wide:
                yield from below(image, found.at, width)


def cells_of(image: ListedImage, now: datetime.datetime, *, is_wide: bool) -> Sequence[str]:
    """Return the cells of an image; "?" stands for what is not known."""
    cells = (
        image.id,
        _ago(image.made_at, now) or "?",
        describe_size(image),
        format_monthly(image.usd_per_month),
        image.describe_state(now),
    )
    if not is_wide:
        return cells
    launched = _ago(image.last_launched, now) or "never"
    return (*cells, launched, _shared(image) or "?", image.base_image_id or "?", image.run_id)


def below(image: ListedImage, now: datetime.datetime, width: int) -> Iterator[str]:
    """Yield what does not fit into the row."""
    launched = _ago(image.last_launched, now)
    parts = [
        f"run {image.run_id}",
        f"from {image.base_image_id}" if image.base_image_id else "base not known",
        f"launched {launched} ago" if launched else "never launched",
        f"shared: {shared}" if (shared := _shared(image)) not in ("", "no") else "",
    ]
    text = ", ".join(filter(None, parts))
    yield from textwrap.wrap(
        text,
        max(width, 40),
        initial_indent=INDENT,
        subsequent_indent=INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )


def describe_size(image: ListedImage) -> str:
    """Return the GiB that were written; at most, where EC2 tells only the size of the disks."""
    if image.written_gib is not None:
        return f"{image.written_gib:.1f}"
    return "?" if image.size_gib is None else f"≤{image.size_gib}"


def _shared(image: ListedImage) -> str:
    """Return with whom it is shared; "" if nobody has asked."""
    if image.is_public:
        return "everybody"
    if image.recipients is None:
        return ""
    return ", ".join(image.recipients) or "no"


def _ago(moment: datetime.datetime | None, now: datetime.datetime) -> str:
    return format_briefly((now - moment).total_seconds()) if moment else ""


def notes_of(found: Catalogue) -> Iterator[str]:
    """Yield what is to be said below the table."""
    if not found.images:
        yield f"No image in {found.region} was made by notebake."
    else:
        total = format_sum([image.usd_per_month for image in found.images])
        count = pluralize(len(found.images), "image")
        yield ""
        yield f"{count} in {found.region}: {total} a month at most."
        if any(image.written_gib is None for image in found.images):
            yield "≤: EC2 tells only the size of the disks, not how much of them was written."
    if found.loose_snapshots:
        cost = format_monthly(found.loose_usd_per_month)
        yield f"Snapshots of runs that belong to no image, {cost} a month:"
        yield from (f"{INDENT}{snapshot_id}" for snapshot_id in found.loose_snapshots)
    yield from (f"Not known: {each}" for each in found.missing)
