"""The whole check for updates: the newest image, all causes, few calls, and what is kept of it."""

import datetime
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.cli.main import main
from notebake.aws import tagging, tags
from notebake.aws.clients import connect
from notebake.errors import NotebakeError
from notebake.images.image_state import current_image as image_of
from notebake.images.revoke import revoke
from notebake.images.updates import check, tools
from notebake.images.updates.check import check_updates
from notebake.images.updates.current import GONE, find_current
from notebake.images.updates.datasets import MOST_ON_S3
from notebake.images.updates.source_state import FILE, KeptStates, ask_source
from notebake.images.updates.update_check import CAUSES, UpdateCheck, keep_check
from notebake.recipe import Dataset
from notebake.runs.open_store import open_store
from notebake.runs.reserved_ids import CHECKS, RESERVED_IDS
from sandbox.ec2.state.base_images import RELEASES, image_id
from tests import recorded_runs as runs
from tests.cloud_steps import carry_out_to
from tests.cloud_world import RECIPE, REGION, CloudWorld, RefusedCall, cloud_world
from tests.json_documents import document, is_utc_time
from tests.recipe_text import dump_recipe
from tests.store_world import LOCATION, world_with_bucket
from tests.update_images import CODE, place_of, store_image

TODAY = image_id(RELEASES[0], REGION)
PLAIN = RECIPE.model_copy(update={"volumes": ()})
READING = ("Describe", "Get", "GET ", "HEAD ")
IMAGES = [f"ami-{number:017x}" for number in range(1, 9)]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[CloudWorld]:
    """An empty cloud, in which a minute is a minute."""
    with cloud_world(tmp_path) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _code_of_today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "code_version", lambda: CODE)


def states(found: UpdateCheck) -> dict[str, str]:
    return {finding.cause: finding.state for finding in found.findings}


def at(hour: int) -> str:
    return f"2026-11-29T{hour:02}:30:00+00:00"


@pytest.mark.usefixtures("world")
def test_all_nine_causes_are_answered_in_their_order(tmp_path: Path) -> None:
    run_id = store_image(place_of(tmp_path), PLAIN, base=TODAY)

    found = check_updates(PLAIN, place_of(tmp_path))

    assert [finding.cause for finding in found.findings] == [*CAUSES]
    assert len(CAUSES) == 9
    assert (found.image_id, found.run_id) == (runs.IMAGE, run_id)
    assert found.accepted == datetime.datetime.fromisoformat(at(12))
    assert found.checked.utcoffset() == datetime.timedelta(0)
    assert found.image_state == GONE
    asked = {"base image", "data", "recipe", "tools"}
    assert {cause for cause in asked if states(found)[cause] == "unchanged"} == asked
    # The repository was removed from the recipe, and no run of long ago kept lists of packages.
    assert states(found)["repository"] == "changed"
    assert states(found)["security"] == states(found)["direct"] == "not checked"


@pytest.mark.usefixtures("world")
def test_nothing_accepted_is_an_answer(tmp_path: Path) -> None:
    store_image(place_of(tmp_path), PLAIN.model_copy(update={"name": "tides"}))

    found = check_updates(PLAIN, place_of(tmp_path))

    assert (found.image_id, found.findings, found.aws_calls) == (None, (), 0)


def test_the_newest_accepted_image_of_recipe_and_region_is_taken(tmp_path: Path) -> None:
    store = place_of(tmp_path)
    elsewhere = PLAIN.model_copy(update={"region": "eu-west-1"})
    other = PLAIN.model_copy(update={"name": "ocean-2"})
    store_image(store, PLAIN, image_id=IMAGES[0], accepted=at(9))
    newest = store_image(store, PLAIN, image_id=IMAGES[1], accepted=at(11), run_id="by-hand")
    store_image(store, PLAIN, image_id=IMAGES[2], accepted=at(10))
    store_image(store, PLAIN, image_id=IMAGES[3], accepted="")
    store_image(store, elsewhere, image_id=IMAGES[4], accepted=at(12))
    store_image(store, other, image_id=IMAGES[5], accepted=at(12))

    found = find_current("ocean", REGION, store)

    assert found
    assert (found.image_id, found.run_id) == (IMAGES[1], newest)
    in_europe = find_current("ocean", "eu-west-1", store)
    assert in_europe
    assert in_europe.image_id == IMAGES[4]


def test_an_accepted_image_counts_before_its_run_is_sealed(tmp_path: Path) -> None:
    store = place_of(tmp_path)
    store_image(store, PLAIN, image_id=IMAGES[0], accepted="2026-11-20T12:00:00+00:00")
    store_image(store, PLAIN, image_id=IMAGES[1], is_sealed=False)

    found = find_current("ocean", REGION, store)

    assert found
    assert found.image_id == IMAGES[1]


def test_an_image_that_is_there_has_its_state(tmp_path: Path, world: CloudWorld) -> None:
    run = world.new_run(PLAIN)
    carry_out_to(run, "wait_for_image")
    image = image_of(run)
    assert image
    tagging.add_tags(REGION, [image.id], {tags.ACCEPTED: at(12)})
    store_image(place_of(tmp_path), PLAIN, image_id=image.id)

    assert check_updates(PLAIN, place_of(tmp_path)).image_state == "available"


@pytest.mark.usefixtures("world")
def test_a_revoked_image_is_said_to_be_one(
    tmp_path: Path, recipe_path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    store_image(place_of(tmp_path), PLAIN)
    asked = ["--store", place_of(tmp_path), "check", recipe_path]
    assert document(asked, capsys, code=5)["revoked"] is None
    revoke(runs.IMAGE, REGION, open_store(place_of(tmp_path)), reason="a key was in it")

    found = document(asked, capsys, code=5)

    assert found["revoked"] == "a key was in it"
    assert f"; {runs.IMAGE} was revoked: a key was in it" in found["sentence"]


def test_at_most_twenty_calls_are_made(tmp_path: Path, world: CloudWorld) -> None:
    place = {"LocationConstraint": REGION}
    connect("s3", REGION).create_bucket(Bucket="data", CreateBucketConfiguration=place)
    several = []
    for number in range(MOST_ON_S3 + 2):
        connect("s3", REGION).put_object(Bucket="data", Key=f"{number}/x.nc", Body=b"x")
        source = f"s3://data/{number}/"
        several.append(Dataset(name=f"d{number}", source=source, path=f"/data/{number}"))
    recipe = PLAIN.model_copy(update={"datasets": tuple(several)})
    kept = KeptStates(sources=tuple(ask_source(each, REGION) for each in several))
    files = {FILE: kept.model_dump_json().encode()}
    store_image(place_of(tmp_path), recipe, files=files)
    before = len(world.actions())

    found = check_updates(recipe, place_of(tmp_path))

    assert found.aws_calls == len(world.actions()) - before
    assert 3 + MOST_ON_S3 == found.aws_calls <= 20
    assert all(action.startswith(READING) for action in world.actions()[before:])


def test_a_run_store_on_s3_takes_few_calls_too(tmp_path: Path) -> None:
    with world_with_bucket(tmp_path) as world:
        for hour, image in zip(range(8, 12), IMAGES, strict=False):
            store_image(LOCATION, PLAIN, image_id=image, accepted=at(hour))
        check_updates(PLAIN, LOCATION)
        before = len(world.actions())

        found = check_updates(PLAIN, LOCATION)

        assert found.image_id == IMAGES[3]
        assert found.aws_calls == len(world.actions()) - before
        assert found.aws_calls <= 20


def test_a_cause_that_fails_leaves_the_others_alone(tmp_path: Path, world: CloudWorld) -> None:
    store_image(place_of(tmp_path), PLAIN)
    refused = RefusedCall("GetParameter", "AccessDeniedException", status=400)
    with world.intercepting(refused):
        found = check_updates(PLAIN, place_of(tmp_path))

    assert refused.fired
    base = found.findings[0]
    assert (base.cause, base.state) == ("base image", "not checked")
    assert "SSM parameter" in base.reason
    assert states(found)["recipe"] == "unchanged"


@pytest.mark.usefixtures("world")
def test_a_cause_that_hangs_leaves_the_others_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_image(place_of(tmp_path), PLAIN)

    def hang(*_: object) -> None:
        time.sleep(600)

    monkeypatch.setattr(check, "CHECK_SECONDS", 3)
    monkeypatch.setitem(check.QUESTIONS, ("data",), hang)
    began = time.monotonic()

    found = check_updates(PLAIN, place_of(tmp_path))

    assert time.monotonic() - began < 60
    assert states(found)["data"] == "not checked"
    assert found.findings[6].reason == "There was no answer within 3 s."
    assert states(found)["recipe"] == "unchanged"


@pytest.mark.usefixtures("world")
def test_any_error_of_the_project_becomes_not_checked_and_others_are_raised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_image(place_of(tmp_path), PLAIN)

    def fail(*_: object) -> None:
        raise NotebakeError("the tide is out", "Wait for it.")

    def break_down(*_: object) -> None:
        raise KeyError("x")

    monkeypatch.setitem(check.QUESTIONS, ("security", "system"), fail)
    found = check_updates(PLAIN, place_of(tmp_path))
    assert [each.reason for each in found.findings[1:3]] == ["the tide is out"] * 2

    monkeypatch.setitem(check.QUESTIONS, ("data",), break_down)
    with pytest.raises(KeyError):
        check_updates(PLAIN, place_of(tmp_path))


@pytest.mark.usefixtures("world")
def test_a_changed_lock_file_is_not_compared(tmp_path: Path) -> None:
    store = place_of(tmp_path)
    run_id = store_image(store, PLAIN)
    open_store(store).write(f"{run_id}/locks/papermill.txt", b"papermill==9\n")

    found = check_updates(PLAIN, store)

    assert states(found)["tools"] == "not checked"
    assert "was changed after it was recorded" in found.findings[-1].reason


@pytest.mark.usefixtures("world")
def test_each_check_is_kept_and_no_run_can_have_its_place(tmp_path: Path) -> None:
    store = place_of(tmp_path)
    store_image(store, PLAIN)

    for _ in range(2):
        keep_check(check_updates(PLAIN, store), store)

    keys = open_store(store).list(f"{CHECKS}/")
    assert len(keys) == 2
    assert all(key.startswith("checks/ocean/20") for key in keys)
    stored = open_store(store).read(keys[0])
    assert stored
    assert UpdateCheck.model_validate_json(stored.content).image_id == runs.IMAGE
    assert CHECKS in RESERVED_IDS
    assert main(["--store", store, "history", "list"]) == 0
    assert main(["--store", store, "history", "verify"]) == 0


@pytest.fixture
def recipe_path(tmp_path: Path, world: CloudWorld) -> str:
    del world
    path = tmp_path / "ocean.yaml"
    path.write_text(dump_recipe(PLAIN))
    return str(path)


def command(tmp_path: Path, recipe_path: str, *more: str) -> list[str]:
    return ["--store", place_of(tmp_path), "check", recipe_path, *more]


def test_the_command_prints_each_cause_and_keeps_the_result(
    tmp_path: Path, recipe_path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    store_image(place_of(tmp_path), PLAIN)

    assert main(command(tmp_path, recipe_path)) == 5, "some causes could not be asked"

    lines = capsys.readouterr().out.splitlines()
    assert runs.IMAGE in lines[0]
    assert lines[1].endswith("; never checked")
    assert "2 causes changed: base image, repository" in lines[2]
    assert f"    AMI: {runs.BASE_IMAGE} → {TODAY}" in "\n".join(lines)
    starts = [line.split("  ")[0] for line in lines if line and not line.startswith(" ")]
    assert [each for each in starts if each in CAUSES] == [*CAUSES]
    assert len(open_store(place_of(tmp_path)).list(f"{CHECKS}/")) == 1


def test_the_command_says_that_there_is_nothing_to_compare_with(
    tmp_path: Path, recipe_path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command(tmp_path, recipe_path)) == 0

    printed = capsys.readouterr().out
    assert "Nothing to compare with: no image of ocean was accepted in us-west-2." in printed
    assert f"check {recipe_path}" not in printed
    assert f"notebake --store {place_of(tmp_path)} build {recipe_path}" in printed


def test_the_document_has_all_findings(
    tmp_path: Path, recipe_path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    store_image(place_of(tmp_path), PLAIN)

    found = document(["--store", place_of(tmp_path), "check", recipe_path], capsys, code=5)

    assert [each["cause"] for each in found["findings"]] == [*CAUSES]
    assert is_utc_time(found["checked_at"])
    assert is_utc_time(found["accepted_at"])
    assert json.loads(Path(found["kept_at"]).read_text())["run_id"] == found["run_id"]
    base = found["findings"][0]["changes"]
    assert base[0]["new"] == TODAY
    assert found["last_checked_at"] is None
    again = document(["--store", place_of(tmp_path), "check", recipe_path], capsys, code=5)
    assert again["last_checked_at"] == found["checked_at"]
    assert found["findings"][1]["changes"] == []


def test_a_result_that_cannot_be_kept_is_printed_all_the_same(
    tmp_path: Path, recipe_path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    store_image(place_of(tmp_path), PLAIN)
    Path(place_of(tmp_path), CHECKS).write_text("a file where a folder should be")

    assert main(command(tmp_path, recipe_path)) == 1

    printed = capsys.readouterr()
    assert "2 causes changed" in printed.out
    assert f"{CHECKS}/ocean" in printed.err
