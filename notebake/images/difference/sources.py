"""What differs in that of which two images were made: base image, repository, recipe, notebake."""

import json
from collections.abc import Iterator

from notebake.commands.python_lock import LOCK_FILE
from notebake.images.difference.kept_finding import kept_finding
from notebake.images.updates.finding import CauseFinding, Change
from notebake.images.updates.kept_run import KeptRun
from notebake.images.updates.recipe import NO_NEW_IMAGE, compare_recipes, plain_recipe
from notebake.images.updates.tools import compare_code
from notebake.local.code_version import CodeVersion


def compare_base_images(before: KeptRun, after: KeptRun) -> CauseFinding:
    """Compare the images from which the builders were launched."""
    old, new = before.first_base, after.first_base
    faults = [
        f"The record of run {run.run_id} does not say from which image it started."
        for run in (before, after)
        if not run.first_base
    ]
    is_other = not faults and old != new
    changes = [Change(name="AMI", old=old, new=new)] if is_other else []
    return kept_finding("base image", changes, faults)


def compare_repositories(before: KeptRun, after: KeptRun) -> CauseFinding:
    """Compare the commits that were cloned."""
    faults = [
        f"The record of run {run.run_id} has no commit."
        for run in (before, after)
        if run.summary.recipe.get("repository") and not run.summary.commit
    ]
    old, new = before.summary.commit or None, after.summary.commit or None
    if faults or old == new:
        return kept_finding("repository", (), faults)
    recipes = [run.summary.recipe.get("repository") or {} for run in (after, before)]
    name = next((str(each["ref"]) for each in recipes if each.get("ref")), "repository")
    return kept_finding("repository", [Change(name=name, old=old, new=new)], ())


def compare_kept_recipes(before: KeptRun, after: KeptRun) -> CauseFinding:
    """Compare the recipes, field by field; comments do not count.

    Raises:
        NotebakeError: one of them is gone, or this version of notebake cannot read it.
    """
    old, new = (plain_recipe(run.read_recipe()) for run in (before, after))
    changes = compare_recipes(old, new)
    finding = kept_finding("recipe", changes, ())
    counts = any(change.detail != NO_NEW_IMAGE for change in changes)
    return finding if counts else finding.model_copy(update={"state": "unchanged"})


def compare_tools(before: KeptRun, after: KeptRun) -> CauseFinding:
    """Compare the notebake that made each image, and the Python that it found.

    Raises:
        RunStoreError: the store failed.
    """
    runs = (before, after)
    changes = [*_compare_notebake(before, after)]
    faults = [
        f"Run {run.run_id} has not recorded which notebake made it."
        for run in runs
        if not run.summary.code
    ]
    faults += [
        f"The notebake that made {run.run_id} was modified."
        for run in runs
        if run.summary.code.get("is_modified")
    ]
    pythons = [_python_of(run) for run in runs]
    faults += [reason for _, reason in pythons if reason]
    (old, _), (new, _) = pythons
    if old and new and old != new:
        changes.append(Change(name="Python", old=old, new=new))
    return kept_finding("tools", changes, faults)


def _compare_notebake(before: KeptRun, after: KeptRun) -> Iterator[Change]:
    if before.summary.code and after.summary.code:
        yield from compare_code(before.summary.code, CodeVersion(**after.summary.code))


def _python_of(run: KeptRun) -> tuple[str, str]:
    """Return the version of the environment's Python, or "" and why it is not known."""
    content, missing = run.read_file(f"locks/{LOCK_FILE}")
    try:
        record = json.loads(content or b"null")
        return (str(record["environment"]["version"]), "") if content else ("", f"{missing}.")
    except (ValueError, KeyError, TypeError):
        return "", f"{LOCK_FILE} of run {run.run_id} cannot be read."
