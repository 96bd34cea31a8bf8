"""Reads what is known of a run: from its record, and from the files beside it."""

import re
from collections.abc import Iterable

from pydantic import ValidationError

from notebake.aws.call_parameters import digest_of_value
from notebake.errors import NextCommand, NotebakeError, RecipeError, RunStoreError
from notebake.explanation.filled_parameters import texts_of
from notebake.explanation.recorded_calls import read_calls
from notebake.explanation.run_facts import RunFacts, StepFact
from notebake.ledger.entry import Entry
from notebake.ledger.kinds import STATE, STEP
from notebake.recipe import Recipe
from notebake.recipe.part import ACCEPTED_BEFORE
from notebake.runs.open_store import open_store
from notebake.runs.recorded_run import RecordedRun
from notebake.runs.registry import load_run
from notebake.store.interface import RunStore

MOUNTED = re.compile(r"Volume (?P<name>\S+) \((?P<id>vol-\w+), \S+\) is mounted on /")
"""What the script that mounts a volume writes to the log (notebake/commands/volume_scripts.py)."""
DIGEST = re.compile(r"[0-9a-f]{16}")
KEYS = ("builder", "acceptance")
"""The roles whose machines have a key pair each."""


def read_facts(recorded: RecordedRun, location: str) -> RunFacts:
    """Return what is known of a run.

    Raises:
        NotebakeError: it is not in the ledger, or another version of notebake wrote its recipe.
        RunStoreError: the run store cannot be read.
    """
    summary = recorded.summary
    history = NextCommand(("history", "show", summary.run), "What is recorded of it")
    if not recorded.is_recorded:
        raise NotebakeError(
            f"Run {summary.run} cannot be explained: nothing of it is in the ledger, which has the"
            " calls of each run that was executed since there is one."
        ).with_next(history)
    try:
        recipe = Recipe.model_validate(summary.recipe, context=ACCEPTED_BEFORE)
    except ValidationError as error:
        raise NotebakeError(
            f"Run {summary.run} cannot be explained: its recipe in the record is of another"
            f" version of notebake. {error.errors()[0]['msg']}"
        ).with_next(history) from error
    store = open_store(location)
    log = store.read(f"{summary.run}/log.txt")
    paths = {role: store.local_path(f"{summary.run}/keys/{role}") for role in KEYS}
    return RunFacts(
        summary=summary,
        recipe=recipe,
        calls=tuple(read_calls(recorded.entries)),
        steps=_steps(recorded.entries),
        texts=_texts_of_recipe(summary.run, store),
        volume_ids={
            found["name"]: found["id"]
            for found in MOUNTED.finditer(log.content.decode(errors="replace") if log else "")
        },
        key_paths={role: str(path) for role, path in paths.items() if path and path.exists()},
        ended_ids=tuple(
            str(entry.body.get("instance"))
            for entry in recorded.entries
            if entry.kind == STATE and entry.body.get("state") == "terminated"
        ),
        public_keys={
            digest_of_value(path.with_suffix(".pub").read_bytes().strip()): f"fileb://{path}.pub"
            for path in paths.values()
            if path and path.with_suffix(".pub").exists()
        },
        locks_place=store.where(f"{summary.run}/locks"),
    )


def _texts_of_recipe(run_id: str, store: RunStore) -> tuple[str, ...]:
    try:
        return tuple(texts_of(load_run(run_id, store).recipe.model_dump(mode="json")))
    except (RecipeError, RunStoreError):
        return ()  # the run's own files are gone, or of another version


def _steps(entries: Iterable[Entry]) -> dict[str, StepFact]:
    """Return the last outcome of each step, and whether it was undone afterwards."""
    found: dict[str, StepFact] = {}
    for entry in entries:
        if entry.kind != STEP:
            continue
        body, detail = entry.body, entry.body.get("detail") or {}
        name, happening = str(body.get("step", "")), str(body.get("happening", ""))
        if happening == "undone" and name in found:
            found[name] = found[name].model_copy(update={"is_undone": True})
            continue
        is_known = name in found and found[name].happening == "done" and not found[name].is_undone
        if happening == "found" and is_known:
            continue  # a resumed run has found what it had made
        result = str(detail.get("result", ""))
        found[name] = StepFact(
            happening=happening,
            result="" if DIGEST.fullmatch(result) else result,
            message=str(detail.get("message", "")),
            seconds=body.get("seconds"),
        )
    return found
