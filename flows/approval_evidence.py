"""What speaks for a bake, or for sharing an image: the difference, the proof, the numbers."""

from collections.abc import Iterator

from flows.terminal.cause_lines import Paragraph as Cause
from flows.terminal.cause_lines import paragraphs_of_findings, values_of
from flows.terminal.image_difference_lines import paragraphs_of
from notebake.acceptance.proof import find_proof
from notebake.aws.model import Image
from notebake.errors import NotebakeError
from notebake.humanize import capitalize_first, first_line, format_dollars, pluralize
from notebake.images.difference.compare_images import compare_images
from notebake.images.difference.image_difference import describe_difference
from notebake.images.difference.previous import find_previous
from notebake.images.rebake.mark import RebakeMark, read_mark
from notebake.images.updates.check import check_image
from notebake.images.updates.current import accepted_image, find_current
from notebake.images.updates.kept_check import find_kept_check
from notebake.images.updates.kept_run import KeptRun
from notebake.images.updates.sentence import describe_check
from notebake.images.updates.update_check import UpdateCheck, keep_check
from notebake.notebook.verdict import NotebookVerdict
from notebake.runs.approvals.subject import Paragraph
from notebake.runs.open_store import open_store
from notebake.runs.recorded_run import VERDICT, read_recorded_run
from notebake.runs.run import Run

MOST_NUMBERS = 12
FIRST = "No image of the recipe was accepted here before: there is nothing to compare with."
DIFFERENCE = "What differs from the image before"


def before_bake(run: Run) -> tuple[Paragraph, ...]:
    """Return what is known before a bake: why, what a check has found, and the image that is there.

    Raises:
        RunStoreError: the store failed.
    """
    mark = read_mark(run.id, run.recipe, open_store(run.store))
    why = (Paragraph(title="Why it would be baked", lines=_why(mark)),) if mark else ()
    previous = find_previous(run)
    if previous is None:
        return (*why, Paragraph(title=DIFFERENCE, lines=(FIRST,)))
    found = _check_of(run)
    sentence = capitalize_first(describe_check(found)) + "."
    checked = f"Checked {found.checked:%Y-%m-%d %H:%M} UTC."
    return (
        *why,
        Paragraph(title=DIFFERENCE, lines=(sentence, checked)),
        *map(_as_paragraph, paragraphs_of_findings(found.findings)),
        Paragraph(title="The image before", lines=tuple(_describe_kept(previous))),
    )


def before_sharing(run: Run, image: Image) -> tuple[Paragraph, ...]:
    """Return what is known of an accepted image: what differs, its proof, its notebook, its cost.

    Raises:
        RunStoreError: the store failed.
    """
    proof = find_proof(run, image)
    made = KeptRun(summary=read_recorded_run(run.id, run.store).summary, store=run.store)
    metered = made.summary.money
    cost = format_dollars(metered.metered_usd, is_complete=metered.is_metered_complete)
    return (
        Paragraph(title="Why it was accepted", lines=proof.sentences if proof else ("not known",)),
        Paragraph(title="Its notebook", lines=tuple(_describe_kept(made))),
        Paragraph(title="What the build has cost", lines=(cost or "not metered",)),
        *_difference(find_previous(run), made),
    )


def _why(mark: RebakeMark) -> tuple[str, ...]:
    return (mark.reason, f"It starts {mark.start}.") if mark.start else (mark.reason,)


def _check_of(run: Run) -> UpdateCheck:
    """Return what the check has found that led to a rebake; otherwise that of a check made now."""
    mark = read_mark(run.id, run.recipe, open_store(run.store))
    place = (run.recipe_name, run.region, run.store)
    kept = find_kept_check(*place, until=mark.began) if mark else None
    if kept is None:
        kept = check_image(find_current(*place), run.recipe)
        keep_check(kept, run.store)
    return kept


def _difference(previous: KeptRun | None, made: KeptRun) -> Iterator[Paragraph]:
    """Yield what differs from the image before, first in one sentence."""
    if previous is None:
        yield Paragraph(title=DIFFERENCE, lines=(FIRST,))
        return
    try:
        found = compare_images(previous, made)
    except NotebakeError as error:
        reason = f"It could not be compared: {first_line(error.message)}"
        yield Paragraph(title=DIFFERENCE, lines=(reason,))
        return
    before = found.before.image_id or found.before.run_id
    sentence = f"From {before}: {describe_difference(found)}."
    yield Paragraph(title=DIFFERENCE, lines=(sentence,))
    yield from (_as_paragraph(each) for each in paragraphs_of(found) if each.changes or each.reason)


def _as_paragraph(cause: Cause) -> Paragraph:
    """Return a cause with its changes as plain lines."""
    lines = [
        f"{change.name}: {values_of(change)} {change.detail}".rstrip() for change in cause.changes
    ]
    reason = [cause.reason] if cause.reason else []
    return Paragraph(
        title=f"{capitalize_first(cause.title)}: {cause.state}", lines=(*reason, *lines)
    )


def _describe_kept(run: KeptRun) -> Iterator[str]:
    """Yield what is known of an image: its id, and what its notebook showed on the builder."""
    image = accepted_image(run.summary, run.store)
    yield f"{image.image_id}, of run {run.run_id}" if image else f"run {run.run_id}"
    content, wrong = run.read_file(VERDICT)
    if content is None:
        yield f"{wrong}."
        return
    verdict = NotebookVerdict.model_validate_json(content)
    cells, figures = pluralize(verdict.cells, "code cell"), pluralize(verdict.figures, "figure")
    yield f"its notebook {verdict.error or 'passed'}: {cells}, {figures}"
    numbers = [f"{number:g}" for number in verdict.numbers]
    if numbers:
        more = f" and {len(numbers) - MOST_NUMBERS} more" if len(numbers) > MOST_NUMBERS else ""
        yield f"it printed {', '.join(numbers[:MOST_NUMBERS])}{more}"
