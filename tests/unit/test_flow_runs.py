"""Which run belongs to a flow run of Prefect."""

import threading
from pathlib import Path

import pytest

from notebake.errors import RecipeError
from notebake.recipe.file import load_recipe
from notebake.runs.flow_runs import choose_run_id, open_flow_run
from notebake.runs.open_store import open_store
from notebake.runs.registry import list_runs, read_header
from notebake.store.interface import RunStore

# Two of version 7, made within a minute: what comes first in them is the time.
FIRST = "019acd53-7b1e-7c3a-9d55-3f6c1a2b4d5e"
SECOND = "019acd53-9f02-7e41-8a17-c0ffee012345"


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return open_store(str(tmp_path / "runs"))


@pytest.fixture
def recipe(tmp_path: Path) -> str:
    path = tmp_path / "ocean.yaml"
    path.write_text("name: ocean\n")
    return str(path)


def test_flow_runs_of_the_same_minute_are_separate_runs(store: RunStore, recipe: str) -> None:
    first, second = (open_flow_run(flow_run_id, recipe, store) for flow_run_id in (FIRST, SECOND))

    assert FIRST[:8] == SECOND[:8]
    assert first.id != second.id
    assert {run.flow_run_id for run in list_runs(store)} == {FIRST, SECOND}


def test_a_run_is_named_as_on_the_command_line_and_keeps_its_flow_run(
    store: RunStore, recipe: str
) -> None:
    run = open_flow_run(FIRST, recipe, store)

    name, day, second, tail = run.id.split("-")
    assert (name, len(day), len(second), len(tail)) == ("ocean", 8, 6, 4)
    assert read_header(run).flow_run_id == FIRST


def test_a_retry_finds_its_run_and_uses_the_changed_recipe(store: RunStore, recipe: str) -> None:
    run = open_flow_run(FIRST, recipe, store)
    Path(recipe).write_text("name: ocean\nlease_hours: 2\n")

    again = open_flow_run(FIRST, recipe, store)

    assert again.id == run.id
    assert again.recipe.lease_hours == 2
    assert open_flow_run(FIRST, "", store) == again
    assert len(list_runs(store)) == 1


def test_concurrent_starts_of_one_flow_run_share_one_run(store: RunStore, recipe: str) -> None:
    count = 8
    start, found = threading.Barrier(count), []

    def begin() -> None:
        start.wait()
        found.append(open_flow_run(FIRST, recipe, store).id)

    threads = [threading.Thread(target=begin) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == count
    assert len(set(found)) == 1
    assert [run.id for run in list_runs(store)] == found[:1]


def test_a_kill_between_naming_and_creating_the_run_keeps_the_name(
    store: RunStore, recipe: str
) -> None:
    chosen = choose_run_id(FIRST, load_recipe(Path(recipe)), store)

    assert list_runs(store) == []
    assert open_flow_run(FIRST, recipe, store).id == chosen


@pytest.mark.parametrize("is_given", [True, False])
def test_a_kill_while_the_run_begins_is_mended_by_the_retry(
    store: RunStore, recipe: str, *, is_given: bool
) -> None:
    run = open_flow_run(FIRST, recipe, store)
    store.delete(f"{run.id}/run.json")

    assert open_flow_run(FIRST, recipe if is_given else "", store) == run

    assert [header.flow_run_id for header in list_runs(store)] == [FIRST]


def test_a_flow_run_without_recipe_and_run_says_what_to_give(store: RunStore) -> None:
    with pytest.raises(RecipeError, match="Neither a recipe nor a run"):
        open_flow_run(FIRST, "", store)
