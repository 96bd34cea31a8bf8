"""Flow runs are named by their run and tagged; what a person has typed is kept."""

from pathlib import Path
from typing import Any

import pytest
from prefect import flow
from prefect.utilities.names import generate_slug

from flows.prefect_ui.flow_run_name import is_generated, name_flow_run, name_without_run
from notebake.recipe import Recipe
from notebake.recipe.award import Award
from notebake.runs import registry
from notebake.runs.open_store import open_store
from notebake.runs.run import Run
from tests.flows.ui import carried_out, now, started_in_ui

# Read off the two forms of the UI of prefect 3.8.8.
PREFILLED = (
    *("rho3-kitalpha", "nu5-alphecca-p", "zeta52-capricorni-vector", "iota-kiberia-y"),
    *("omicron311-morgan", "kappa2-largo-instability", "Sleek-a1B2c3", "Handmade-Xy12"),
)
TYPED = (
    *("Ocean fall class", "ocean", "alpha-test", "ocean-2026", "beta", "re-bake for Anna"),
    *("tear down", "small-fix", "rehearsal-20261130-011124-9b0a", "Ocean-Class-Fall", "42"),
)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    awards = (
        Award(number="OCE-1", purpose="the fleet", share=60),
        Award(number="EDU-2", purpose="the class", share=40),
    )
    recipe = Recipe(name="ocean", tags={"Project": "fleet"}, award=awards)
    return registry.new_run(recipe, "ocean.yaml", open_store(str(tmp_path / "runs")))


@flow(name="named")
def named(run_id: str, store: str) -> Any:
    name_flow_run(registry.load_run(run_id, open_store(store)), prefix="about ")


@flow(name="decided")
def decided(run_id: str, store: str, bakes: bool) -> Any:
    run = registry.load_run(run_id, open_store(store))
    if bakes:
        name_flow_run(run)
    else:
        name_without_run(run.recipe, "not decided")


@pytest.mark.parametrize("name", PREFILLED)
def test_a_name_that_the_form_has_filled_in_is_nobodys(name: str) -> None:
    assert is_generated(name)


def test_a_name_that_the_server_has_made_up_is_nobodys() -> None:
    slugs = {generate_slug(2) for _ in range(500)}

    assert len(slugs) > 400
    assert [slug for slug in slugs if not is_generated(slug)] == []


@pytest.mark.parametrize("name", TYPED)
def test_a_typed_name_is_somebodys(name: str) -> None:
    assert not is_generated(name)


@pytest.mark.usefixtures("prefect_server")
def test_a_flow_run_is_named_by_its_run_and_tagged(run: Run) -> None:
    flow_run = started_in_ui(named, run_id=run.id, store=run.store)

    carried_out(flow_run, named)

    assert now(flow_run).name == f"about {run.id}"
    tags = ["award:EDU-2", "award:OCE-1", "project:fleet", "recipe:ocean", f"run:{run.id}"]
    assert sorted(now(flow_run).tags) == tags


@pytest.mark.usefixtures("prefect_server")
def test_a_typed_name_is_kept_and_tags_are_added(run: Run) -> None:
    flow_run = started_in_ui(named, "Ocean fall class", run_id=run.id, store=run.store)

    carried_out(flow_run, named)

    assert now(flow_run).name == "Ocean fall class"
    assert f"run:{run.id}" in now(flow_run).tags


@pytest.mark.usefixtures("prefect_server")
def test_a_flow_run_without_a_run_is_named_by_its_recipe_until_a_retry_has_one(run: Run) -> None:
    flow_run = started_in_ui(decided, run_id=run.id, store=run.store, bakes=False)
    carried_out(flow_run, decided)
    named_by_recipe = now(flow_run)

    again = named_by_recipe.model_copy(
        update={"parameters": {**flow_run.parameters, "bakes": True}}
    )
    carried_out(again, decided)

    tags = ["award:EDU-2", "award:OCE-1", "project:fleet", "recipe:ocean"]
    assert named_by_recipe.name == "ocean: not decided"
    assert sorted(named_by_recipe.tags) == tags
    assert now(flow_run).name == run.id
    assert sorted(now(flow_run).tags) == [*tags, f"run:{run.id}"]


@pytest.mark.usefixtures("prefect_server")
def test_a_typed_name_is_kept_without_a_run(run: Run) -> None:
    typed = "ocean for Anna"
    flow_run = started_in_ui(decided, typed, run_id=run.id, store=run.store, bakes=False)

    carried_out(flow_run, decided)

    assert now(flow_run).name == typed
