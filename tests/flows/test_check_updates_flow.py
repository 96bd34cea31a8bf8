"""The check for updates as the Prefect UI or a schedule starts it."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.sorting import ArtifactSort

from flows.check_updates import check_updates
from notebake.errors import RecipeError
from notebake.images.updates import tools
from notebake.project import PROJECT
from tests import recorded_runs as runs
from tests.cloud_world import RECIPE, CloudWorld
from tests.recipe_text import dump_recipe
from tests.update_images import CODE, place_of, store_image

pytestmark = pytest.mark.usefixtures("prefect_server", "world")
PLAIN = RECIPE.model_copy(update={"volumes": ()})


@pytest.fixture(autouse=True)
def _code_of_today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "code_version", lambda: CODE)


def run_flow(directory: Path) -> Any:
    """Return the final state of the flow."""
    path = directory / "ocean.yaml"
    path.write_text(dump_recipe(PLAIN))
    return check_updates(str(path), store=place_of(directory), return_state=True)


def artifact() -> str:
    """Return the text of the newest artifact of the flow."""
    with get_client(sync_client=True) as client:
        wanted = ArtifactFilter(key=ArtifactFilterKey(any_=["updates-of-ocean-in-us-west-2"]))
        found = client.read_artifacts(artifact_filter=wanted, sort=ArtifactSort.CREATED_DESC)
    return str(found[0].data)


def test_the_state_names_the_causes_and_the_artifact_has_the_changes(tmp_path: Path) -> None:
    store_image(place_of(tmp_path), PLAIN)

    state = run_flow(tmp_path)

    assert state.is_completed()
    assert state.message.startswith("2 causes changed: base image, repository; not checked: sec")
    shown = artifact()
    assert shown.startswith("# ocean in us-west-2")
    assert f"| AMI | {runs.BASE_IMAGE} | ami-" in shown
    assert "## Recipe: unchanged" in shown
    (kept,) = Path(place_of(tmp_path)).glob("checks/ocean/*.json")
    assert str(kept) in shown


def test_nothing_to_compare_with_is_no_failure(tmp_path: Path, world: CloudWorld) -> None:
    state = run_flow(tmp_path)

    assert state.is_completed()
    assert state.message == "nothing to compare with: no image of ocean was accepted"
    assert world.actions() == []


def test_a_wrong_recipe_fails_the_flow_run(tmp_path: Path) -> None:
    path = tmp_path / "ocean.yaml"
    path.write_text("name: [")

    with pytest.raises(RecipeError):
        check_updates(str(path), store=place_of(tmp_path))


def test_the_deployment_has_a_weekly_schedule_that_waits_until_somebody_wants_it() -> None:
    deployments = yaml.safe_load((PROJECT / "prefect.yaml").read_text())["deployments"]
    (mine,) = [deployment for deployment in deployments if deployment["name"] == "check-updates"]

    assert mine["entrypoint"] == "flows/check_updates.py:check_updates"
    assert (PROJECT / mine["parameters"]["recipe"]).exists()
    assert [(each["timezone"], each["active"]) for each in mine["schedules"]] == [("UTC", False)]
