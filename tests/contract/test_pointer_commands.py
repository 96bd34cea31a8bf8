"""The commands promote, rollback and revoke, and what images and preflight say afterwards."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.cli.main import main
from notebake.aws import tags
from notebake.images.pointer import move_pointer, read_pointer
from notebake.images.revocation import find_revocation
from notebake.images.revoke import descendants_of, revoke
from notebake.preflight.base_image import check_base_image
from notebake.preflight.finding import CheckResult
from notebake.recipe import BaseImage
from notebake.runs.registry import new_run
from tests.cloud_world import REGION, RefusedCall
from tests.pointer_world import NAME, RECIPE, Baked, PointerWorld, pointer_world
from tests.recipe_text import dump_recipe


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PointerWorld]:
    monkeypatch.setenv("COLUMNS", "120")
    with pointer_world(tmp_path) as opened:
        yield opened


@pytest.fixture
def recipe_path(tmp_path: Path) -> str:
    path = tmp_path / "ocean.yaml"
    path.write_text(dump_recipe(RECIPE))
    return str(path)


def typed(world: PointerWorld, *words: str) -> int:
    return main(["--store", world.location, *words])


def listed(world: PointerWorld, capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, object]]:
    capsys.readouterr()
    assert typed(world, "images", "--json") == 0
    return {row["image_id"]: row for row in json.loads(capsys.readouterr().out)["images"]}


def test_promote_rollback_and_promote_again(
    world: PointerWorld, recipe_path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = world.bake()[1].id, world.bake()[1].id
    for image_id in (first, second):
        assert typed(world, "promote", image_id, "--region", REGION) == 0
        assert f"{image_id} is the current image of ocean" in capsys.readouterr().out

    assert typed(world, "rollback", recipe_path, "--reason", "wrong sums") == 0

    assert f"{first} of run" in capsys.readouterr().out
    rows = listed(world, capsys)
    assert (rows[first]["is_current"], rows[first]["is_held"]) == (True, True)
    assert not rows[second]["is_current"]
    assert typed(world, "images") == 0
    assert "current, held" in capsys.readouterr().out
    assert typed(world, "promote", second) == 0
    assert not listed(world, capsys)[second]["is_held"]
    pointer = read_pointer(NAME, REGION, world.store)
    assert pointer
    assert (pointer.image_id, pointer.is_held) == (second, False)


@pytest.mark.parametrize(
    ("image_id", "said"),
    [("ami-0123456789abcdef0", "is no image of this account"), ("ocean", "Not the id of an image")],
)
def test_what_cannot_be_promoted_is_refused_in_one_paragraph(
    image_id: str, said: str, world: PointerWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    assert typed(world, "promote", image_id) == 1

    errors = capsys.readouterr().err
    assert said in " ".join(errors.split())
    assert "Traceback" not in errors


def test_there_may_be_nothing_to_go_back_to(
    world: PointerWorld, recipe_path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert typed(world, "rollback", recipe_path) == 1

    assert "There is no earlier image of ocean" in " ".join(capsys.readouterr().err.split())


def descended(world: PointerWorld) -> tuple[Baked, ...]:
    """Return an image, one that was made from it, and one that was made from that."""
    root = world.bake()
    child = world.bake(base=root[1].id)
    return root, child, world.bake(base=child[1].id)


def test_revoke_names_descendants_and_the_recipes_of_which_it_is_current(
    world: PointerWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    root, child, grandchild = descended(world)
    world.bake()
    move_pointer(*root)
    # The record knows an image in between that is gone.
    world.world.ec2.deregister_image(ImageId=child[1].id)

    assert typed(world, "revoke", root[1].id, "--reason", "a leaked key") == 0

    shown = capsys.readouterr().out
    assert "2 images made from it" in shown
    assert f"  {child[1].id}\n" in shown
    assert f"  {grandchild[1].id}\n" in shown
    assert "still the current image of ocean" in shown
    assert "rollback" in shown
    row = listed(world, capsys)[root[1].id]
    assert (row["is_revoked"], row["is_current"]) == (True, True)
    found = world.world.ec2.describe_images(ImageIds=[root[1].id])["Images"][0]
    assert tags.REVOKED in tags.as_dict(found["Tags"])


def test_the_first_reason_stays(world: PointerWorld) -> None:
    image = world.bake()[1]
    for reason in ("a leaked key", "another reason"):
        revoke(image.id, REGION, world.store, reason=reason)

    revocation = find_revocation(image.id, world.store)
    assert revocation
    assert revocation.reason == "a leaked key"


def test_an_image_is_revoked_even_if_it_cannot_be_tagged(world: PointerWorld) -> None:
    image = world.bake()[1]
    denied = RefusedCall("CreateTags", "UnauthorizedOperation", status=403)

    with world.world.intercepting(denied):
        revoke(image.id, REGION, world.store, reason="a leaked key")

    assert denied.fired
    assert find_revocation(image.id, world.store)


def test_a_revoked_base_is_refused_before_anything_is_paid_for(world: PointerWorld) -> None:
    image = world.bake()[1]
    recipe = RECIPE.model_copy(update={"base_image": BaseImage(image_id=image.id)})
    run = new_run(recipe, "ocean.yaml", world.store)
    revoke(image.id, REGION, world.store, reason="a leaked key")

    wrong = [each for each in check_base_image(run) if each.verdict is CheckResult.WRONG]

    assert "revoked" in str(wrong)
    assert "a leaked key" in str(wrong)


def test_a_circle_of_bases_ends() -> None:
    bases = {"b": "a", "c": "b", "a": "c", "z": "y"}

    assert descendants_of("a", bases) == ("b", "c")


@pytest.mark.parametrize("command", ["promote", "rollback", "revoke"])
def test_no_command_of_the_pointer_imports_prefect(command: str) -> None:
    code = f"import sys, flows.cli.{command}, notebake.images.pointer, notebake.images.revoke"
    code += "; sys.exit('prefect' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
