"""Every command that a document shows is run, or checked against the parser of its program."""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from benchmarks.__main__ import PARTS
from tests.docs.command_lines import (
    OTHERS,
    accepts,
    commands_in,
    fail_unless,
    parse_notebake,
    words_of,
)
from tests.docs.markdown import ROOT, names, read
from tests.limits import HANG_SECONDS

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z][\w-]*):", MAKEFILE, flags=re.MULTILINE))
RUN_HERE = (
    "python -m docs.recipe_table",
    "python -m sandbox twists",
    "notebake history list",
)
"""Commands that need nothing and end at once: these are run."""
PROGRAMS = {"notebake": ("-m", "flows.cli.main"), "python": ()}


def check(line: str) -> None:
    """Fail where a program would not take its words."""
    program, *words = words_of(line) or [""]
    match Path(program).name:
        case "notebake":
            is_right = accepts(lambda: parse_notebake(words))
            fail_unless(is_right, line, "the command line of notebake refuses it")
        case "notebake-sandbox":
            check_options(line, "sandbox", words)
        case "make":
            check_make(line, words)
        case "python" | "pytest":
            check_python(line, ["-m", "pytest", *words] if program == "pytest" else words)
        case name:
            fail_unless(name in OTHERS, line, "this test does not know the program")


def check_make(line: str, words: list[str]) -> None:
    given = dict(word.split("=", 1) for word in words if "=" in word)
    targets = [word for word in words if "=" not in word]
    fail_unless(targets and TARGETS.issuperset(targets), line, "there is no such target")
    fail_unless(
        set(given) <= {"BLOCK", "PART", "SERVER", "SHOWN", "YES"},
        line,
        "no target has such a variable",
    )
    parts = given.get("PART", "").split()
    unknown = [part for part in parts if not part.startswith("--") and part not in PARTS]
    fail_unless(not unknown, line, "there is no such part of the benches")
    check_options(line, "benchmarks", parts)


def check_python(line: str, words: list[str]) -> None:
    if words[:1] and words[0].endswith(".py"):
        fail_unless((ROOT / words[0]).is_file(), line, "there is no such program")
        check_options(line, words[0].removesuffix(".py").replace("/", "."), words[1:])
        return
    fail_unless(words[:1] == ["-m"] and words[1:], line, "this test knows `python -m MODULE`")
    module, others = words[1], words[2:]
    if module == "pytest":
        missing = [each for each in others if not (ROOT / each).exists()]
        fail_unless(not missing, line, "there are no such tests")
        return
    fail_unless(find_spec(module), line, "there is no such module")
    check_options(line, module, others)


def check_options(line: str, module: str, words: list[str]) -> None:
    """Fail where a module does not name an option, or a first word in small letters."""
    spec = find_spec(f"{module}.__main__") if is_package(module) else find_spec(module)
    fail_unless(spec and spec.origin, line, "the module is no program")
    source = Path(str(spec and spec.origin)).read_text(encoding="utf-8")
    options = [word for word in words if word.startswith("--")]
    command = [word for word in words[:1] if module == "sandbox"]
    absent = [word for word in (*options, *command) if f'"{word}"' not in source]
    fail_unless(not absent, line, f"the program does not know {', '.join(absent)}")


def is_package(module: str) -> bool:
    spec = find_spec(module)
    return bool(spec and spec.submodule_search_locations)


@pytest.mark.parametrize("name", names())
def test_every_command_of_a_document_is_one_that_its_program_takes(name: str) -> None:
    for line in commands_in(read(name)):
        check(line)


@pytest.mark.parametrize(
    "line",
    ["notebake bild x.yaml", "notebake resume", "make no-such-target", "make bench PART=no-such",
     "python -m no_such_module", "python -m sandbox no-such", "python -m sandbox up --no-such",
     "pytest tests/no_such", "no-such-program --help"],
)  # fmt: skip
def test_a_command_that_no_program_takes_is_found(line: str) -> None:
    with pytest.raises(pytest.fail.Exception):
        check(line)


def test_the_documents_show_commands() -> None:
    shown = [line for name in names() for line in commands_in(read(name))]

    assert len(shown) > 80


@pytest.mark.parametrize("line", RUN_HERE)
def test_commands_without_prerequisites_run(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTEBAKE_HOME", str(tmp_path))
    assert any(line in commands_in(read(name)) for name in names()), "a document shows it"
    program, *words = words_of(line)

    ended = subprocess.run(
        [sys.executable, *PROGRAMS[program], *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=HANG_SECONDS,
    )

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout
