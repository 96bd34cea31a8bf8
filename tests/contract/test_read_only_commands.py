"""Read-only commands make nothing in the cloud, whatever they find."""

import datetime
import re
from pathlib import Path

import pytest

from flows.cli.main import main
from notebake import clock
from notebake.aws import tagging, tags
from notebake.images.catalogue.list_images import list_images
from notebake.images.image_state import current_image
from notebake.images.updates.update_check import UpdateCheck, keep_check
from notebake.machines.failure_report import failure_report
from notebake.resources import stack_instances
from notebake.runs.run import Run
from notebake.timestamps import utc_from_seconds
from tests.cloud_steps import carry_out_to, undo_all
from tests.cloud_world import RECIPE, REGION, CloudWorld
from tests.recipe_text import dump_recipe

READING = ("Describe", "Get", "GET ", "HEAD ")


@pytest.fixture
def run(world: CloudWorld) -> Run:
    return world.new_run()


@pytest.fixture
def recipe_path(tmp_path: Path) -> str:
    path = tmp_path / "ocean.yaml"
    path.write_text(dump_recipe(RECIPE))
    return str(path)


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


def changing_calls(world: CloudWorld) -> list[str]:
    """Return the calls so far that did more than answer: what is only tried is never OK."""
    done = [call.action for call in world.sandbox.calls() if call.code == "OK"]
    return [action for action in done if not action.startswith(READING)]


def test_a_plan_prints_costs_and_makes_nothing(
    world: CloudWorld, recipe_path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", recipe_path]) == 0

    output = capsys.readouterr().out
    assert "account 123456789012" in output
    assert "builder: m5.large" in output
    assert "$" in output
    assert "Nothing was made" in output
    assert len(world.actions()) > 5
    assert changing_calls(world) == []


def test_a_plan_lists_all_problems_together(
    world: CloudWorld, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "ocean.yaml"
    path.write_text(
        "name: ocean\nroot_volume: {size_gib: 4}\ninstance_types: [t3.nano]\n"
        "repository: {url: 'https://127.0.0.1:9/nobody.git'}\n"
        "network: {ssh_from: [198.51.100.7/32]}\n"
    )

    assert main(["plan", str(path)]) == 1

    errors = " ".join(capsys.readouterr().err.split())
    for wrong in ("root_volume.size_gib is 4", "t3.nano has 512 MiB", "127.0.0.1:9/nobody.git"):
        assert wrong in errors
    assert changing_calls(world) == []


def test_a_survey_lists_resources_and_their_expiry(
    world: CloudWorld, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    carry_out_to(run, "launch_instance")
    builder = stack_instances.find_builder(run)
    assert builder is not None
    made = changing_calls(world)

    assert main(["survey", "--region", REGION]) == 0
    output = capsys.readouterr().out
    assert main(["--store", run.store, "survey", run.id]) == 0
    assert builder.id in capsys.readouterr().out

    assert run.id in output
    assert builder.id in output
    assert "Stays: still within its lease, until " in output
    assert "in 5 h" in output
    for kind in ("key pair", "group", "volume", "interface"):
        assert kind in output
    assert changing_calls(world) == made


@pytest.mark.usefixtures("world")
def test_a_survey_that_finds_nothing_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["survey"]) == 0

    assert f"Nothing in {REGION} carries the tag of any run" in capsys.readouterr().out


def test_a_failed_survey_is_not_an_empty_survey(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    from notebake.aws.clients import connect

    connect.cache_clear()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0.0)
        assert main(["survey"]) == 1

    errors = " ".join(capsys.readouterr().err.split())
    assert "no answer from AWS" in errors
    connect.cache_clear()


def test_images_are_listed_with_recipe_age_size_cost_and_acceptance(
    run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    carry_out_to(run, "wait_for_image")
    image = current_image(run)
    assert image is not None
    (listed,) = list_images(REGION, run.store).images
    gib = run.recipe.root_volume.size_gib + sum(disk.size_gib for disk in run.recipe.volumes)
    assert (listed.recipe, listed.size_gib) == (run.recipe.name, gib)
    assert listed.written_gib is not None
    assert 0 < listed.written_gib < gib
    assert listed.usd_per_month == pytest.approx(listed.written_gib * 0.05)

    assert main(["images"]) == 0
    shown = normalise_spaces(capsys)
    line = rf"{run.recipe.name}\s+{image.id} +\d+ \w+ +{listed.written_gib:.1f} +\$\d+\.\d\d +"
    assert re.search(rf"{line}not accepted\s+run {run.id}, from ami-", shown)

    tagging.add_tags(REGION, [image.id], {tags.ACCEPTED: "2026-11-23T12:00:00+00:00"})
    assert main(["images"]) == 0
    shown = normalise_spaces(capsys)
    assert re.search(rf"{line}accepted\s+run {run.id}, ", shown)
    assert f"{run.recipe.name}: never checked for updates" in shown

    day = utc_from_seconds(clock.now()) - datetime.timedelta(days=63, hours=1)
    keep_check(UpdateCheck(recipe=run.recipe.name, region=REGION, checked=day), run.store)
    assert main(["--store", run.store, "images"]) == 0
    assert f"{run.recipe.name}: last checked 63 d ago for updates" in normalise_spaces(capsys)


def test_in_a_narrow_terminal_nothing_of_an_image_is_cut(
    run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    carry_out_to(run, "wait_for_image")

    assert main(["images"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert any(f"run {run.id}," in line for line in lines)
    assert "…" not in "".join(lines)


@pytest.mark.usefixtures("world")
def test_an_account_without_images_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["images"]) == 0

    assert f"No image in {REGION}" in capsys.readouterr().out


def test_a_failure_report_lists_what_runs_and_what_to_type(run: Run) -> None:
    carry_out_to(run, "launch_instance")
    builder = stack_instances.find_builder(run)
    assert builder is not None

    text = str(failure_report(run))

    assert f"{builder.id} (builder, m5.large) is running, about $0." in text
    assert "it ends by itself at " in text
    assert ", in 5 h " in text
    assert f"ubuntu@{builder.public_address}" in text
    key = text.split("ssh -i ")[1].split()[0]
    assert Path(key).stat().st_mode & 0o077 == 0
    assert f"notebake resume {run.id}" in text
    assert f"notebake tear-down {run.id}" in text


def test_a_failure_report_without_leftovers_says_how_to_resume(run: Run) -> None:
    assert (
        str(failure_report(run))
        == f"Nothing is left of the run.\nTo go on:  notebake resume {run.id}"
    )


def test_both_proof_machines_are_listed_with_their_own_key(run: Run) -> None:
    carry_out_to(run, "launch_acceptance")

    text = str(failure_report(run))

    assert text.count(" is running, ") == 2
    assert text.count("keys/acceptance ubuntu@") == 2
    undo_all(run)
    assert str(failure_report(run)).startswith("Nothing is left of the run.")


def normalise_spaces(capsys: pytest.CaptureFixture[str]) -> str:
    """Return what was printed with every gap between columns as two blanks."""
    return "\n".join(
        "  ".join(part for part in line.split("  ") if part.strip()).replace("   ", "  ")
        for line in capsys.readouterr().out.splitlines()
    )
