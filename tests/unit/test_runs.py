import re
import stat
import threading
from pathlib import Path

import pytest

from notebake.errors import RecipeError, RunStoreError
from notebake.recipe import Recipe, Software
from notebake.recipe.file import parse_recipe
from notebake.runs.events import list_events, record_outcome
from notebake.runs.files import file_path, get_file, put_file
from notebake.runs.idempotency import bump_epoch, client_token, epoch, remember
from notebake.runs.open_store import open_store
from notebake.runs.registry import (
    list_runs,
    load_begun_run,
    load_run,
    new_run,
    read_header,
    update_recipe,
)
from notebake.runs.run import Run
from notebake.store.interface import RunStore

RECIPE = Recipe(name="ocean", description="Wellen, Strömung", tags={"Owner": "ada"})
CHANGED = RECIPE.model_copy(update={"software": Software(packages=("xarray",))})


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return open_store(str(tmp_path))


@pytest.fixture
def run(store: RunStore) -> Run:
    return new_run(RECIPE, "deployments/ocean.yaml", store)


def test_a_stored_run_loads_as_it_was_created(run: Run, store: RunStore) -> None:
    assert re.fullmatch(r"ocean-\d{8}-\d{6}-[0-9a-f]{4}", run.id)
    assert load_run(run.id, store) == run
    header = read_header(run)
    assert header.recipe_path == "deployments/ocean.yaml"
    assert list_runs(store) == [header]


def test_every_recipe_field_survives_the_store(store: RunStore) -> None:
    rich = Recipe.model_validate(
        {
            "name": "full",
            "network": {"ssh_from": ["192.0.2.0/24"], "address": "private"},
            "encryption": {"mode": "kms", "kms_key_id": "alias/images"},
            "volumes": [{"name": "data", "mount_point": "/data", "in_image": False}],
            "instance_store": {},
            "software": {"manager": "conda", "python": "3.12", "packages": ["xarray=2026.1"]},
            "repository": {"url": "https://example.org/ocean.git", "ref": "1e5"},
            "notebook": {"path": "a b.ipynb", "parameters": {"year": 2020, "on": True, "x": "no"}},
            "lease_hours": 0.5,
            "tags": {"Date": "2026-11-23", "Note": "two\nlines: #1"},
        }
    )
    run = new_run(rich, "full.yaml", store)
    assert load_run(run.id, store).recipe == rich
    kept = store.read(f"{run.id}/recipes/0001.yaml")
    assert kept is not None
    assert b"jupyter_port: 8887" in kept.content, "defaults are kept as they were"


def test_runs_created_at_once_have_distinct_ids(store: RunStore) -> None:
    begun = [new_run(RECIPE, "ocean.yaml", store).id for _ in range(5)]
    assert sorted(header.id for header in list_runs(store)) == sorted(begun)
    assert len(set(begun)) == 5


def test_an_explicit_run_id_can_be_used_once(store: RunStore) -> None:
    assert new_run(RECIPE, "ocean.yaml", store, run_id="run-1").id == "run-1"
    with pytest.raises(RunStoreError, match="already"):
        new_run(RECIPE, "ocean.yaml", store, run_id="run-1")


def test_an_interrupted_creation_of_a_run_can_be_repeated(store: RunStore) -> None:
    run = new_run(RECIPE, "ocean.yaml", store, run_id="run-1")
    store.delete("run-1/run.json")
    assert list_runs(store) == []
    assert new_run(CHANGED, "ocean.yaml", store, run_id="run-1").recipe == CHANGED
    assert load_run(run.id, store).recipe == CHANGED
    assert [header.id for header in list_runs(store)] == ["run-1"]


def test_a_run_that_goes_on_has_its_header(run: Run, store: RunStore) -> None:
    header = read_header(run)
    assert load_begun_run(run.id, store) == run
    assert read_header(run) == header, "what is there stays"
    store.delete(f"{run.id}/run.json")
    with pytest.raises(RunStoreError, match=r"run\.json") as caught:
        read_header(run)
    assert f"notebake resume {run.id}" in str(caught.value)

    assert load_begun_run(run.id, store, "mended.yaml") == run

    assert [found.id for found in list_runs(store)] == [run.id]
    assert read_header(run).recipe_path == "mended.yaml"


def test_an_unknown_run_id_suggests_similar_ones(run: Run, store: RunStore) -> None:
    with pytest.raises(RunStoreError, match="There is no run") as caught:
        load_run(run.id[:-1], store)
    assert run.id in caught.value.hint


@pytest.mark.parametrize("run_id", ["", "../ocean", "Ozean heute", "nothing-like-it"])
def test_an_invalid_run_id_is_an_unknown_run(store: RunStore, run_id: str) -> None:
    with pytest.raises(RunStoreError, match="There is no run"):
        load_run(run_id, store)


def test_a_changed_recipe_becomes_a_new_version(run: Run, store: RunStore) -> None:
    assert update_recipe(run, RECIPE) == run
    assert update_recipe(run, CHANGED).recipe == CHANGED
    assert update_recipe(run, CHANGED).recipe == CHANGED
    assert load_run(run.id, store).recipe == CHANGED
    assert store.list(f"{run.id}/recipes/") == [
        f"{run.id}/recipes/0001.yaml",
        f"{run.id}/recipes/0002.yaml",
    ]


def test_what_a_later_version_would_refuse_is_resumed_with_a_corrected_recipe(
    run: Run, store: RunStore
) -> None:
    refused = "software: {packages: [sklearn]}\nrepository: {url: https://github.com/a/b/tree/x}\n"
    with pytest.raises(RecipeError, match="sklearn"):
        parse_recipe(f"name: ocean\n{refused}", "ocean.yaml")
    assert store.create(f"{run.id}/recipes/0002.yaml", f"name: ocean\n{refused}".encode())

    assert load_run(run.id, store).recipe.software.packages == ("sklearn",)
    assert update_recipe(run, CHANGED).recipe == CHANGED
    assert load_begun_run(run.id, store).recipe == CHANGED


def test_a_stored_recipe_is_read_as_it_was_typed(run: Run, store: RunStore) -> None:
    typed = b"name: ocean\naward: {number: OCE-1, purpose: a class}\n"
    assert store.create(f"{run.id}/recipes/0002.yaml", typed)

    assert [award.number for award in load_run(run.id, store).recipe.award] == ["OCE-1"]


@pytest.mark.parametrize("change", [{"name": "sea"}, {"region": "eu-central-1"}])
def test_a_recipe_for_another_place_is_refused(run: Run, change: dict[str, str]) -> None:
    with pytest.raises(RecipeError):
        update_recipe(run, RECIPE.model_copy(update=change))


def test_an_epoch_is_incremented_once_by_concurrent_writers(run: Run) -> None:
    assert epoch(run, "launch") == 0
    assert bump_epoch(run, "launch", 0) == 1
    assert bump_epoch(run, "launch", 0) == 1, "somebody else did it already"
    assert bump_epoch(run, "launch", 1) == 2
    assert bump_epoch(run, "launch", 5) == 2
    assert epoch(run, "launch") == 2
    assert epoch(run, "bake") == 0


def test_a_retry_keeps_the_parameters_of_the_first_try(run: Run) -> None:
    first = {"ImageId": "ami-1", "UserData": "#!/bin/sh\necho ü\n", "Tags": ("a", 1, None)}
    kept = remember(run, "launch-0", first)
    assert kept == {**first, "Tags": ["a", 1, None]}
    assert remember(run, "launch-0", {"ImageId": "ami-2"}) == kept
    assert remember(run, "launch-1", {"ImageId": "ami-2"}) == {"ImageId": "ami-2"}
    assert list(remember(run, "launch-0", {})) == list(first), "in the same order"


def test_a_client_token_depends_on_each_part_and_fits_ec2_s_limit() -> None:
    tokens = [
        client_token("run-1", "launch", 0, "us-west-2a"),
        client_token("run-2", "launch", 0, "us-west-2a"),
        client_token("run-1", "accept", 0, "us-west-2a"),
        client_token("run-1", "launch", 1, "us-west-2a"),
        client_token("run-1", "launch", 0, "us-west-2b"),
    ]
    assert len(set(tokens)) == 5
    assert all(len(token) <= 64 and token.isascii() for token in tokens)
    assert client_token("run-1", "launch", 0, "us-west-2a") == tokens[0]


def test_events_are_kept_in_order(run: Run) -> None:
    record_outcome(run, "launch", "failed", detail={"message": "no room"})
    record_outcome(run, "launch", "done", seconds=1.5, detail={"instance": "i-1"})
    record_outcome(run, "bake", "found")
    assert [(event.step, event.happening) for event in list_events(run)] == [
        ("launch", "failed"),
        ("launch", "done"),
        ("bake", "found"),
    ]
    assert [event.detail for event in list_events(run)][:2] == [
        {"message": "no room"},
        {"instance": "i-1"},
    ]
    assert list_events(run)[1].seconds == 1.5


def test_no_writer_overwrites_the_event_of_another(run: Run) -> None:
    def write(step: str) -> None:
        for _ in range(5):
            record_outcome(run, step, "done")

    threads = [threading.Thread(target=write, args=(f"step-{number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    steps = [event.step for event in list_events(run)]
    assert {step: steps.count(step) for step in steps} == {f"step-{n}": 5 for n in range(6)}


def test_a_private_key_is_a_private_file(run: Run) -> None:
    path = put_file(run, "keys/builder", b"secret")
    assert path is not None
    assert path == file_path(run, "keys/builder")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert get_file(run, "keys/builder") == b"secret"
    assert get_file(run, "keys/other") is None


@pytest.mark.parametrize("name", ["run.json", "events/000001.json", "../other/run.json", ".x"])
def test_a_file_cannot_replace_the_run_s_own_records(run: Run, name: str) -> None:
    with pytest.raises(RunStoreError):
        put_file(run, name, b"")
