"""Commands that need no cloud: quick, one paragraph, the right exit code."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from flows.cli import execution
from flows.cli.main import main
from flows.cli.resume import recipe_to_adopt
from notebake.errors import NextCommand, NotebakeError, RecipeError, resume
from notebake.recipe import Recipe
from notebake.runs.events import record_outcome
from notebake.runs.lock import hold_run
from notebake.runs.open_store import open_store
from notebake.runs.registry import list_runs, new_run
from notebake.runs.run import Run
from tests.limits import HANG_SECONDS

ROOT = Path(__file__).parents[2]
SLOW = ["boto3", "botocore", "fabric", "http.client", "httpx", "paramiko", "papermill", "prefect"]
# A recipe needs these; how to type a command is told without them.
SOME_TIME = ["pydantic", "rich", "yaml"]
TYPED = f"""
import json, sys
from flows.cli.main import main
try:
    code = main(sys.argv[1:])
except SystemExit as end:
    code = end.code
print(json.dumps([code, [name for name in {SLOW + SOME_TIME!r} if name in sys.modules]]))
"""
RECIPE = Recipe(name="ocean")
WRONG = "name: ocean\nregoin: us-west-2\n"


def typed(*arguments: str, endpoint: str = "") -> tuple[int, list[str], str]:
    """Return exit code, which modules that take time were imported, and all that a person reads."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", TYPED, *arguments],
        cwd=ROOT,
        env=os.environ | {"COLUMNS": "100"} | ({"AWS_ENDPOINT_URL": endpoint} if endpoint else {}),
        capture_output=True,
        text=True,
        check=True,
        timeout=HANG_SECONDS,
    )
    code, imported = json.loads(done.stdout.splitlines()[-1])
    return code, imported, done.stdout + done.stderr


@pytest.fixture
def wrong_recipe(tmp_path: Path) -> str:
    path = tmp_path / "wrong.yaml"
    path.write_text(WRONG)
    return str(path)


@pytest.mark.parametrize("command", [[], ["build"], ["resume"], ["plan"], ["survey"]])
def test_help_imports_nothing_slow(command: list[str]) -> None:
    code, imported, output = typed(*command, "--help")

    assert (code, imported) == (0, [])
    assert output.startswith("usage: notebake")


@pytest.mark.parametrize("command", ["build", "plan"])
def test_an_invalid_recipe_is_reported_without_slow_imports(
    command: str, wrong_recipe: str
) -> None:
    code, imported, output = typed(command, wrong_recipe)

    assert (code, imported) == (1, SOME_TIME)
    assert "regoin" in output
    assert "Traceback" not in output


@pytest.mark.parametrize("command", [["history", "list"], ["resume", "nobody-knows"]])
def test_a_directory_store_is_read_without_slow_imports(command: list[str], tmp_path: Path) -> None:
    _, imported, output = typed("--store", str(tmp_path), *command)

    assert {*imported} <= {*SOME_TIME}
    assert str(tmp_path) in output.replace("\n", "").replace(" ", "")


@pytest.mark.parametrize("command", [["images"], ["survey"], ["sweep"]])
def test_survey_does_not_import_prefect(command: list[str]) -> None:
    # Where nothing listens: that it had to ask is told by how it failed.
    code, imported, output = typed(*command, endpoint="http://127.0.0.1:9")

    assert code == 1
    assert "boto3" in imported
    assert "prefect" not in imported
    assert "Traceback" not in output


def test_an_invalid_recipe_starts_no_run(
    wrong_recipe: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "runs"

    assert main(["--store", str(store), "build", wrong_recipe]) == 1

    assert not store.exists()
    assert "Nothing has been made" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("command", ["resume", "tear-down"])
def test_an_unknown_run_is_one_paragraph_and_names_the_store(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--store", str(tmp_path), command, "ocean-nobody-knows"]) == 1

    errors = capsys.readouterr().err
    assert "There is no run ocean-nobody-knows" in " ".join(errors.split())
    assert "Traceback" not in errors


def test_a_missing_recipe_file_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["build", "nowhere.yaml"]) == 1

    assert "nowhere.yaml: cannot be read" in " ".join(capsys.readouterr().err.split())


def test_a_store_that_cannot_be_opened_is_one_paragraph(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--store", "s3://No Bucket", "resume", "ocean"]) == 1

    assert "Not a valid location for a run store on S3" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("arguments", [[], ["bake"], ["build"], ["resume"]])
def test_a_usage_error_shows_the_correct_usage(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == 2
    assert "usage: notebake" in capsys.readouterr().err


def test_an_unknown_run_may_be_stored_elsewhere_and_the_hint_names_s3(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--store", str(tmp_path), "resume", "ocean-nobody-knows"]) == 1

    errors = " ".join(capsys.readouterr().err.split())
    assert "A run is stored on the machine that started it" in errors
    assert "notebake --store s3://BUCKET/PREFIX resume RUN" in errors


def test_runs_lists_the_executing_process_and_the_last_event(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = open_store(str(tmp_path))
    held, ended, fresh = (new_run(RECIPE, "ocean.yaml", store) for _ in range(3))
    record_outcome(ended, "open_ssh", "done")
    record_outcome(ended, "launch_instance", "failed")
    (tmp_path / "something-else").mkdir()
    with hold_run(held):
        assert main(["--store", str(tmp_path), "history", "list", "--open"]) == 0

    lines = capsys.readouterr().out.splitlines()
    rows = {line.split()[0]: line for line in lines}
    assert f"executed by process {os.getpid()}" in rows[held.id]
    assert "launch_instance failed" in rows[ended.id]
    assert "nothing yet" in rows[fresh.id]
    assert len(lines) == 4


def test_only_the_newest_runs_are_listed_unless_all_are_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = open_store(str(tmp_path))
    begun = [new_run(RECIPE, "ocean.yaml", store).id for _ in range(32)]

    assert main(["--store", str(tmp_path), "history", "list"]) == 0
    output = capsys.readouterr().out
    assert "2 older ones: notebake history list --all" in output
    assert begun[-1] in output
    assert main(["--store", str(tmp_path), "history", "list", "--all"]) == 0
    assert all(text in capsys.readouterr().out for text in begun[:1])


def test_a_store_without_runs_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--store", str(tmp_path / "none"), "history", "list"]) == 0
    assert "No run has been started" in capsys.readouterr().out


def test_a_recipe_is_looked_for_where_the_run_was_started(tmp_path: Path) -> None:
    path = tmp_path / "ocean.yaml"
    run = new_run(RECIPE, str(path), open_store(str(tmp_path / "runs")))

    assert recipe_to_adopt(run, "") is None, "on another machine it is missing"
    path.write_text("name: another\n")
    assert recipe_to_adopt(run, "") is None, "or something else"
    path.write_text("just a text")
    assert recipe_to_adopt(run, "") is None
    path.write_text("name: ocean\ndescription: mended\n")
    changed = recipe_to_adopt(run, "")
    assert changed is not None
    assert changed.description == "mended"
    for wrong in (WRONG, "name: [ocean"):
        path.write_text(wrong)
        with pytest.raises(RecipeError):
            recipe_to_adopt(run, "")
    with pytest.raises(RecipeError):
        recipe_to_adopt(run, str(tmp_path / "nowhere.yaml"))


def test_a_run_that_was_killed_while_it_began_can_be_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(str(tmp_path / "runs"))
    run = new_run(RECIPE, str(tmp_path / "ocean.yaml"), store)
    store.delete(f"{run.id}/run.json")
    executed: list[Run] = []

    def execute(run: Run, *_: object, **__: object) -> int:
        executed.append(run)
        return 0

    monkeypatch.setattr(execution, "execute", execute)

    assert main(["--store", store.location, "resume", run.id]) == 0

    assert executed == [run]
    assert [header.id for header in list_runs(store)] == [run.id], "survey and sweep know it"


def test_the_next_commands_name_the_store_that_was_given(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def end(_given: object) -> int:
        hint = "The page `notebake resume` is prose."
        raise NotebakeError("x", hint).with_next(resume("ocean-1"), resume("ocean-1"))

    monkeypatch.setattr("flows.cli.main.run_command", end)

    assert main(["--store", "s3://b/a b", "images"]) == 1
    errors = capsys.readouterr().err
    assert errors.count("To go on:  notebake --store 's3://b/a b' resume ocean-1\n") == 1
    assert "The page `notebake resume` is prose." in errors, "text is left as it is"
    assert main(["images"]) == 1
    assert "To go on:  notebake resume ocean-1\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code", "heading"),
    [
        (KeyboardInterrupt(), 130, "Interrupted."),
        (InterruptedError("SIGTERM"), 130, "Interrupted."),
        (ValueError("a bug"), 1, "unexpected error: ValueError: a bug"),
    ],
    ids=["Ctrl-C", "terminated", "a bug"],
)
def test_any_failing_command_prints_what_is_left(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
    heading: str,
) -> None:
    def end(_given: object) -> int:
        raise error

    error.add_note("i-01 is running, about $0.1 an hour.")
    vars(error)["next_commands"] = (NextCommand(("tear-down", "ocean-1"), "To remove"),)
    monkeypatch.setattr("flows.cli.main.run_command", end)

    assert main(["--store", "/runs", "resume", "ocean-1"]) == code

    errors = capsys.readouterr().err
    assert heading in errors
    assert "i-01 is running, about $0.1 an hour." in errors
    assert "To remove:  notebake --store /runs tear-down ocean-1" in errors
