"""Whether a machine can clone the submodules of a repository, as a real .gitmodules names them."""

import subprocess
from pathlib import Path

import pytest

from notebake.preflight.finding import CheckResult
from notebake.preflight.submodules import SUBMODULE, find_uncloneable, read_addresses

BY_SSH = '[submodule "a"]\n\tpath = a\n\turl = git@host.test:o/a.git\n'


def repository(folder: Path, gitmodules: str) -> str:
    git = ("git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b.test")
    subprocess.run([*git, "init", "--quiet"], check=True)
    (folder / ".gitmodules").write_text(gitmodules)
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "--quiet", "--message", "x"], check=True)
    return str(folder)


def verdicts(addresses: dict[str, str] | None) -> list[CheckResult]:
    modes = {"a": SUBMODULE, ".gitmodules": "100644"}
    return [found.verdict for found in find_uncloneable("o/r", modes, addresses)]


@pytest.mark.parametrize(
    ("gitmodules", "expected"),
    [
        (BY_SSH, [CheckResult.WRONG]),
        (f"{BY_SSH}\tupdate = none\n", []),
        (f"{BY_SSH}\tupdate = merge\n", [CheckResult.WRONG]),
        ('[submodule "a"]\n\tpath = a\n\turl = ../a.git\n', []),
        ("# nothing\n", [CheckResult.WRONG]),
    ],
)
def test_a_submodule_is_judged_by_its_address(
    tmp_path: Path, gitmodules: str, expected: list[CheckResult]
) -> None:
    assert verdicts(read_addresses(repository(tmp_path, gitmodules), {})) == expected


def test_where_git_does_not_say_nothing_is_refused(tmp_path: Path) -> None:
    clone = repository(tmp_path, BY_SSH)
    for stored in Path(clone, ".git/objects").glob("??/*"):
        stored.unlink()

    assert read_addresses(clone, {}) is None
    assert verdicts(None) == [CheckResult.NOT_CHECKED]


def test_without_gitmodules_no_submodule_has_an_address() -> None:
    (found,) = find_uncloneable("o/r", {"a": SUBMODULE}, None)

    assert found.verdict == CheckResult.WRONG
