"""The prune and the catalogue as schedules start them: dry unless told, and shown in the UI."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.client.orchestration import get_client

from flows.catalogue import catalogue
from flows.prune_images import prune_images
from notebake.errors import NotebakeError
from tests.cloud_world import REGION, RefusedCall
from tests.prune_world import OCEAN, PruneWorld, prune_world
from tests.recipe_text import dump_recipe

pytestmark = pytest.mark.usefixtures("prefect_server")
PROJECT = Path(__file__).parents[2]


@pytest.fixture
def here(tmp_path: Path) -> Iterator[PruneWorld]:
    with prune_world(tmp_path) as opened:
        yield opened


@pytest.fixture
def path(tmp_path: Path) -> str:
    found = tmp_path / "ocean.yaml"
    found.write_text(dump_recipe(OCEAN))
    return str(found)


def run_prune(path: str, world: PruneWorld, *, apply: bool = False) -> Any:
    """Return the final state of the flow."""
    return prune_images(recipes=[path], apply=apply, store=world.location, return_state=True)


def run_catalogue(location: str) -> Any:
    """Return the final state of the flow."""
    return catalogue(regions=[REGION], store=location, return_state=True)


def artifact(key: str) -> str:
    """Return the newest content of an artifact."""
    from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey

    wanted = ArtifactFilter(key=ArtifactFilterKey(any_=[key]))
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(artifact_filter=wanted)
    return str(max(found, key=lambda each: str(each.created)).data)


def test_the_flow_shows_the_plan_and_changes_nothing_unless_told(
    here: PruneWorld, path: str
) -> None:
    kept = [here.image(days) for days in (2, 3)]
    old = here.image()

    dry = run_prune(path, here)

    assert dry.is_completed()
    assert dry.message == "3 images in us-west-2: deprecate 1, 2 stay"
    assert here.region.images[old].deprecation_time is None
    text = artifact("prune")
    assert f"| `{old}` | ocean | 100 d |" in text
    assert f"| `{kept[0]}` | ocean | 2 d |" in text
    assert "## Done" not in text

    done = run_prune(path, here, apply=True)

    assert done.message == "3 images in us-west-2: deprecated 1, 2 stay"
    assert here.region.images[old].deprecation_time
    assert f"- deprecated {old}" in artifact("prune")


def test_what_is_retired_is_announced_once(
    here: PruneWorld, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, str]] = []

    def listen(event: str, _: str, *, subject: str, lines: list[str], press: str) -> None:
        told.append((event, "\n".join((subject, *lines, press))))

    monkeypatch.setattr("flows.prune_images.announce", listen)
    for days in (2, 3):
        here.image(days)
    assert run_prune(path, here).is_completed()
    assert told == [], "all of them stay"

    old = here.image()
    assert run_prune(path, here).is_completed()
    assert run_prune(path, here, apply=True).is_completed()

    assert [event for event, _ in told] == ["notebake.image.retiring"] * 2
    assert f"deprecate {old} in us-west-2: " in told[0][1]
    assert "--apply" in told[0][1]
    assert "deprecated 1" in told[1][1]


def test_the_flow_fails_if_ec2_refuses(here: PruneWorld, path: str) -> None:
    for days in (2, 3, 100):
        here.image(days)
    refused = RefusedCall("EnableImageDeprecation", "UnauthorizedOperation", status=403)
    with (
        here.world.intercepting(refused),
        pytest.raises(NotebakeError, match="The prune left 1 undone"),
    ):
        prune_images(recipes=[path], apply=True, store=here.location)

    assert refused.fired == 1
    assert "- failed: " in artifact("prune")


def test_what_could_not_be_read_stands_in_the_message(here: PruneWorld, path: str) -> None:
    for days in (2, 3, 100):
        here.image(days)
    refused = RefusedCall("DescribeImageReferences", "UnauthorizedOperation", status=403)
    with here.world.intercepting(refused):
        state = run_prune(path, here, apply=True)

    assert refused.fired == 1
    assert "3 stay; not known: " in str(state.message)


def test_the_catalogue_is_an_artifact(here: PruneWorld) -> None:
    image_id = here.image(2)
    here.point(image_id)

    state = run_catalogue(here.location)

    assert state.message == "1 image, 1 current, about $0.30 a month at most"
    text = artifact("catalogue")
    assert "## ocean\n" in text
    assert re.search(
        rf"\| `{image_id}` \| ocean-[0-9a-f-]+ \| 2 d \| 6.0 \| .* \| current \|", text
    )


def test_the_catalogue_links_to_the_console_and_to_flow_runs(
    here: PruneWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows import catalogue_markdown

    image_id = here.image(2)
    run_id = here.region.tags_of(image_id)["notebake:run"]
    here.store.write(
        f"{run_id}/run.json",
        b'{"id": "%s", "recipe_path": "x", "created": "2026-11-23T12:00:00Z",'
        b' "notebake_version": "1", "flow_run_id": "0123"}' % run_id.encode(),
    )
    address = f"https://console.aws.amazon.com/ec2/home?region={REGION}#ImageDetails:imageId="
    monkeypatch.setattr(
        catalogue_markdown, "console_address", lambda image_id, _: f"{address}{image_id}"
    )

    here.image(2, recipe="tides", marks={"notebake:run": "no|run"})

    catalogue(regions=[REGION], store=here.location)

    text = artifact("catalogue")
    assert f"[{image_id}]({address}{image_id})" in text
    assert f"[{run_id}](/runs/flow-run/0123)" in text


def test_the_catalogue_says_what_it_does_not_know(here: PruneWorld) -> None:
    here.image(2)

    state = run_catalogue("s3://nobody-has-this/x")

    assert state.is_completed()
    assert "; not known: which images are current, held or revoked: " in str(state.message)


@pytest.mark.parametrize(
    ("name", "entrypoint"),
    [
        ("prune", "flows/prune_images.py:prune_images"),
        ("catalogue", "flows/catalogue.py:catalogue"),
    ],
)
def test_the_deployments_are_dry_and_their_schedules_are_paused(name: str, entrypoint: str) -> None:
    deployments = yaml.safe_load((PROJECT / "prefect.yaml").read_text())["deployments"]
    (mine,) = [each for each in deployments if each["name"] == name]
    parameters: dict[str, Any] = mine["parameters"]

    assert mine["entrypoint"] == entrypoint
    assert parameters.get("apply", False) is False
    assert [schedule["active"] for schedule in mine["schedules"]] == [False]
