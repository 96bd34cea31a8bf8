"""Accepted images as the run store knows them, for checks for updates."""

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from notebake.images.updates.current import CurrentImage
from notebake.ledger import kinds
from notebake.ledger.closing import close_if_finished
from notebake.ledger.entry import hash_of
from notebake.ledger.summary import Execution, StoredFile, Summary
from notebake.local.code_version import CodeVersion
from notebake.recipe import Recipe
from notebake.runs import registry
from notebake.runs.open_store import open_store
from notebake.runs.run_record import record_place
from tests import recorded_runs as runs

NOON = datetime.datetime(2026, 11, 29, 12, 30, tzinfo=datetime.UTC)
CODE = CodeVersion(version="1.0", commit="c0ffee" * 6 + "c0ff", is_modified=False)
PAPERMILL = b"ipykernel==7.1.0\npapermill==2.6.0\n"


def current_image(
    recipe: Recipe,
    store: str = "",
    *,
    run_id: str = runs.RUN,
    base: str = runs.BASE_IMAGE,
    commit: str = runs.COMMIT,
    code: Mapping[str, Any] | None = None,
    files: Mapping[str, bytes] | None = None,
) -> CurrentImage:
    """Return an image that was made of a recipe, and store what its run has kept."""
    contents = {"locks/papermill.txt": PAPERMILL} if files is None else files
    for name, content in contents.items() if store else ():
        open_store(store).write(f"{run_id}/{name}", content)
    stored = [
        StoredFile(name=name, size=len(content), sha256=hash_of(content), at="")
        for name, content in contents.items()
    ]
    made_by = CODE.model_dump() if code is None else dict(code)
    summary = Summary(
        run=run_id,
        recipe_name=recipe.name,
        recipe=recipe.model_dump(mode="json"),
        base_image=base,
        commit=commit,
        executions=(Execution(id="e-1", who="p-ada", began="", code=made_by),),
        files=tuple(stored),
    )
    return CurrentImage(summary=summary, image_id=runs.IMAGE, accepted=NOON, store=store)


def store_image(
    store: str,
    recipe: Recipe = runs.RECIPE,
    *,
    run_id: str = "",
    image_id: str = runs.IMAGE,
    accepted: str = "2026-11-29T12:30:00+00:00",
    base: str = runs.BASE_IMAGE,
    files: Mapping[str, bytes] | None = None,
    is_sealed: bool = True,
) -> str:
    """Store a run with an accepted image, as a bake leaves it; return its id."""
    run = registry.new_run(recipe, "ocean.yaml", open_store(store), run_id=run_id)
    contents = {"locks/papermill.txt": PAPERMILL} | dict(files or {})
    happened = [
        runs.began(recipe),
        (kinds.EXECUTING, runs.executing()[1] | {"code": CODE.model_dump()}),
        *runs.call("RunInstances", runs.BUILDER, name="builder-1", ImageId=base),
        runs.step("clone_repository", result=runs.COMMIT),
    ]
    for name, content in contents.items():
        open_store(store).write(f"{run.id}/{name}", content)
        stored = {"name": name, "size": len(content), "sha256": hash_of(content)}
        happened.append((kinds.FILE, stored))
    happened += runs.call("CreateImage", image_id, name="image", InstanceId=runs.BUILDER)
    happened.append(runs.step("publish_image", result=image_id))
    if is_sealed:
        happened += [runs.outcome(image_id, accepted=accepted), runs.ended()]
    chain = runs.write(record_place(store), happened, run.id)
    assert bool(close_if_finished(chain)) == is_sealed
    return run.id


def place_of(directory: Path) -> str:
    """Return the location of a run store."""
    return str(directory / "runs")
