"""What the command answers without a cloud: at once, in a paragraph, with the right exit code."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from flows.command_line import main

ROOT = Path(__file__).parents[2]
SLOW = ["boto3", "botocore", "fabric", "paramiko", "papermill", "prefect"]
TYPED = f"""
import json, sys
from flows.command_line import main
try:
    code = main(sys.argv[1:])
except SystemExit as end:
    code = end.code
print(json.dumps([code, [name for name in {SLOW!r} if name in sys.modules]]))
"""
WRONG = "name: ocean\nregoin: us-west-2\n"


def typed(*arguments: str) -> tuple[int, list[str], str]:
    """Return exit code, slow modules that were imported, and all that a person reads."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", TYPED, *arguments],
        cwd=ROOT,
        env=os.environ | {"COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    code, imported = json.loads(done.stdout.splitlines()[-1])
    return code, imported, done.stdout + done.stderr


@pytest.fixture
def wrong_recipe(tmp_path: Path) -> str:
    path = tmp_path / "wrong.yaml"
    path.write_text(WRONG)
    return str(path)


@pytest.mark.parametrize("command", [[], ["build"], ["resume"], ["plan"], ["survey"]])
def test_help_is_answered_without_importing_anything_slow(command: list[str]) -> None:
    code, imported, said = typed(*command, "--help")

    assert (code, imported) == (0, [])
    assert said.startswith("usage: notebake")


@pytest.mark.parametrize("command", ["build", "plan"])
def test_a_wrong_recipe_is_answered_without_importing_anything_slow(
    command: str, wrong_recipe: str
) -> None:
    code, imported, said = typed(command, wrong_recipe)

    assert (code, imported) == (1, [])
    assert "regoin" in said
    assert "Traceback" not in said


def test_a_wrong_recipe_begins_no_run(
    wrong_recipe: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "runs"

    assert main(["--store", str(store), "build", wrong_recipe]) == 1

    assert not store.exists()
    assert "Nothing has been made" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("command", ["resume", "tear-down", "survey"])
def test_an_unknown_run_is_one_paragraph_and_names_the_store(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--store", str(tmp_path), command, "ocean-nobody-knows"]) == 1

    said = capsys.readouterr().err
    assert "There is no run ocean-nobody-knows" in " ".join(said.split())
    assert "Traceback" not in said


def test_a_recipe_that_is_not_there_is_said_to_be(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["build", "nowhere.yaml"]) == 1

    assert "nowhere.yaml: cannot be read" in " ".join(capsys.readouterr().err.split())


def test_a_store_that_cannot_be_opened_is_one_paragraph(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--store", "s3://No Bucket", "resume", "ocean"]) == 1

    assert "Not a place for a run store on S3" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("arguments", [[], ["bake"], ["build"], ["resume"]])
def test_what_is_mistyped_is_shown_how_to_type(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == 2
    assert "usage: notebake" in capsys.readouterr().err
