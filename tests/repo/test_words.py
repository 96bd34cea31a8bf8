"""Names use no word that has meant two things, by the list in ARCHITECTURE.md."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
OF_A_MACHINE = ("notebake/commands/", "notebake/resources/retention.py", "sandbox/")
OF_REMOVAL = ("notebake/resources/", "notebake/aws/removal.py", "flows/sweep.py", "flows/cli/")


def barred_words() -> set[str]:
    """Return the words that ARCHITECTURE.md bars from names."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    (listed,) = re.findall(r"Not used in names, [^:]*: ([a-z,\s]+)\.", text)
    return set(listed.replace(",", " ").split())


def public_names(path: Path) -> Iterator[str]:
    """Give the names of a module and of all that it defines for others."""
    yield path.stem
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (target.id for target in targets if isinstance(target, ast.Name))


def names_by_file() -> dict[str, set[str]]:
    """Return the words of all public names, by file."""
    found = {}
    for folder in ("deployments", "flows", "notebake", "sandbox", "tasks"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            public = [name for name in public_names(path) if not name.startswith("_")]
            words = {word.lower() for name in public for word in WORD.findall(name)}
            found[str(path.relative_to(ROOT))] = words
    return found


def test_no_name_has_a_word_that_means_two_things() -> None:
    barred = barred_words()
    files = names_by_file()

    assert len(barred) > 10
    assert len(files) > 300, "the sources are where we look for them"
    assert {path: words & barred for path, words in files.items() if words & barred} == {}


def test_a_lease_is_a_machine_s_and_a_sweep_removes() -> None:
    files = names_by_file()

    leases = {path for path, words in files.items() if "lease" in words}
    sweeps = {path for path, words in files.items() if "sweep" in words}
    assert "notebake/resources/sweep.py" in sweeps
    assert {path for path in leases if not path.startswith(OF_A_MACHINE)} == set()
    assert {path for path in sweeps if not path.startswith(OF_REMOVAL)} == set()
