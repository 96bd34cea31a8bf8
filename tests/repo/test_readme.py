"""The README agrees with the code: its commands, its steps, its targets."""

import re
from pathlib import Path

from flows.build_plan import BUILD
from flows.cli.commands import COMMANDS

PROJECT = Path(__file__).parents[2]
README = (PROJECT / "README.md").read_text(encoding="utf-8")


def test_the_two_commands_come_first_and_exist() -> None:
    first = re.findall(r"^    make (\w+)", README, flags=re.MULTILINE)[:2]
    assert first == ["rehearsal", "test"]
    targets = re.findall(r"^(\w+):", (PROJECT / "Makefile").read_text(), flags=re.MULTILINE)
    assert {"rehearsal", "test", "check", "up", "down"} <= set(targets)


def test_ci_runs_the_readmes_test_command() -> None:
    assert "exec make test\n" in (PROJECT / ".ci" / "run").read_text()


def test_the_table_of_commands_is_the_command_lines_own() -> None:
    told = set(re.findall(r"^\| `notebake ([a-z-]+)", README, flags=re.MULTILINE))
    assert told == {command.name for command in COMMANDS}


def test_the_table_of_steps_names_every_step_in_order() -> None:
    table = README.split("## The steps")[1].split("##")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    told = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert told == [step.name for step in BUILD]
