"""The commands of an installed copy, typed far from any checkout."""

from pathlib import Path

import pytest

from tests.cloud_steps import carry_out_to
from tests.cloud_world import RECIPE, CloudWorld
from tests.installed_copy import InstalledCopy
from tests.recipe_text import dump_recipe


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--help",), "usage: notebake"),
        (("build", "--help"), "usage: notebake build"),
        (("history", "list"), "No run has been started"),
    ],
)
def test_help_and_runs_need_no_account(
    words: tuple[str, ...], message: str, installed: InstalledCopy, tmp_path: Path
) -> None:
    done = installed.run("notebake", *words, folder=tmp_path)

    assert done.exit_code == 0, done.printed
    assert message in done.printed


def test_the_sandbox_s_command_names_itself(installed: InstalledCopy, tmp_path: Path) -> None:
    usage = installed.run("notebake-sandbox", "--help", folder=tmp_path)
    twists = installed.run("notebake-sandbox", "twists", folder=tmp_path)

    assert usage.printed.startswith("usage: notebake-sandbox")
    assert (twists.exit_code, "umask" in twists.printed) == (0, True)


def test_a_first_recipe_is_written_and_planned(
    installed: InstalledCopy, world: CloudWorld, tmp_path: Path
) -> None:
    written = installed.run("notebake", "init", folder=tmp_path)
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(recipe.read_text().replace("[auto]", "[198.51.100.7/32]"))

    planned = installed.run("notebake", "plan", "recipe.yaml", folder=tmp_path)

    assert written.exit_code == 0, written.printed
    assert planned.exit_code == 0, planned.printed
    assert "Nothing was made" in planned.printed
    assert world.actions()


def test_the_resources_of_a_run_are_listed(
    installed: InstalledCopy, world: CloudWorld, tmp_path: Path
) -> None:
    run = world.new_run()
    carry_out_to(run, "wait_for_image")
    runs = f"--store={run.store}"

    for words in ((runs, "history", "list"), ("images",), ("survey",), (runs, "sweep")):
        done = installed.run("notebake", *words, folder=tmp_path)

        assert done.exit_code == 0, done.printed
        assert run.id in done.printed, words


def test_an_impossible_build_says_why(
    installed: InstalledCopy, world: CloudWorld, tmp_path: Path
) -> None:
    wrong = RECIPE.model_copy(update={"instance_types": ("t3.nano",)})
    (tmp_path / "ocean.yaml").write_text(dump_recipe(wrong))

    built = installed.run("notebake", "build", "ocean.yaml", folder=tmp_path)

    assert built.exit_code == 1
    assert "t3.nano has 512 MiB" in " ".join(built.printed.split())
    assert world.actions()
