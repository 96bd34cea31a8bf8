"""Causes with their changes as Markdown, for the artifacts of flow runs."""

import re
from collections.abc import Iterator, Sequence

from flows.terminal.cause_lines import values_of
from flows.terminal.image_difference_lines import describe_image, foot_of, paragraphs_of
from notebake.images.difference.image_difference import ImageDifference
from notebake.images.updates.finding import CauseFinding, Change
from notebake.images.updates.held_back import list_held_back
from notebake.images.updates.sentence import show_value

SPECIAL = re.compile(r"([\\`*_\[\]<>|#~])")


def artifact_key(name: str, recipe: str, region: str) -> str:
    """Return the key of an artifact of a recipe, of which Prefect keeps all versions."""
    words = f"{name}-{recipe}-in-{region}".lower()
    return re.sub(r"[^a-z0-9]+", "-", words).strip("-")


def describe_finding(finding: CauseFinding) -> Iterator[str]:
    """Yield the lines of one cause of a check for updates."""
    yield f"## {finding.cause.capitalize()}: {finding.state}\n"
    if finding.reason:
        yield f"Not checked: {escape(finding.reason)}\n"
    if finding.how:
        yield f"*{escape(finding.how)}*\n"
    if finding.changes:
        yield "| what | in the image | now | |\n| --- | --- | --- | --- |"
    for change in finding.changes:
        cells = (change.name, show_value(change.old), show_value(change.new), change.detail)
        yield f"| {' | '.join(map(escape, cells))} |"
    if finding.changes:
        yield ""
    for held_back in list_held_back([finding]):
        yield f"- held back: {escape(held_back)}"
    yield ""


def describe_difference_in_markdown(found: ImageDifference, sentence: str) -> Iterator[str]:
    """Yield the lines of the difference of two images."""
    yield f"# {escape(found.recipe)} in {found.region}\n\n{escape(sentence)}\n"
    yield f"- from {escape(describe_image(found.before))}"
    yield f"- to {escape(describe_image(found.after))}\n"
    for paragraph in paragraphs_of(found):
        if paragraph.changes or paragraph.reason:
            yield f"## {paragraph.title.capitalize()}: {paragraph.state}\n"
            yield f"{escape(paragraph.reason)}\n"
            yield from _table(paragraph.changes)
    for title, text in foot_of(found):
        yield f"- {title}: {escape(text)}"


def escape(text: str) -> str:
    """Return text that Markdown shows as it is, in one line."""
    return SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _table(changes: Sequence[Change]) -> Iterator[str]:
    if changes:
        yield "| what | from → to | |\n| --- | --- | --- |"
    for change in changes:
        cells = (change.name, values_of(change), change.detail)
        yield f"| {' | '.join(map(escape, cells))} |"
    yield ""
