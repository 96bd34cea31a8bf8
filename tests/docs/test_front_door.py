"""The README and ARCHITECTURE: short, and in agreement with the code."""

import re

from docs.generate import generated
from flows.build_plan import BUILD
from tests.docs.command_lines import notebake_commands
from tests.docs.markdown import ROOT, read, section
from tests.docs.test_commands import TARGETS
from tests.repo.test_architecture import ORDER

MOST_LINES = 120
MOST_WORDS = 25


def lines_of(name: str) -> int:
    return len((ROOT / name).read_text(encoding="utf-8").splitlines())


def test_the_front_door_is_short() -> None:
    assert lines_of("README.md") <= MOST_LINES
    assert lines_of("ARCHITECTURE.md") <= MOST_LINES


def test_the_two_commands_come_first_and_exist() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    first = re.findall(r"^    make (\w+)", text, flags=re.MULTILINE)[:2]

    assert first == ["rehearsal", "test"]
    assert {"rehearsal", "test", "check", "up", "down"} <= TARGETS


def test_ci_runs_the_readmes_test_command() -> None:
    assert "exec make test\n" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_the_table_of_commands_is_the_command_lines_own() -> None:
    rows = re.findall(r"^\| (`notebake [^|]+)\|", section("README.md", "The commands"), flags=re.M)
    shown = [name for row in rows for name in re.findall(r"`notebake ([a-z-]+)", row)]

    assert sorted(shown) == sorted(notebake_commands())


def test_the_table_of_steps_names_every_step_in_order() -> None:
    rows = [cells[0].strip("`") for cells in read("docs/steps.md").rows()]

    assert rows == [*(step.name for step in BUILD), "tear-down"]


def test_the_glossary_is_short_and_explains_each_word_once() -> None:
    rows = re.findall(r"^\| ([^|]+) \|", section("ARCHITECTURE.md", "Words"), flags=re.M)
    words = [word for row in rows[2:] for word in row.split(", ")]

    assert len(words) <= MOST_WORDS
    assert len(set(words)) == len(words)


def test_the_folders_are_listed_in_the_order_in_which_they_import() -> None:
    listed = re.findall(r"`notebake/(\w+)/`", section("ARCHITECTURE.md", "Folders"))
    place = {name: number for number, names in enumerate(ORDER) for name in names}

    assert sorted(listed) == sorted(set(place) - {""})
    assert [place[name] for name in listed] == sorted(place.values())[:-1]


def test_generated_documents_are_up_to_date() -> None:
    stale = {
        str(path.relative_to(ROOT))
        for path, text in generated()
        if path.read_text(encoding="utf-8") != text
    }

    assert stale == set(), "run: python -m docs.generate"
