from pathlib import Path

import pytest

from notebake.errors import RecipeError
from notebake.recipe import InstanceStore, Recipe, Software, Volume
from notebake.recipe.file import load_recipe, parse_recipe
from tests.recipe_text import dump_recipe

DEPLOYMENTS = [
    path
    for path in sorted((Path(__file__).parents[2] / "deployments").glob("*.yaml"))
    if path.stem != "awards"
]
AS_WRITTEN = """\
name: x
share_with: [012345678901, 123456789012]
software: {manager: conda, python: 3.10}
tags: {Date: 2026-11-23, Count: 5, Open: yes, Ready: true, 2026: 1.50, on: off}
repository: {url: "https://h/ocean"}
notebook:
  path: a.ipynb
  parameters: {depth: 200, fast: true, day: 2026-11-23, share: 0.5}
"""
RECIPES = {
    "least": Recipe(name="x"),
    "defaults of a part": Recipe(name="x", instance_store=InstanceStore()),
    "text like other things": Recipe(
        name="x", tags={"a": "true", "b": "2026-11-23", "c": "1e3", "d": "", "e": "~", "f": "\t x "}
    ),
    "text of many lines": Recipe(
        name="x", software=Software(requirements="numpy\n\n# é\nxarray \n")
    ),
    "parts": Recipe(name="x", volumes=(Volume(name="d", mount_point="/d", in_image=False),)),
}


def fault_of(path: Path) -> str:
    with pytest.raises(RecipeError) as caught:
        load_recipe(path)
    return caught.value.message.removeprefix(str(path))


def write(folder: Path, text: str) -> Path:
    path = folder / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_there_are_recipes_to_load() -> None:
    assert {path.stem for path in DEPLOYMENTS} >= {"ocean", "rehearsal"}


@pytest.mark.parametrize("path", DEPLOYMENTS, ids=lambda path: path.stem)
def test_each_deployment_loads_and_is_named_like_its_file(path: Path) -> None:
    recipe = load_recipe(path)
    assert recipe.name == path.stem
    assert parse_recipe(dump_recipe(recipe), "dump") == recipe


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES.keys())
def test_a_dumped_recipe_loads_to_the_equal_recipe(recipe: Recipe) -> None:
    assert parse_recipe(dump_recipe(recipe), "dump") == recipe


def test_number_like_text_stays_text() -> None:
    recipe = parse_recipe(AS_WRITTEN, "r")
    assert recipe.share_with == ("012345678901", "123456789012")
    assert recipe.software.python == "3.10"
    assert recipe.tags == {
        "Date": "2026-11-23",
        "Count": "5",
        "Open": "yes",
        "Ready": "true",
        "2026": "1.50",
        "on": "off",
    }
    assert recipe.notebook.parameters == {
        "depth": 200,
        "fast": True,
        "day": "2026-11-23",
        "share": 0.5,
    }


def test_a_mount_point_loses_its_trailing_slash() -> None:
    recipe = parse_recipe("name: x\nvolumes: [{name: d, mount_point: /data/}]", "r")
    assert recipe.volumes[0].mount_point == "/data"


def test_the_text_of_the_requirements_file_becomes_part_of_the_recipe(tmp_path: Path) -> None:
    (tmp_path / "needs.txt").write_text("numpy==2.1\n")
    recipe = load_recipe(write(tmp_path, "name: x\nsoftware:\n  requirements_file: needs.txt\n"))
    assert recipe.software.requirements == "numpy==2.1\n"
    assert recipe.software.requirements_file is None
    assert parse_recipe(dump_recipe(recipe), "dump") == recipe


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("missing.txt", "missing.txt: cannot be read: no such file or directory"),
        ("folder", "folder: cannot be read: is a directory"),
        ("binary", "binary: is not text in UTF-8"),
        ("../outside.txt", "../outside.txt is outside the recipe's folder"),
        ("link.txt", "link.txt is outside the recipe's folder"),
        ("/etc/passwd", "/etc/passwd is outside the recipe's folder"),
        ("other.txt", "line 1: names another file, which will not be on the machine"),
    ],
)
def test_a_requirements_file_that_cannot_be_used_is_refused_with_its_place(
    tmp_path: Path, name: str, expected: str
) -> None:
    folder = tmp_path / "recipes"
    (folder / "folder").mkdir(parents=True)
    (folder / "binary").write_bytes(b"\xff\xfe\x00")
    (folder / "other.txt").write_text("-r base.txt\n")
    (tmp_path / "outside.txt").write_text("numpy\n")
    (folder / "link.txt").symlink_to("../outside.txt")
    path = write(folder, f"name: x\nsoftware:\n  requirements_file: {name}\n")
    message = fault_of(path)
    assert message.startswith(":3:22: software.requirements")
    assert expected in message


def test_recipe_text_without_a_folder_cannot_name_a_requirements_file() -> None:
    with pytest.raises(RecipeError, match="needs a recipe that is read from a file"):
        parse_recipe("name: x\nsoftware: {requirements_file: a.txt}", "r")


def test_requirements_and_a_requirements_file_exclude_each_other(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("numpy\n")
    path = write(tmp_path, "name: x\nsoftware: {requirements_file: a.txt, requirements: numpy}")
    assert "give requirements_file or requirements, not both" in fault_of(path)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    assert fault_of(tmp_path / "no.yaml") == ": cannot be read: no such file or directory"
    assert fault_of(tmp_path) == ": cannot be read: is a directory"
    (tmp_path / "image.yaml").write_bytes(b"\x89PNG\xff")
    assert fault_of(tmp_path / "image.yaml") == ": is not text in UTF-8"


def test_a_byte_order_mark_and_crlf_are_accepted(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_bytes(b"\xef\xbb\xbfname: x\r\nregion: us-east-1\r\n")
    assert load_recipe(path).region == "us-east-1"
