"""The catalogue: what EC2 tells of each image, and what the run store adds to it."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from flows.cli.main import main
from notebake.aws import tags
from notebake.images.catalogue.list_images import list_images
from notebake.images.catalogue.listed_image import ListedImage
from notebake.images.revoke import revoke
from tests.cloud_world import REGION, RefusedCall
from tests.json_documents import document, is_utc_time
from tests.prune_world import PruneWorld, prune_world

STRANGER = "210987654321"
UNREADABLE = 5


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PruneWorld]:
    with prune_world(tmp_path) as opened:
        monkeypatch.setenv("NOTEBAKE_RUNS", opened.location)
        yield opened


def listed(world: PruneWorld, image_id: str, *, asks_sharing: bool = False) -> ListedImage:
    found = list_images(REGION, world.location, asks_sharing=asks_sharing)
    (image,) = [each for each in found.images if each.id == image_id]
    return image


def test_an_image_is_listed_with_its_lineage_size_cost_and_launches(here: PruneWorld) -> None:
    before = here.image(50)
    here.image(45, marks={tags.ACCEPTED: ""})
    base = "ami-0aaaaaaaaaaaaaaaa"
    image_id = here.image(40, marks={tags.BASE_IMAGE: base})

    found = listed(here, image_id)

    assert (found.base_image_id, found.generation_before) == (base, before)
    assert (found.size_gib, found.written_gib) == (16, 6.0)
    assert found.usd_per_month == pytest.approx(6 * 0.05)
    assert found.made_at
    assert found.last_launched == found.made_at + timedelta(minutes=20)
    assert listed(here, before).generation_before == ""


def test_a_size_that_ec2_does_not_tell_is_one_at_most(
    here: PruneWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    image_id = here.image()
    here.region.snapshots[here.snapshots_of(image_id)[0]].full_bytes = None

    found = listed(here, image_id)

    assert (found.size_gib, found.written_gib) == (16, None)
    assert found.usd_per_month == pytest.approx((8 + 3) * 0.05)
    assert main(["images"]) == 0
    shown = capsys.readouterr().out
    assert "≤16" in shown
    assert "≤: EC2 tells only the size of the disks" in shown


def test_a_snapshot_without_our_tag_is_still_of_its_image(here: PruneWorld) -> None:
    image_id = here.image()
    here.region.untag(here.snapshots_of(image_id)[0])

    assert listed(here, image_id).written_gib == 6.0


def test_states_are_told_in_words(here: PruneWorld, capsys: pytest.CaptureFixture[str]) -> None:
    now = here.region.now()
    states = {
        here.image(3): "previous",
        here.image(2): "current, held",
        here.image(90, deprecation_time=now - timedelta(days=1)): "deprecated",
        here.image(90, deprecation_time=now + timedelta(days=1)): "accepted",
        here.image(90, state="disabled"): "disabled",
        here.image(90, state="failed"): "failed",
        here.image(90, marks={tags.ACCEPTED: ""}): "not accepted",
        here.image(90, marks={tags.KEEP: "for ada"}): "accepted, kept",
        here.image(90, launch_permissions=[{"Group": "all"}]): "accepted, public",
    }
    previous, current, *_ = states
    here.point(current, previous, is_held=True, reason="wrong sums")
    bad = here.image(80)
    revoke(bad, REGION, here.store, reason="a key was in it")
    states[bad] = "revoked"

    assert main(["images"]) == 0

    shown = capsys.readouterr().out
    for image_id, state in states.items():
        assert re.search(rf"{image_id} .* {state}$", shown, re.MULTILINE), (image_id, state)


def test_without_the_run_store_it_says_what_ec2_says_and_what_is_missing(
    here: PruneWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    image_id = here.image()
    here.point(image_id)
    here.store.write(f"pointers/{REGION}/ocean.json", b"{")

    assert main(["images"]) == UNREADABLE

    shown = capsys.readouterr().out
    assert re.search(rf"{image_id} .* accepted$", shown, re.MULTILINE)
    assert "Not known: which images are current, held or revoked: " in shown
    found = document(["images"], capsys, code=UNREADABLE)
    (row,) = found["images"]
    assert [row[name] for name in ("is_current", "is_held", "is_previous", "is_revoked")] == [
        None
    ] * 4
    assert len(found["missing"]) == 1


def test_a_store_that_is_out_of_reach_hides_no_image(
    here: PruneWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    image_id = here.image()

    assert main(["--store", "s3://nobody-has-this-bucket/x", "images"]) == UNREADABLE

    assert image_id in capsys.readouterr().out


def test_sharing_is_asked_for_on_request_only(
    here: PruneWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    shared = here.image(launch_permissions=[{"UserId": STRANGER}])
    public = here.image(launch_permissions=[{"Group": "all"}])
    here.image()

    before = Counter(here.counted())
    assert main(["images"]) == 0
    asked = Counter(here.counted()) - before
    assert asked == Counter({"DescribeImages": 1, "DescribeSnapshots": 1})
    assert STRANGER not in capsys.readouterr().out

    assert main(["images", "--sharing"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert f"shared: {STRANGER}" in text
    assert "shared: everybody" in text
    assert listed(here, shared, asks_sharing=True).recipients == (STRANGER,)
    assert listed(here, public).is_public


def test_sharing_that_cannot_be_asked_for_is_missing(
    here: PruneWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    here.image()
    refused = RefusedCall("DescribeImageAttribute", "UnauthorizedOperation", status=403)
    with here.world.intercepting(refused):
        found = document(["images", "--sharing"], capsys, code=UNREADABLE)

    assert refused.fired == 1
    assert found["images"][0]["shared_with"] is None
    assert "with whom images are shared" in found["missing"][0]


def test_the_document_has_every_field_and_times_in_utc(
    here: PruneWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    here.image(deprecation_time=here.region.now())
    loose = here.snapshot("ocean-20261101-000000-abcd")

    found = document(["images"], capsys)

    (row,) = found["images"]
    for name in ("made_at", "accepted_at", "deprecated_from", "last_launched"):
        assert is_utc_time(row[name]), name
    assert found["loose_snapshots"] == [loose]


@pytest.mark.parametrize("columns", [80, 120, 200])
def test_nothing_is_cut_in_any_terminal(
    columns: int,
    here: PruneWorld,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    name = "a-recipe-with-a-name-of-some-length"
    image_id = here.image(recipe=name, launch_permissions=[{"UserId": STRANGER}] * 1)
    run_id = here.region.tags_of(image_id)[tags.RUN]
    here.snapshot("ocean-20261101-000000-abcd")

    assert main(["images", "--sharing"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if len(line) > columns] == []
    text = "\n".join(lines)
    assert {each in text for each in (name, image_id, run_id, STRANGER)} == {True}
    below = [line for line in lines if run_id in line and image_id not in line]
    assert bool(below) == (columns < 160)
