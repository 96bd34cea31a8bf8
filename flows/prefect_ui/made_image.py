"""What a finished build says of itself in Prefect: the message of its state, and an artifact."""

import re
from collections.abc import Iterator

from flows.build_plan import titles
from flows.prefect_ui.figures import figures_in_markdown
from notebake.acceptance.outcome import BuildOutcome
from notebake.humanize import format_dollars, format_seconds, pluralize
from notebake.ledger.summary import Summary
from notebake.notebook.verdict import NotebookVerdict
from notebake.runs import files
from notebake.runs.recorded_run import VERDICT
from notebake.runs.run import Run

TITLES = dict(titles())
OUTCOMES = {"found": "was done already", "undone": "done; removed at the end"}
"""What the last entry of a step says of it, in a finished run."""
EXECUTED = "notebook/executed.ipynb"


def describe_image(run: Run, outcome: BuildOutcome, summary: Summary) -> str:
    """Return the result in one line: `ami-… accepted, 8 code cells, 3 figures, $0.11`."""
    state = "accepted" if outcome.is_accepted else "not accepted"
    parts = [f"{outcome.image.id} {state}", *_proof(run), _cost(summary)]
    return ", ".join(filter(None, parts))


def artifact_key(run: Run) -> str:
    """Return the key of the run's artifact: lower case, digits and dashes only."""
    return re.sub(r"[^a-z0-9]+", "-", f"run-{run.id}".lower()).strip("-")


def describe_in_markdown(
    run: Run, outcome: BuildOutcome, summary: Summary, sentence: str
) -> Iterator[str]:
    """Yield the lines of the report that a terminal shows, as Markdown, below one sentence."""
    yield f"# Image {outcome.image.id}"
    yield f"\n{sentence}\n"
    yield f"`{outcome.image.name}` in {run.region}, run `{run.id}`"
    if outcome.proof:
        yield "\n## What was proven\n"
        yield from (f"- {_escape(line)}" for line in outcome.proof.sentences)
    if executed := files.get_file(run, EXECUTED):
        yield "\n## Figures\n"
        yield from figures_in_markdown(executed)
    yield "\n## Files\n"
    for path in filter(None, (outcome.html_path, outcome.notebook_path)):
        yield f"- `{path}`"
    yield f"- `{files.file_location(run, 'log.txt')}`"
    yield "\n## Steps\n\n| step | outcome | time |\n| --- | --- | ---: |"
    for step in summary.steps:
        seconds = "" if step.seconds is None else format_seconds(step.seconds)
        outcome_of_step = OUTCOMES.get(step.outcome, step.outcome)
        yield f"| {TITLES.get(step.step, step.step)} | {outcome_of_step} | {seconds} |"
    if outcome.held_back:
        yield "\n## What the cooldown held back\n"
        yield from (f"- {_escape(each)}" for each in outcome.held_back)
    yield "\n## What is left besides the image\n"
    left = [f"- {each.kind} `{each.id}`" for each in outcome.left_behind]
    yield from left or ["nothing was found"]
    yield f"\nLast entry of the record: `{outcome.record_anchor}`"


def _proof(run: Run) -> Iterator[str]:
    if content := files.get_file(run, VERDICT):
        verdict = NotebookVerdict.model_validate_json(content)
        yield pluralize(verdict.cells, "code cell")
        yield pluralize(verdict.figures, "figure")


def _cost(summary: Summary) -> str:
    money = summary.money
    return format_dollars(money.metered_usd, is_complete=money.is_metered_complete)


def _escape(line: str) -> str:
    """Return text that Markdown shows as it is."""
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", line)
