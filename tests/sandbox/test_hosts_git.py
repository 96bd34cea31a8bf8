"""What is served to the machines by git is the same commit wherever it was made."""

import subprocess
from pathlib import Path

import pytest

from sandbox.errors import SandboxError
from sandbox.home import Home
from sandbox.services import git_server


@pytest.fixture
def home(tmp_path: Path) -> Home:
    (tmp_path / "home").mkdir()
    return Home(tmp_path / "home", 250)


def make_files(folder: Path, text: str) -> Path:
    (folder / "notebooks").mkdir(parents=True)
    (folder / "notebooks/one.ipynb").write_text(text)
    return folder


def commit_of(home: Home, name: str) -> str:
    words: list[str | Path] = ["git", "-C", home.git_path / f"{name}.git", "rev-parse", "main"]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()


def test_the_same_files_give_the_same_commit(home: Home, tmp_path: Path) -> None:
    assert git_server.serve(home, "one", make_files(tmp_path / "a", "{}")).endswith("/one")
    git_server.serve(home, "two", make_files(tmp_path / "b", "{}"))
    git_server.serve(home, "three", make_files(tmp_path / "c", "[]"))
    assert commit_of(home, "one") == commit_of(home, "two") != commit_of(home, "three")


def test_a_repository_keeps_its_commits(home: Home, tmp_path: Path) -> None:
    files = make_files(tmp_path / "a", "{}")
    git_server.serve(home, "one", files)
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", home.git_path / "one.git", clone], check=True)
    git_server.serve(home, "again", clone)
    assert commit_of(home, "again") == commit_of(home, "one")


def test_serving_again_replaces_what_was_served(home: Home, tmp_path: Path) -> None:
    git_server.serve(home, "one", make_files(tmp_path / "a", "{}"))
    before = commit_of(home, "one")
    git_server.serve(home, "one", make_files(tmp_path / "b", "[]"))
    assert commit_of(home, "one") != before
    assert [path.name for path in home.git_path.glob("*.git")] == ["one.git"]


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden"])
def test_a_name_cannot_lead_elsewhere(home: Home, tmp_path: Path, name: str) -> None:
    with pytest.raises(SandboxError):
        git_server.serve(home, name, tmp_path)
