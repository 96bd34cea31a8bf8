"""Runs in the run store: begin a run, load it, update its recipe.

<run id>/run.json               the header of the run
<run id>/account.json           its AWS account (account)
<run id>/recipes/0001.yaml …    its recipe, and each later version of it
<run id>/lease.json             the run lock (lock_record)
<run id>/epochs, parameters     what makes creating calls repeatable (idempotency)
<run id>/attempts, events       what versions before the ledger recorded (attempt_store, events)
<run id>/keys                   private keys, or where they are (secret_store)
<run id>/<anything else>        files: executed notebooks, lock files, the log (files)
summaries/…                     rows of sealed runs, which only save reading (shared_rows)
record/<run id>/00000001.json … its entries in the ledger (run_record)
record/_seals/<run id>/…        copies of the entries that sealed it (notebake/ledger/chain)
"""

import datetime
import difflib
from collections.abc import Iterable

import yaml
from pydantic import ConfigDict

from notebake import installed_version
from notebake.errors import RecipeError, RunStoreError, resume
from notebake.recipe import Recipe
from notebake.recipe.file import BlockDumper, parse_stored_recipe
from notebake.record import Record, digest_of
from notebake.runs.open_store import open_store
from notebake.runs.reserved_ids import RESERVED_IDS
from notebake.runs.run import Run
from notebake.runs.run_id import is_run_id, make_run_id
from notebake.store.interface import KEY, RunStore

SHARED_STORE_HINT = (
    "A run is stored on the machine that started it. To resume a run from any machine, start and"
    " resume it with a run store on S3: notebake --store s3://BUCKET/PREFIX resume RUN"
)


class RunHeader(Record):
    """What is known of a run when it begins."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    recipe_path: str
    """As the user gave it; it may not exist on the machine that resumes the run."""
    created: datetime.datetime
    notebake_version: str
    flow_run_id: str = ""
    """The Prefect flow run that began it; "" for the command line."""


def new_run(
    recipe: Recipe,
    recipe_path: str,
    store: RunStore,
    *,
    run_id: str = "",
    flow_run_id: str = "",
) -> Run:
    """Begin a run and store its recipe; without `run_id` the run gets a new id.

    Raises:
        RunStoreError: a run with this id exists already, or the store uses the id itself.
    """
    if run_id in RESERVED_IDS:
        raise RunStoreError(f"A run cannot have the id {run_id}: the run store uses it itself.")
    while True:
        created = datetime.datetime.now(datetime.UTC)
        header = RunHeader(
            id=run_id or make_run_id(recipe.name, created),
            recipe_path=recipe_path,
            created=created,
            notebake_version=installed_version(),
            flow_run_id=flow_run_id,
        )
        run = Run(id=header.id, recipe=recipe, store=store.location)
        # The recipe is written first, so that each run that is listed can be loaded.
        is_new = store.create(f"{run.id}/recipes/0001.yaml", _text_of(recipe))
        if not is_new and run_id and store.read(f"{run.id}/run.json"):
            raise RunStoreError(f"Run {run_id} exists in {store.location} already.")
        if is_new or run_id:
            store.write(f"{run.id}/run.json", header.model_dump_json(indent=2).encode())
            # A process that was killed between the two writes may have left another recipe.
            return run if is_new else update_recipe(run, recipe)


def load_run(run_id: str, store: RunStore) -> Run:
    """Return the run with its latest recipe.

    Raises:
        RunStoreError: there is no such run; the hint names runs with similar ids.
    """
    versions = store.list(f"{run_id}/recipes/") if KEY.fullmatch(run_id) else []
    stored = store.read(versions[-1]) if versions else None
    if stored is None:
        known = sorted(list_run_ids(store), key=_time_in)
        near = difflib.get_close_matches(run_id, known, n=3, cutoff=0.4) or known[-3:]
        hint = f"Did you mean {' or '.join(near)}?" if near else "This run store has no runs."
        if store.local_path("run.json"):
            hint = f"{hint}\n{SHARED_STORE_HINT}"
        raise RunStoreError(f"There is no run {run_id} in {store.location}.", hint=hint)
    recipe = parse_stored_recipe(stored.content.decode(), versions[-1])
    return Run(id=run_id, recipe=recipe, store=store.location)


def has_begun(run_id: str, store: RunStore) -> bool:
    """Return whether a run has its header: a kill while it began may have left the recipe alone."""
    return bool(KEY.fullmatch(run_id) and store.read(f"{run_id}/run.json"))


def load_begun_run(
    run_id: str, store: RunStore, recipe_path: str = "", *, flow_run_id: str = ""
) -> Run:
    """Return the run with its latest recipe, to be executed; give it its header if it has none.

    Without that it would be listed nowhere, and what it makes would be nobody's.

    Raises:
        RunStoreError: there is no such run, or the store failed.
    """
    run = load_run(run_id, store)
    if has_begun(run_id, store):
        return run
    return new_run(run.recipe, recipe_path, store, run_id=run_id, flow_run_id=flow_run_id)


def _time_in(run_id: str) -> str:
    """Return the time in an id of ours, as text that sorts by it; "" in another id."""
    return "-".join(run_id.split("-")[-3:-1]) if is_run_id(run_id) else ""


def read_header(run: Run) -> RunHeader:
    """Return the header of the run."""
    stored = open_store(run.store).read(f"{run.id}/run.json")
    if stored is None:
        raise RunStoreError(
            f"The file run.json of run {run.id} is missing in {run.store}: it was killed while it"
            " began, before it made anything."
        ).with_next(resume(run.id))
    return RunHeader.model_validate_json(stored.content)


def list_run_ids(store: RunStore) -> list[str]:
    """Return the ids of all runs of the store, and of those whose beginning was interrupted."""
    names = (name for name in store.list_top_level() if KEY.fullmatch(name))
    return [name for name in names if name not in RESERVED_IDS]


def list_runs(store: RunStore, run_ids: Iterable[str] | None = None) -> list[RunHeader]:
    """Return all runs of the store, or those with these ids, oldest first."""
    names = list_run_ids(store) if run_ids is None else run_ids
    found = store.read_all(f"{name}/run.json" for name in names)
    headers = [RunHeader.model_validate_json(stored.content) for stored in found]
    return sorted(headers, key=lambda header: header.created)


def update_recipe(run: Run, recipe: Recipe) -> Run:
    """Return the run with this recipe; store it as a new version if it differs from the latest.

    Raises:
        RecipeError: the name or region changed, so the run's resources would not be found.
    """
    store = open_store(run.store)
    while True:
        latest = load_run(run.id, store)
        # A rebake keeps the date up to which it installs packages, and the image it starts from.
        recipe = recipe.with_rebake_of(latest.recipe)
        if digest_of(recipe) == digest_of(latest.recipe):
            return latest
        _check_same_place(latest, recipe)
        version = len(store.list(f"{run.id}/recipes/")) + 1
        if store.create(f"{run.id}/recipes/{version:04}.yaml", _text_of(recipe)):
            return latest.model_copy(update={"recipe": recipe})


def _check_same_place(run: Run, recipe: Recipe) -> None:
    for field in ("name", "region"):
        was, wanted = getattr(run.recipe, field), getattr(recipe, field)
        if was != wanted:
            raise RecipeError(
                f"Run {run.id} was started with {field} {was}; the recipe now has {wanted}.",
                hint="Tear this run down and start a new one.",
            )


def _text_of(recipe: Recipe) -> bytes:
    """Return the recipe with all defaults, as a later version may have other defaults."""
    plain = recipe.model_dump(mode="json")
    text = yaml.dump(plain, Dumper=BlockDumper, sort_keys=False, allow_unicode=True, width=100)
    return text.encode()
