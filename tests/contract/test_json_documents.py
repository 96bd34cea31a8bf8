"""The JSON output of images, survey, sweep and plan: the documented fields, null for unknown."""

from pathlib import Path

import pytest

from notebake.aws import tagging, tags
from notebake.images.image_state import current_image
from notebake.resources import stack_instances
from notebake.runs.run import Run
from tests.cloud_steps import carry_out_to
from tests.cloud_world import RECIPE, REGION, CloudWorld, RefusedCall
from tests.json_documents import document, is_utc_time
from tests.leftovers import add_tags, expire_lease, resource_ids, resources_of
from tests.recipe_text import dump_recipe


@pytest.fixture
def run(world: CloudWorld) -> Run:
    return world.new_run()


def test_images_tell_whether_and_when_they_were_accepted(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    nothing = {"region": REGION, "images": [], "loose_snapshots": [], "missing": []}
    assert document(["images", "--region", REGION], capsys) == nothing
    carry_out_to(run, "wait_for_image")
    image = current_image(run)
    assert image is not None

    (row,) = document(["images"], capsys)["images"]
    assert (row["image_id"], row["run_id"], row["name"]) == (image.id, run.id, image.name)
    assert (row["is_accepted"], row["accepted_at"]) == (False, None)
    assert is_utc_time(row["made_at"])

    tagging.add_tags(REGION, [image.id], {tags.ACCEPTED: "2026-11-23T14:00:00+02:00"})
    (row,) = document(["images"], capsys)["images"]
    assert (row["is_accepted"], row["accepted_at"]) == (True, "2026-11-23T12:00:00+00:00")


def test_a_survey_lists_removability_expiry_and_cost(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    carry_out_to(run, "launch_instance")
    add_tags(resources_of(run, "key pair")[0].id, keep="mine")
    builder = stack_instances.find_builder(run)
    assert builder is not None

    found = document(["--store", run.store, "survey", run.id], capsys)

    by_kind = {row["kind"]: row for row in found["resources"]}
    machine = by_kind["instance"]
    assert (machine["id"], machine["run_id"], machine["region"]) == (builder.id, run.id, REGION)
    assert (machine["ownership"], machine["may_go"]) == ("ours", False)
    assert machine["reason_to_stay"] == "still within its lease"
    assert is_utc_time(machine["expires_at"])
    assert machine["cost_usd_per_month"] > 1
    assert by_kind["key pair"]["expires_at"] is None
    assert found["cost_usd_per_month"] == sum(
        row["cost_usd_per_month"] for row in found["resources"]
    )
    assert found["regions"] == [REGION]


def test_an_unknown_price_is_null_and_so_is_the_sum(
    run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    carry_out_to(run, "launch_instance")
    monkeypatch.setattr("notebake.costs.monthly.find_prices", lambda _region: None)

    found = document(["survey"], capsys)

    costs = {row["kind"]: row["cost_usd_per_month"] for row in found["resources"]}
    assert costs["volume"] is None
    assert costs["key pair"] == 0.0, "that it costs nothing is known"
    assert found["cost_usd_per_month"] is None


def test_an_empty_survey_is_a_document(
    world: CloudWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    assert document(["survey", "--region", REGION], capsys)["resources"] == []

    with world.intercepting(RefusedCall("DescribeImages", "UnauthorizedOperation", status=403)):
        found = document(["survey"], capsys, code=1)
    assert [message.partition(":")[0] for message in found["unanswered"]] == [REGION]


def test_a_dry_sweep_removes_nothing_and_an_applied_one_lists_what_it_removed(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    carry_out_to(run, "launch_instance")
    expire_lease(run)
    there = set(resource_ids(resources_of(run)))

    dry = document(["sweep"], capsys)
    assert {row["id"] for row in dry["resources"] if row["may_go"]} == there
    assert (dry["removed"], dry["remaining"]) == ([], [])
    assert set(resource_ids(resources_of(run))) == there

    swept = document(["--store", run.store, "sweep", "--apply"], capsys)
    assert set(swept["removed"]) == there
    assert resources_of(run) == []


def test_an_incomplete_sweep_lists_what_remains_and_fails(
    world: CloudWorld, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    carry_out_to(run, "launch_instance")
    expire_lease(run)

    with world.intercepting(RefusedCall("DeleteKeyPair", "UnauthorizedOperation", status=403)):
        swept = document(["--store", run.store, "sweep", "--apply"], capsys, code=1)

    assert swept["remaining"] == [resources_of(run, "key pair")[0].id]


@pytest.mark.usefixtures("world")
def test_a_plan_lists_findings_and_costs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "ocean.yaml"
    path.write_text(dump_recipe(RECIPE))

    planned = document(["plan", str(path)], capsys)
    assert planned["can_be_built"]
    assert {finding["verdict"] for finding in planned["findings"]} <= {"good", "not_checked"}
    assert planned["build_cost_usd"] == sum(line["cost_usd"] for line in planned["build_costs"])

    path.write_text(dump_recipe(RECIPE.model_copy(update={"instance_types": ("x9.none",)})))
    planned = document(["plan", str(path)], capsys, code=1)
    assert not planned["can_be_built"]
    assert "x9.none" in str(
        [finding for finding in planned["findings"] if finding["verdict"] == "wrong"]
    )
    assert planned["build_cost_usd"] is None, "what a machine of no known type costs is not known"
