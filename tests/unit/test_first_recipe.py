"""`notebake init`: the first recipe is valid as written and with each of its examples."""

import itertools
import shlex
from pathlib import Path

import pytest

from flows.cli.init import FIRST_RECIPE
from flows.cli.main import main
from notebake.recipe import Recipe
from notebake.recipe.file import parse_recipe


def test_the_first_recipe_is_valid_as_it_is() -> None:
    recipe = parse_recipe(FIRST_RECIPE, "recipe.yaml")

    assert recipe.name == "my-image"
    assert recipe.repository is None


def test_the_first_recipe_is_valid_with_its_examples_uncommented() -> None:
    examples = [line for line in FIRST_RECIPE.splitlines() if line.startswith("#:")]

    recipe = parse_recipe(FIRST_RECIPE.replace("#:", ""), "recipe.yaml")

    assert len(examples) > 5
    assert recipe.repository is not None
    assert recipe.notebook.path == "notebooks/analysis.ipynb"
    assert recipe.volumes[0].mount_point == "/data"
    assert recipe.share_with == ("123456789012",)


def test_each_choice_in_the_first_recipe_has_a_comment_above_it() -> None:
    lines = FIRST_RECIPE.splitlines()
    fields = {line.partition(":")[0]: above for above, line in itertools.pairwise(lines)}
    fields = {name: above for name, above in fields.items() if name in Recipe.model_fields}

    assert len(fields) > 5
    bare = {name for name, above in fields.items() if not above.startswith("#")}
    assert bare == {"name", "description", "region"}


def test_init_writes_the_recipe_and_prints_the_next_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "my own.yaml"

    assert main(["init", str(path)]) == 0

    output = capsys.readouterr().out
    assert path.read_text() == FIRST_RECIPE
    plan, build = (f"notebake {word} {shlex.quote(str(path))}" for word in ("plan", "build"))
    assert 0 < output.index(plan) < output.index(build)


def test_init_never_overwrites_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text("name: mine\n")

    assert main(["init", str(path)]) == 1

    assert path.read_text() == "name: mine\n"
    assert "exists already; nothing was written" in " ".join(capsys.readouterr().err.split())


def test_a_missing_folder_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "nowhere" / "recipe.yaml"

    assert main(["init", str(path)]) == 1

    errors = capsys.readouterr().err
    assert "could not be written: No such file or directory" in " ".join(errors.split())
