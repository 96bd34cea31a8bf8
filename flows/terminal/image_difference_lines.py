"""What differs between two images, as text of at most 40 lines."""

from collections.abc import Iterator, Sequence

from rich.text import Text

from flows.terminal.cause_lines import (
    Paragraph,
    heading_of,
    lines_of,
    paragraph_of,
    print_paragraphs,
)
from flows.terminal.console import open_console
from flows.terminal.update_layout import CAUSE, wrap
from notebake.errors import NextCommand
from notebake.humanize import (
    capitalize_first,
    clean_text,
    format_added,
    format_bytes,
    format_local,
    pluralize,
)
from notebake.images.difference.image_difference import (
    ComparedImage,
    ImageDifference,
    describe_difference,
)


def print_image_difference(
    found: ImageDifference, names: Sequence[str], *, store: str = "", shows_all: bool = False
) -> None:
    """Print a difference, of many changes the first ones; `names` are as they were typed."""
    console = open_console()
    width = console.width if console.is_terminal else 0
    head = [*_head(found, width)]
    shown_paragraphs = [each for each in paragraphs_of(found) if each.changes or each.reason]
    fixed = [heading_of(each, width) for each in shown_paragraphs]
    whole = [lines_of(each.changes, width) for each in shown_paragraphs]
    foot = [
        Text(line)
        for title, text in foot_of(found)
        for line in wrap(f"{title:<{CAUSE}}{text}", width)
    ]
    command = NextCommand(("diff", *names, "--all")).command_line(store)
    print_paragraphs(console, head, fixed, whole, foot, shows_all=shows_all, all_command=command)


def paragraphs_of(found: ImageDifference) -> list[Paragraph]:
    """Return the causes, and then the numbers of the notebook."""
    numbers = Paragraph(
        title="numbers",
        state=found.numbers.state,
        changes=found.numbers.changes,
        count=len(found.numbers.changes),
        how=f"of {found.numbers.compared} that the notebook printed" * bool(found.numbers.changes),
        reason=found.numbers.reason,
    )
    return [*map(paragraph_of, found.findings), numbers]


def foot_of(found: ImageDifference) -> Iterator[tuple[str, str]]:
    """Yield what is the same, and the sizes, each below its title."""
    same = [each.title for each in paragraphs_of(found) if each.state == "unchanged"]
    if "numbers" in same:
        same[-1] = f"{pluralize(found.numbers.compared, 'number')} of the notebook"
    if same:
        yield "the same", ", ".join(same)
    for size in found.sizes:
        old, new = (
            "not kept" if each is None else format_bytes(each) for each in (size.old, size.new)
        )
        added = ""
        if size.old is not None and size.new is not None and size.old != size.new:
            added = f", {format_added(size.new - size.old)}"
        values = old if size.old == size.new else f"{old} → {new}{added}"
        yield "size", f"{size.name}: {values}"


def describe_image(image: ComparedImage) -> str:
    """Return an image, when it was accepted, and its run."""
    accepted = f", accepted {format_local(image.accepted)}" if image.accepted else ""
    name = f"{image.image_id}{accepted}, by run" if image.image_id else "no accepted image, by run"
    return f"{name} {image.run_id}"


def _head(found: ImageDifference, width: int) -> Iterator[Text]:
    place = f" of {found.recipe} in {found.region}" if found.recipe else ""
    for sign, image in (("from", found.before), ("to", found.after)):
        yield Text(f"{sign:<5}{clean_text(describe_image(image))}", "dim")
    sentence = clean_text(describe_difference(found))
    yield from map(Text, wrap(f"{capitalize_first(sentence)}{place}.", width))
    yield Text("")
