"""One command bakes an image, says what it proved, and leaves nothing else."""

import json
from pathlib import Path

import pytest
import yaml

from tests.sandbox.bakery import Bakery
from tests.sandbox.conftest import FIELD, Baked

pytestmark = pytest.mark.sandbox


def image_of(bakery: Bakery, baked: Baked) -> str:
    wanted = [{"Name": "tag:notebake:run", "Values": [baked.run.id]}]
    images = bakery.cloud.ec2().describe_images(Owners=["self"], Filters=wanted)["Images"]
    assert [image["State"] for image in images] == ["available"]
    return str(images[0]["ImageId"])


def test_one_command_bakes_an_accepted_image(bakery: Bakery, baked: Baked) -> None:
    assert baked.done.exit_code == 0
    assert f"Image {image_of(bakery, baked)} is accepted" in baked.done.text
    assert "nothing was found" in baked.done.text
    assert "The volumes are mounted: /data, /old." in baked.done.text
    assert "\x1b" not in baked.done.printed, "no control codes in a pipe"


def test_everything_named_by_the_report_exists(baked: Baked) -> None:
    for name in ("notebook/executed.ipynb", "notebook/executed.html"):
        assert f"{baked.run.path / name}\n" in baked.done.printed, "a path stays one line"
    for name in (
        "acceptance-1/executed.ipynb",
        "acceptance-2/executed.html",
        "locks/apt-packages.json",
        "locks/apt-sources.json",
        "locks/python.json",
        "locks/requirements.txt",
        "notebook/executed.html",
        "notebook/executed.ipynb",
        "proof.json",
    ):
        assert (baked.run.path / name).stat().st_size > 0
    readable = [path for path in baked.run.path.rglob("*") if path.stat().st_mode & 0o077]
    assert readable == [], "what a run keeps is its owner's alone"


def test_prefect_says_what_was_made(bakery: Bakery, baked: Baked) -> None:
    runs = bakery.prefect("/flow_runs/filter")
    (made,) = (each for each in runs if each["parameters"].get("run_id") == baked.run.id)
    artifacts = bakery.prefect("/artifacts/filter")

    assert made["state"]["type"] == "COMPLETED"
    assert made["state"]["message"].startswith(f"{image_of(bakery, baked)} accepted, ")
    (report,) = (each for each in artifacts if each["flow_run_id"] == made["id"])
    assert "## What was proven" in report["data"]


def test_only_the_image_and_its_snapshots_are_left(bakery: Bakery, baked: Baked) -> None:
    assert sorted(baked.run.resources()) == ["image", "snapshot", "snapshot", "snapshot"]
    survey = bakery.notebake("survey", baked.run.id)
    assert survey.exit_code == 0
    stays = survey.printed.partition("Stays: accepted")[2]
    assert [stays.count(kind) for kind in ("  image ", "  snapshot ")] == [1, 3], survey.printed
    ids = {name.partition("-")[2] for name in bakery.cloud.running()}
    assert [name for name in ids if name in baked.done.printed] == [], "no machine of the run"


def test_an_update_right_after_the_bake_makes_no_machine(bakery: Bakery, baked: Baked) -> None:
    recipe = yaml.safe_load((bakery.folder / "plain.yaml").read_text())
    recipe["rebake"] = {"on": ["base", "repository"], "cooldown_days": 0}
    path = bakery.folder / "updated.yaml"
    path.write_text(yaml.safe_dump(recipe))
    before = len(bakery.cloud.all_calls())
    kept = {*bakery.store.glob("checks/plain/*.json")}

    name, message = bakery.update(path)

    assert name == "Completed", message
    # Others may publish packages meanwhile, which do not count here.
    assert message.startswith((f"nothing changed since {image_of(bakery, baked)}", "changed, but"))
    (evidence,) = {*bakery.store.glob("checks/plain/*.json")} - kept
    assert message.endswith(f"Kept as {evidence}")
    actions = [call["action"] for call in bakery.cloud.all_calls()[before:]]
    assert 0 < len(actions) <= 20
    assert [each for each in actions if not each.startswith(("Describe", "Get"))] == []
    assert bakery.run_of("plain").id == baked.run.id, "no other run was begun"


def test_a_check_right_after_the_bake_finds_nothing_changed(bakery: Bakery, baked: Baked) -> None:
    done = bakery.notebake("check", str(bakery.folder / "plain.yaml"), "--json")
    found = json.loads(done.printed)

    assert (found["run_id"], found["image_id"]) == (baked.run.id, image_of(bakery, baked))
    assert found["image_state"] == "available"
    by_cause = {finding["cause"]: finding for finding in found["findings"]}
    same = {cause for cause in by_cause if by_cause[cause]["state"] == "unchanged"}
    assert {"base image", "repository", "recipe"} <= same
    # Others may publish packages meanwhile, or commit to notebake.
    assert [by_cause[cause]["changes"] for cause in (*sorted(same), "data")] == [[]] * (
        len(same) + 1
    )
    packages = ("security", "system", "direct", "transitive")
    assert [by_cause[cause]["how"] for cause in packages if not by_cause[cause]["how"]] == []
    # Its server has gone, but what it said of the file was kept.
    assert "does not answer" in by_cause["data"]["reason"]
    (kept,) = json.loads((baked.run.path / "datasets.json").read_text())["sources"]
    assert (kept["name"], kept["size"]) == ("field", len(FIELD))
    assert Path(found["kept_at"]).parent == bakery.store / "checks/plain"
    assert Path(found["kept_at"]).is_file()
