"""`notebake prune`: what a person reads, and what a script does."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.cli.main import main
from notebake.recipe import Recipe
from tests.cloud_world import REGION, RefusedCall
from tests.json_documents import document
from tests.prune_world import OCEAN, PruneWorld, prune_world
from tests.recipe_text import dump_recipe


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PruneWorld]:
    with prune_world(tmp_path) as opened:
        monkeypatch.setenv("NOTEBAKE_RUNS", opened.location)
        yield opened


@pytest.fixture
def path(tmp_path: Path) -> str:
    return written(tmp_path, OCEAN)


def written(folder: Path, recipe: Recipe) -> str:
    path = folder / f"{recipe.name}.yaml"
    path.write_text(dump_recipe(recipe))
    return str(path)


def words_of(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().out.split())


def test_it_says_what_would_happen_and_what_to_type(
    here: PruneWorld, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = [here.image(days) for days in (2, 3)]
    old = here.image()

    assert main(["prune", path]) == 0

    shown = words_of(capsys)
    assert (
        f"To be deprecated: others do not find them any more (1) {old} 100 d $0.30 ocean: " in shown
    )
    assert f"Stay (2) {kept[0]} 2 d $0.30 ocean: one of the 2 accepted last" in shown
    assert "3 images in us-west-2: deprecate 1, 2 stay." in shown
    assert shown.endswith(f"Nothing was changed. To do it: notebake prune {path} --apply")
    assert here.region.images[old].deprecation_time is None


def test_it_does_it_with_apply(
    here: PruneWorld, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for days in (2, 3):
        here.image(days)
    old = here.image()

    assert main(["prune", path, "--apply"]) == 0

    shown = words_of(capsys)
    assert shown.endswith(f"deprecated {old} 1 image done.")
    assert here.region.images[old].deprecation_time
    assert main(["prune", path]) == 0
    assert "--apply" not in capsys.readouterr().out


def test_a_refusal_is_told_and_the_exit_code_is_1(
    here: PruneWorld, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for days in (2, 3):
        here.image(days)
    here.image()
    refused = RefusedCall("EnableImageDeprecation", "UnauthorizedOperation", status=403)
    with here.world.intercepting(refused):
        assert main(["prune", path, "--apply"]) == 1

    assert refused.fired == 1
    assert "The prune left 1 undone." in " ".join(capsys.readouterr().err.split())


def test_what_could_not_be_read_is_told_and_the_exit_code_is_5(
    here: PruneWorld, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for days in (2, 3):
        here.image(days)
    old = here.image()
    refused = RefusedCall("DescribeImageReferences", "UnauthorizedOperation", status=403)
    with here.world.intercepting(refused):
        found = document(["prune", path], capsys, code=5)
        assert main(["prune", path, "--apply"]) == 5

    assert refused.fired == 2
    (row,) = [each for each in found["images"] if each["image_id"] == old]
    assert row["action"] == "stay"
    assert len(found["unread"]) == 1
    assert "Not known: " in capsys.readouterr().out


def test_the_document_has_the_plan_and_what_was_done(
    here: PruneWorld, path: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for days in (2, 3):
        here.image(days)
    old = here.image()
    elsewhere = written(tmp_path, Recipe(name="rivers", region="eu-west-1"))

    dry = document(["prune", path, elsewhere], capsys)
    done = document(["prune", path, elsewhere, "--apply"], capsys)

    assert [each["image_id"] for each in dry["images"] if each["action"] != "stay"] == [old]
    assert (dry["done"], done["done"]) == ([], [old])
    assert dry["plans"] == done["plans"]
    assert set(dry["plans"]) == {REGION, "eu-west-1"}


def test_no_line_is_wider_than_the_terminal(
    here: PruneWorld, path: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for days in (2, 3):
        here.image(days)
    here.instance(here.image())
    here.image(marks={"notebake:builder": "i-0fedcba9876543210"})

    assert main(["prune", path]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if len(line) > 80] == []
    assert "in use: instance/i-" in " ".join(" ".join(lines).split())
