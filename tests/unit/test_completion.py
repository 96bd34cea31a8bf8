"""Tab completion in real shells."""

import json
import os
import pty
import select
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from flows.cli.completers import find_directories, find_recipes
from flows.cli.completion import EXAMPLE, SHELLS
from notebake.recipe import Recipe
from notebake.runs.open_store import open_store
from notebake.runs.registry import new_run
from tests.limits import HANG_SECONDS

ROOT = Path(__file__).parents[2]
# It is `notebake` for a completion script, and keeps what a shell gives it as a command.
PROGRAM = f"""#!/bin/sh
if [ -n "$_ARGCOMPLETE" ] || [ "$1" = completion ]; then
    PYTHONPATH={ROOT} exec {sys.executable} -m flows.cli.main "$@"
fi
printf '%s\\n' "$@" > typed.part && mv typed.part typed
"""
# Ends as the script expects, after telling which modules that take time were imported.
OFFERING = """
import json, os, sys
leave = os._exit
def end(code):
    slow = {"boto3", "fabric", "prefect", "pydantic", "rich", "yaml"} & {*sys.modules}
    print(json.dumps(sorted(slow)), flush=True)
    leave(code)
os._exit = end
from flows.cli.main import main
main()
"""
START = {
    "bash": (
        ".bashrc",
        'eval "$(notebake completion bash)"',
        ("--noprofile", "--rcfile", ".bashrc"),
    ),
    "zsh": (".zshrc", 'autoload -U compinit; compinit -u; eval "$(notebake completion zsh)"', ()),
    "fish": (".config/fish/config.fish", "notebake completion fish | source", ()),
}
"""Where a shell reads what to do at its start, what its help says to write there, its options."""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The home of a person who has one run and one recipe, and has set up all three shells."""
    program = tmp_path / "bin" / "notebake"
    program.parent.mkdir()
    program.write_text(PROGRAM)
    program.chmod(0o755)
    (tmp_path / "deployments").mkdir()
    (tmp_path / "deployments" / "tide.yaml").write_text("name: tide\n")
    new_run(Recipe(name="ocean"), "ocean.yaml", open_store(str(tmp_path / "runs")))
    # Without it fish begins to read all manual pages, in a process that outlives it.
    (tmp_path / ".local/share/fish/generated_completions").mkdir(parents=True)
    for path, line, _ in START.values():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(f"{line}\n")
    return tmp_path


def run_of(home: Path) -> str:
    (run,) = (home / "runs").iterdir()
    return run.name


def type_in(shell: str, keys: str, home: Path) -> list[str]:
    """Type keys in a shell on a terminal, and return with what it then started `notebake`."""
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not here (apt-get install {shell})")
    environment = {
        "HOME": str(home),
        "PATH": f"{home / 'bin'}:/usr/bin:/bin",
        "TERM": "xterm",
        "NOTEBAKE_RUNS": str(home / "runs"),
    }
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        ["setsid", "--ctty", shell, *START[shell][2], "-i"],
        cwd=home,
        env=environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        os.write(ours, keys.encode() + b"\r")
        shown = watch(ours, home / "typed")
        process.kill()
    os.close(ours)
    assert (home / "typed").exists(), shown
    return (home / "typed").read_text().splitlines()


def watch(terminal: int, path: Path) -> str:
    """Read a terminal until the file is there or the shell ends, and return what was shown."""
    shown, until = b"", time.monotonic() + HANG_SECONDS
    with suppress(OSError):  # as Linux reports the end of a terminal
        while not path.exists() and time.monotonic() < until:
            if select.select([terminal], [], [], 0.05)[0]:
                shown += os.read(terminal, 4096)
    return shown.decode(errors="replace")


@pytest.mark.parametrize("shell", SHELLS)
def test_tab_completes_a_command_and_a_run_id(shell: str, home: Path) -> None:
    assert type_in(shell, "notebake resum\toc\t", home) == ["resume", run_of(home)]


@pytest.mark.parametrize("shell", SHELLS)
def test_tab_completes_a_recipe_of_deployments_and_an_option(shell: str, home: Path) -> None:
    keys = "notebake plan deployments/t\t--js\t"

    assert type_in(shell, keys, home) == ["plan", "deployments/tide.yaml", "--json"]


@pytest.mark.parametrize("shell", SHELLS)
def test_tab_finds_the_runs_of_the_store_that_was_typed(shell: str, home: Path) -> None:
    (home / "runs").rename(home / "others")
    keys = "notebake --store oth\t surv\toc\t"
    (run,) = (home / "others").iterdir()

    assert type_in(shell, keys, home) == ["--store", "others/", "survey", run.name]


def test_the_instructions_name_the_line_and_the_shell_file() -> None:
    for path, line, _ in START.values():
        typed = line.removeprefix("autoload -U compinit; compinit -u; ")
        assert any(
            each.startswith(typed) and f"in ~/{path}" in each for each in EXAMPLE.splitlines()
        )


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("notebake resume oc", "ocean-"),
        ("notebake bui", "build"),
        ("notebake build deployments/", "deployments/tide.yaml"),
        ("notebake sweep --app", "--apply"),
        ("notebake history li", "list"),
        ("notebake history list --op", "--open"),
        ("notebake history show oc", "ocean-"),
        ("notebake history diff x oc", "ocean-"),
    ],
)
def test_completion_imports_nothing_slow(line: str, expected: str, home: Path) -> None:
    completing = {
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
        "NOTEBAKE_RUNS": "runs",
        "PYTHONPATH": str(ROOT),
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_STDOUT_FILENAME": "offered",
    }
    done = subprocess.run(
        [sys.executable, "-c", OFFERING],
        cwd=home,
        env=os.environ | completing,
        capture_output=True,
        check=True,
        timeout=HANG_SECONDS,
    )

    assert (home / "offered").read_text().startswith(expected)
    assert json.loads(done.stdout) == []


def test_recipes_are_offered_together_with_folders(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home)
    (home / "mine.yml").write_text("")
    (home / "notes.txt").write_text("")

    assert [*find_recipes("")] == [
        "bin/",
        "deployments/",
        "mine.yml",
        "runs/",
        "deployments/tide.yaml",
    ]
    assert [*find_recipes("dep")] == ["deployments/", "deployments/tide.yaml"]
    assert [*find_recipes("deployments/t")] == ["deployments/tide.yaml"]
    assert [*find_recipes(f"{home}/m")] == [f"{home}/mine.yml"]
    assert [*find_directories(f"{home}/m")] == []
    assert [*find_directories("nowhere/")] == []
