"""A package that comes from a git repository, served on this machine."""

import subprocess
from pathlib import Path

import pytest

from tests.limits import HANG_SECONDS
from tests.updates.python_world import PythonWorld, shown

PROJECT = '[project]\nname = "our-tool"\nversion = "1.0"\ndependencies = ["tide"]\n'
SET_UP = 'open({path!r}, "w").close()\n'


class Served:
    """A repository with one file, which git can clone by HTTP."""

    def __init__(self, world: PythonWorld) -> None:
        self.path = world.server.folder / "tool"
        self.path.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")
        self.url = f"git+{world.server.url}/tool/.git"

    def git(self, *words: str) -> str:
        identity = ("-c", "user.name=ada", "-c", "user.email=ada@localhost")
        done = subprocess.run(
            ["git", *identity, *words],
            cwd=self.path,
            capture_output=True,
            text=True,
            check=True,
            timeout=HANG_SECONDS,
        )
        return done.stdout.strip()

    def commit(self, name: str, text: str) -> str:
        (self.path / name).write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", name)
        self.git("update-server-info")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def served(python_world: PythonWorld) -> Served:
    made = Served(python_world)
    python_world.software = python_world.software.model_copy(
        update={"requirements": f"our_tool @ {made.url}\nwave-tools\n"}
    )
    return made


def with_tool(locks: dict[str, bytes], url: str, commit: str) -> dict[str, bytes]:
    line = f"our-tool @ {url}@{commit}\n".encode()
    return {**locks, "locks/requirements.txt": locks["locks/requirements.txt"] + line}


def test_a_branch_that_moved_on_is_direct(
    served: Served, python_world: PythonWorld, baked: dict[str, bytes]
) -> None:
    old = served.commit("pyproject.toml", PROJECT)
    locks = with_tool(python_world.locks(baked), served.url, old)
    before = python_world.ask(locks)
    new = served.commit("notes.txt", "more")

    after = python_world.ask(locks)

    assert shown(before) == (set(), set()), before.direct.reason
    assert shown(after) == ({("our-tool", old, new)}, set())


def test_what_would_have_to_be_built_is_not_checked_and_not_run(
    served: Served, python_world: PythonWorld, baked: dict[str, bytes], tmp_path: Path
) -> None:
    commit = served.commit("setup.py", SET_UP.format(path=str(tmp_path / "ran")))

    found = python_world.ask(with_tool(python_world.locks(baked), served.url, commit))

    assert found.direct.state == found.transitive.state == "not checked"
    assert "Building source distributions for `our-tool` is disabled" in found.direct.reason
    assert not (tmp_path / "ran").exists()
