"""Help and usage errors: each command is listed, has a working example, and fits the terminal."""

import re
import shlex
import sys
from importlib import metadata
from itertools import groupby
from pathlib import Path

import pytest

from flows.cli import commands, exit_codes
from flows.cli.commands import COMMANDS, Command, load_command
from flows.cli.history import SUBCOMMANDS
from flows.cli.main import main
from flows.cli.parser import parse

NAMES = [command.name for command in COMMANDS]
ALL = [
    *((each, [each.name]) for each in COMMANDS),
    *((each, ["history", each.name]) for each in SUBCOMMANDS),
]
ALL_NAMES = [" ".join(words) for _, words in ALL]
GREETING = """
import sys
EXAMPLE = "notebake greet --name Ada"
def add_arguments(parser):
    parser.add_argument("--name")
def run(given):
    sys.stdout.write(f"Good morning, {given.name}\\n")
    return 0
"""


def help_of(
    words: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    *,
    columns: int = 80,
) -> list[str]:
    """Return the lines of a help on a terminal of that width."""
    monkeypatch.setenv("COLUMNS", str(columns))
    with pytest.raises(SystemExit) as ended:
        main([*words, "--help"])
    assert ended.value.code == exit_codes.DONE
    return capsys.readouterr().out.splitlines()


def test_help_groups_commands_by_purpose(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = help_of([], capsys, monkeypatch)

    assert len(set(NAMES)) == len(NAMES)
    for group, members in groupby(COMMANDS, lambda command: command.group):
        assert lines.count(f"{group}:") == 1, "the commands of a group stand together"
        below = lines[lines.index(f"{group}:") + 1 :]
        listed = [line.split(maxsplit=1) for line in below[: below.index("")]]
        assert listed == [[member.name, member.summary] for member in members]


def test_help_ends_with_the_exit_codes(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = help_of([], capsys, monkeypatch)

    rows = [line.split()[0] for line in lines[lines.index("exit codes:") + 1 :]]
    every = [
        code for name, code in vars(exit_codes).items() if name.isupper() and name != "MEANINGS"
    ]
    assert rows == [str(code) for code in sorted(every)]


@pytest.mark.parametrize("words", [[], *(words for _, words in ALL)], ids=["", *ALL_NAMES])
def test_help_fits_in_80_columns(
    words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = help_of(words, capsys, monkeypatch)

    assert len(lines) > 5
    assert max(map(len, lines)) <= 80


def test_help_wraps_to_the_width_of_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    narrow = help_of([], capsys, monkeypatch, columns=80)
    wide = help_of([], capsys, monkeypatch, columns=160)

    assert len(wide) < len(narrow)
    assert max(map(len, wide)) > 80


@pytest.mark.parametrize(("command", "words"), ALL, ids=ALL_NAMES)
def test_every_example_in_the_help_parses(
    command: Command,
    words: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    examples = load_command(command).EXAMPLE.splitlines()
    shown = " ".join(help_of(words, capsys, monkeypatch))

    assert examples
    for example in examples:
        assert example in shown
        (typed,) = re.findall(r"\bnotebake [^)|#>\n]+", example)
        assert parse(shlex.split(typed)[1:]).command == words[0]


@pytest.mark.parametrize(
    "command", [each for each, words in ALL if words not in (["history"], ["history", "export"])]
)
def test_every_listing_command_has_a_json_form(command: Command) -> None:
    fields = getattr(load_command(command), "FIELDS", None)
    example = re.findall(r"\bnotebake [^)|#>\n]+", load_command(command).EXAMPLE)[0]
    given = parse(shlex.split(example)[1:])

    assert hasattr(given, "json") == bool(fields)
    assert fields or command.name not in {
        "images",
        "plan",
        "survey",
        "sweep",
        "list",
        "diff",
        "verify",
    }


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["biuld"], "There is no command biuld. Did you mean build?"),
        (["xyzzy"], "There is no command xyzzy.\n"),
        (["history", "list", "--josn"], "There is no option --josn. Did you mean --json?"),
        (["sweep", "--aply=yes"], "There is no option --aply. Did you mean --apply?"),
        (["history", "list", "--store", "x"], "--store goes before the command."),
        (["history", "list", "ocean"], "Unexpected argument: ocean"),
        (["history", "lst"], "There is no what lst. Did you mean list?"),
        (["history", "list", "--since", "noon"], "invalid day value: 'noon'"),
        (["history", "list", "--outcome", "opne"], "Did you mean open?"),
        (["runs"], "There is no command runs. Type: notebake history list --open"),
        (["completion", "bsh"], "There is no shell bsh. Did you mean bash?"),
        (["build"], "the following arguments are required: recipe"),
        ([], "the following arguments are required: COMMAND"),
        (["sweep", "--expired-since", "noon"], "invalid float value: 'noon'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_misspelt_command_suggests_the_right_one(
    words: list[str], answer: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)

    captured = capsys.readouterr()
    assert ended.value.code == exit_codes.MISTYPED
    assert answer in captured.err
    assert "--help" in captured.err.splitlines()[-1]
    assert captured.out == ""


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])

    assert ended.value.code == exit_codes.DONE
    assert capsys.readouterr().out == f"notebake {metadata.version('notebake')}\n"


def test_only_the_file_of_the_command_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {command.module for command in COMMANDS}
    for file in files:
        monkeypatch.delitem(sys.modules, file, raising=False)

    parse(["survey", "--all-regions"])

    assert files & {*sys.modules} == {"flows.cli.survey"}


def test_each_command_is_one_table_line_and_one_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "greeting_command.py").write_text(GREETING)
    monkeypatch.syspath_prepend(tmp_path)
    line = Command("greet", "keep records", "greeting_command", "greet somebody")
    monkeypatch.setattr(commands, "COMMANDS", (*COMMANDS, line))

    assert main(["greet", "--name", "Ada"]) == exit_codes.DONE
    assert capsys.readouterr().out == "Good morning, Ada\n"
    listed = [line.split(maxsplit=1) for line in help_of([], capsys, monkeypatch)]
    assert ["greet", "greet somebody"] in listed
    assert "  notebake greet --name Ada" in help_of(["greet"], capsys, monkeypatch)
