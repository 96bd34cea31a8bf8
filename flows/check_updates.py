"""The check for updates as a flow, so that a schedule can ask every week."""

import logging
import re
from collections.abc import Iterator
from typing import Any

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.states import Completed

from flows.prefect_ui.form import RecipeChoice, RecipePath, StoreLocation, chosen_path
from flows.prefect_ui.plain_ending import ending_plainly
from notebake.images.updates import check
from notebake.images.updates.finding import CauseFinding
from notebake.images.updates.sentence import describe_check, show_value
from notebake.images.updates.update_check import UpdateCheck, keep_check
from notebake.recipe.file import load_recipe
from notebake.runs.open_store import default_location
from notebake.waiting import allow_waits

log = logging.getLogger(__name__)
SPECIAL = re.compile(r"([\\`*_\[\]<>|#~])")


@flow(name="Check for updates")
@ending_plainly
def check_updates(
    recipe: RecipeChoice = "", recipe_path: RecipePath = "", store: StoreLocation = ""
) -> Any:
    """Compare the newest accepted image of a recipe with its sources, without a machine.

    It takes some seconds, at most a minute, and at most 20 calls to AWS besides those to a run
    store there. The message of the state has the causes that changed; the artifact all of it. The
    result is kept in the run store.

    Args:
        recipe: A recipe of the folder `deployments`.
        recipe_path: Path of any other recipe on the worker; it takes the place of `recipe`.
        store: Location of the run store, a directory or s3://bucket/prefix; empty: the default.

    Raises:
        NotebakeError: the recipe is wrong, or the run store failed.
    """
    allow_waits()
    location = store or default_location()
    found = check.check_updates(load_recipe(chosen_path(recipe, recipe_path)), location)
    kept_at, sentence = keep_check(found, location), describe_check(found)
    text = "\n".join(describe_in_markdown(found, sentence, kept_at))
    create_markdown_artifact(text, key=artifact_key(found), description=sentence)
    log.info("%s. Kept as %s", sentence, kept_at)
    return Completed(message=sentence, data=kept_at)


def artifact_key(found: UpdateCheck) -> str:
    """Return the key of the artifact, of which Prefect keeps all versions."""
    name = f"updates-of-{found.recipe}-in-{found.region}".lower()
    return re.sub(r"[^a-z0-9]+", "-", name).strip("-")


def describe_in_markdown(found: UpdateCheck, sentence: str, kept_at: str) -> Iterator[str]:
    """Yield the lines of all that was found."""
    yield f"# {_escape(found.recipe)} in {found.region}\n\n{_escape(sentence)}\n"
    if found.image_id and found.accepted:
        state = f", {found.image_state} in EC2" if found.image_state else ""
        yield (
            f"`{found.image_id}`{state}, accepted {found.accepted:%Y-%m-%d %H:%M} UTC, run"
            f" `{found.run_id}`\n"
        )
    for finding in found.findings:
        yield from _describe_finding(finding)
    calls = f"with {found.aws_calls} calls to AWS"
    yield f"Checked {found.checked:%Y-%m-%d %H:%M:%S} UTC {calls}; kept as `{kept_at}`"


def _describe_finding(finding: CauseFinding) -> Iterator[str]:
    yield f"## {finding.cause.capitalize()}: {finding.state}\n"
    if finding.reason:
        yield f"Not checked: {_escape(finding.reason)}\n"
    if finding.how:
        yield f"*{_escape(finding.how)}*\n"
    if finding.changes:
        yield "| what | in the image | now | |\n| --- | --- | --- | --- |"
    for change in finding.changes:
        cells = (change.name, show_value(change.old), show_value(change.new), change.detail)
        yield f"| {' | '.join(map(_escape, cells))} |"
    yield ""


def _escape(text: str) -> str:
    """Return text that Markdown shows as it is, in one line."""
    return SPECIAL.sub(r"\\\1", " ".join(text.split()))
