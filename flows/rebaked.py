"""What becomes of a rebake: none, what it changed, the pointer, and how many have failed."""

import logging
from typing import Any

import httpx
from prefect.artifacts import create_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.exceptions import PrefectException
from prefect.states import Completed, Failed

from flows.findings_markdown import artifact_key, describe_difference_in_markdown, escape
from flows.prefect_ui.schedules import switch_off_schedules
from notebake.errors import NotebakeError
from notebake.images.difference.compare_images import compare_images, find_run
from notebake.images.difference.image_difference import describe_difference
from notebake.images.image_state import wait_for_visible_image
from notebake.images.pointer import PointerHeldError, move_pointer
from notebake.images.rebake.decision import Decision, describe_stop
from notebake.images.rebake.mark import count_failures, read_mark
from notebake.images.updates.current import find_current
from notebake.images.updates.held_back import describe_held_back, list_held_back
from notebake.images.updates.update_check import UpdateCheck
from notebake.recipe import Recipe
from notebake.runs.open_store import open_store
from notebake.runs.run import Run

log = logging.getLogger(__name__)


def end_without(decision: Decision, found: UpdateCheck, kept_at: str) -> State[Any]:
    """Return the state that says why no image is baked; what is not known is no success."""
    missing = ", ".join(finding.cause for finding in found.not_checked)
    more = f"not checked: {missing}" if missing and decision.outcome == "keep" else ""
    held_back = describe_held_back(list_held_back(found.findings))
    sentence = "; ".join(filter(None, (decision.reason, held_back, more)))
    message = f"{sentence}. Kept as {kept_at}"
    if decision.outcome == "keep":
        return Completed(message=message, data=kept_at)
    if decision.outcome == "not known":
        message = f"Not decided: {message}. Retry asks again."
    return Failed(message=message, data=NotebakeError(message))


def move_to(run: Run) -> str:
    """Make the image the current one; return what became of that, for the message.

    Raises:
        NotebakeError: the pointer could not be moved.
    """
    try:
        move_pointer(run, wait_for_visible_image(run))
    except PointerHeldError as error:
        log.warning("%s", error.message)
        return f"; not promoted: {error.message}"
    return "; it is the current one"


def show_difference(run: Run) -> str:
    """Make the difference from the image before an artifact; return it in one sentence.

    Whatever fails here, the image is there: so nothing is raised.
    """
    try:
        mark = read_mark(run.id, run.recipe, open_store(run.store))
        if mark is None or not mark.previous_run_id:
            return describe_first(run.recipe)
        before, after = (find_run(each, run.store) for each in (mark.previous_run_id, run.id))
        found = compare_images(before, after)
        held_back = describe_held_back(mark.held_back)
        made = mark.start and f"made {mark.start}"
        sentence = "; ".join(filter(None, (describe_difference(found), made, held_back)))
        lines = [*describe_difference_in_markdown(found, sentence)]
        lines += [f"- held back: {escape(each)}" for each in mark.held_back]
        lines.append(f"- why it was baked: {escape(mark.reason)}")
        text = "\n".join(lines)
        key = artifact_key("difference-of", found.recipe, found.region)
        create_markdown_artifact(text, key=key, description=sentence)
        return sentence
    except (NotebakeError, PrefectException, httpx.HTTPError) as error:
        log.warning("What differs could not be shown: %s", error)
        return "what differs could not be shown"


def describe_first(recipe: Recipe) -> str:
    """Return that there was no image before, and of which date its Python packages are."""
    as_of = f", with Python packages as of {recipe.packages_until}" if recipe.packages_until else ""
    return f"the first image of {recipe.name} in {recipe.region}{as_of}"


def end_rebakes(reason: str, recipe: Recipe, recipe_path: str) -> str:
    """Switch off the schedules of a recipe, and show that; return the reason with what was done.

    A failure here is a warning: what a schedule starts ends at once, as the failures are counted.
    """
    done = switch_off_schedules(recipe_path)
    text = f"{reason}. {done}" if done else reason
    log.error("%s", text)
    key = artifact_key("rebakes-of", recipe.name, recipe.region)
    title = f"# No rebakes of {escape(recipe.name)} in {recipe.region}"
    try:
        create_markdown_artifact(f"{title}\n\n{escape(text)}\n", key=key, description=reason)
    except (PrefectException, httpx.HTTPError) as error:
        log.warning("The end of rebakes could not be shown: %s", error)
    return text


def describe_failures(run: Run) -> str:
    """Return why rebakes of the recipe end now; "" if more may follow."""
    try:
        current = find_current(run.recipe.name, run.region, run.store)
        failures = count_failures(run.recipe, current, run.store)
    except NotebakeError as error:
        log.warning("How many rebakes have failed is not known: %s", error.message)
        return ""
    if run.recipe.rebake is None or failures < run.recipe.rebake.failures:
        return ""
    return describe_stop(run.recipe.name, current.image_id if current else None, failures)
