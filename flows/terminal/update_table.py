"""A check for updates as text: each cause with its changes, how it was asked, and what was not.

A terminal gets at most 40 lines, each no wider than itself; a pipe gets whole lines.
"""

from collections.abc import Iterator

from rich.text import Text

from flows.terminal.advice_lines import TITLE, advice_heading, advice_lines
from flows.terminal.cause_lines import (
    heading_of,
    lines_of,
    paragraphs_of_findings,
    print_paragraphs,
)
from flows.terminal.console import open_console
from flows.terminal.update_layout import below, wrap
from notebake.errors import NextCommand
from notebake.humanize import capitalize_first, clean_text, format_local
from notebake.images.updates.finding import CauseFinding
from notebake.images.updates.held_back import list_held_back
from notebake.images.updates.sentence import describe_check
from notebake.images.updates.update_check import UpdateCheck


def print_check(
    check: UpdateCheck,
    recipe_path: str,
    *,
    store: str = "",
    location: str = "",
    shows_all: bool = False,
    since: str = "",
    rebakes: bool = False,
) -> None:
    """Print a check, of many changes the first ones.

    `store` is the run store if one was named, `location` the one that was asked, and `since` says
    when it was checked before; `rebakes` tells that the recipe has a rebake policy.
    """
    console = open_console()
    width = console.width if console.is_terminal else 0
    build_command = NextCommand(("build", recipe_path)).command_line(store)
    head = [*_head(check, build_command, width, since)]
    whole = [
        [*lines_of(finding.changes, width), *held_back_lines(finding, width)]
        for finding in check.findings
    ]
    fixed = [heading_of(each, width) for each in paragraphs_of_findings(check.findings)]
    fixed += [advice_heading(advice, width) for advice in check.advice]
    whole += [advice_lines(advice, width, shows_all=shows_all) for advice in check.advice]
    if check.image_id is None and location:
        head.insert(1, Text(f"The run store that was asked: {location}"))
    if check.image_id is None and rebakes:
        head.append(Text("A schedule of the flow “Update an image” makes it, too, once it is on."))
    if check.advice:
        fixed[len(check.findings)][:0] = [Text(""), Text(TITLE)]
    command = NextCommand(("check", recipe_path, "--all")).command_line(store)
    print_paragraphs(console, head, fixed, whole, shows_all=shows_all, all_command=command)


def held_back_lines(finding: CauseFinding, width: int) -> list[Text]:
    """Return a line for each update that the recipe's cooldown holds back."""
    return [
        line
        for held_back in list_held_back([finding])
        for line in below(clean_text(f"held back: {held_back}"), width, "dim")
    ]


def _head(check: UpdateCheck, build_command: str, width: int, since: str) -> Iterator[Text]:
    """Yield what was compared, and the result in one sentence."""
    if check.image_id is None:
        yield Text(f"{capitalize_first(describe_check(check))} in {check.region}.")
        yield Text(f"To make one: {build_command}")
        return
    accepted = f", accepted {format_local(check.accepted)}" if check.accepted else ""
    yield Text.assemble((check.image_id, "bold"), f" of {check.recipe} in {check.region}{accepted}")
    yield Text("; ".join(filter(None, (f"by run {check.run_id}", since))), "dim")
    sentence = f"{capitalize_first(clean_text(describe_check(check)))}."
    yield from map(Text, wrap(sentence, width))
    yield Text("")
