"""The check for updates as a flow, so that a schedule can ask every week."""

import logging
from collections.abc import Iterator
from typing import Any

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.states import Completed

from flows.findings_markdown import artifact_key, describe_finding, escape
from flows.prefect_ui.form import RecipeChoice, RecipePath, StoreLocation, chosen_path
from flows.prefect_ui.plain_ending import ending_plainly
from notebake.images.updates import check
from notebake.images.updates.advice.advice import Advice
from notebake.images.updates.advice.describe import count_known, describe_source
from notebake.images.updates.sentence import describe_check
from notebake.images.updates.update_check import UpdateCheck, keep_check
from notebake.recipe.file import load_recipe
from notebake.runs.open_store import default_location
from notebake.waiting import allow_waits

log = logging.getLogger(__name__)


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
    kept_at = keep_and_show(found, location)
    return Completed(message=describe_check(found), data=kept_at)


def keep_and_show(found: UpdateCheck, location: str) -> str:
    """Keep a check as evidence, and make it an artifact; return where it is kept.

    Raises:
        RunStoreError: the store failed.
    """
    kept_at, sentence = keep_check(found, location), describe_check(found)
    text = "\n".join(describe_in_markdown(found, sentence, kept_at))
    key = artifact_key("updates-of", found.recipe, found.region)
    create_markdown_artifact(text, key=key, description=sentence)
    log.info("%s. Kept as %s", sentence, kept_at)
    return kept_at


def describe_in_markdown(found: UpdateCheck, sentence: str, kept_at: str) -> Iterator[str]:
    """Yield the lines of all that was found."""
    yield f"# {escape(found.recipe)} in {found.region}\n\n{escape(sentence)}\n"
    if found.image_id and found.accepted:
        state = f", {found.image_state} in EC2" if found.image_state else ""
        yield (
            f"`{found.image_id}`{state}, accepted {found.accepted:%Y-%m-%d %H:%M} UTC, run"
            f" `{found.run_id}`\n"
        )
    for finding in found.findings:
        yield from describe_finding(finding)
    for advice in found.advice:
        yield from _describe_advice(advice)
    calls = f"with {found.aws_calls} calls to AWS"
    yield f"Checked {found.checked:%Y-%m-%d %H:%M:%S} UTC {calls}; kept as `{kept_at}`"


def _describe_advice(advice: Advice) -> Iterator[str]:
    yield f"## Known vulnerabilities, {advice.ecosystem}: {count_known(advice)}\n"
    if advice.reason:
        yield f"Not asked: {escape(advice.reason)}\n"
    if advice.state != "not asked":
        yield f"*{escape(describe_source(advice))}*\n"
    if advice.findings:
        yield "| package | version | known as | fixed in | urgency | |\n" + "| --- " * 6 + "|"
    for each in advice.findings:
        known = (each.package, each.version, ", ".join(each.ids), ", ".join(each.fixed))
        yield f"| {' | '.join(map(escape, (*known, each.urgency, each.detail)))} |"
    yield ""
