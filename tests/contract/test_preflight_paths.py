"""Preflight finds the notebook in real repositories, with and without partial clone."""

import getpass
import os
import subprocess
from pathlib import Path

import pytest

from notebake.commands.repository import clone_repository
from notebake.preflight import repository_paths
from notebake.preflight.finding import CheckResult
from notebake.recipe import Notebook, Repository
from tests.cloud_world import RECIPE, CloudWorld
from tests.preflight_world import sentences
from tests.unit.shell_world import shell_world

FILES = ("notebooks/Sea Surface.ipynb", "notebooks/deep/eddies.ipynb", "README.md", "data/a.csv")


def git(*words: str) -> str:
    settings = ("-c", "user.name=A", "-c", "user.email=a@b.c", "-c", "protocol.file.allow=always")
    command = ["git", *settings, *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def served(tmp_path: Path) -> Path:
    """A repository whose server gives folders without files, as code hosts do."""
    served = tmp_path / "ocean.git"
    git("init", "--quiet", "--initial-branch=main", str(served))
    for name in ("uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"):
        git("-C", str(served), "config", name, "true")
    for name in FILES:
        (served / name).parent.mkdir(parents=True, exist_ok=True)
        (served / name).write_text("{}")
    (served / "linked").symlink_to("notebooks")
    (served / "large.bin").write_bytes(os.urandom(1 << 20))
    git("-C", str(served), "add", ".")
    git("-C", str(served), "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},theme")
    git("-C", str(served), "commit", "--quiet", "--message=x")
    git("-C", str(served), "tag", "v1")
    git("-C", str(served), "rm", "--quiet", "notebooks/deep/eddies.ipynb")
    git("-C", str(served), "commit", "--quiet", "--message=y")
    return served


def ask(world: CloudWorld, served: Path, verdict: CheckResult, path: str, **more: str) -> str:
    ref, folder = more.get("ref", "HEAD"), more.get("working_directory")
    repository = Repository(url="https://example.org/ocean.git", ref=ref, submodules=False)
    repository = repository.model_copy(update={"url": f"file://{served}"})
    notebook = Notebook(path=path, working_directory=folder)
    recipe = RECIPE.model_copy(update={"repository": repository, "notebook": notebook})
    return sentences(world.new_run(recipe), verdict, "repository")


@pytest.mark.parametrize("ref", ["HEAD", "main", "v1", "whole id", "short id"])
def test_an_existing_notebook_is_good_at_any_ref(world: CloudWorld, served: Path, ref: str) -> None:
    commit = git("-C", str(served), "rev-parse", "HEAD")
    ref = {"whole id": commit, "short id": commit[:9]}.get(ref, ref)

    findings = ask(world, served, CheckResult.GOOD, "./notebooks/Sea Surface.ipynb", ref=ref)

    assert f"file://{served} at {ref} has notebooks/Sea Surface.ipynb." in findings


REFS = {
    "refs/heads/dev": True,
    "dev": True,
    "refs/tags/v1": True,
    "refs/tags/noted": True,
    "refs/tags/dev": True,
    "refs/heads/none": False,
    "refs/tags/none": False,
    "refs/pull/1/head": False,
}


@pytest.mark.parametrize(("ref", "is_there"), REFS.items(), ids=REFS.keys())
def test_preflight_and_the_clone_agree_on_every_ref(
    world: CloudWorld, served: Path, tmp_path: Path, ref: str, is_there: bool
) -> None:
    git("-C", str(served), "branch", "dev")
    git("-C", str(served), "tag", "dev", "v1")
    git("-C", str(served), "tag", "--annotate", "--message=x", "noted", "v1")
    git("-C", str(served), "update-ref", "refs/pull/1/head", "v1")
    at_v1 = "notebooks/deep/eddies.ipynb"
    path = at_v1 if ref.startswith("refs/tags/") else "notebooks/Sea Surface.ipynb"
    repository = Repository(url="https://example.org/ocean.git", ref=ref, submodules=False)
    repository = repository.model_copy(update={"url": f"file://{served}"})

    clone = tmp_path / "clone"
    script = clone_repository(repository=repository, path=str(clone), user=getpass.getuser())
    cloned = shell_world(tmp_path).run(script)

    assert (cloned.returncode == 0) == is_there, cloned.stderr
    wrong = ask(world, served, CheckResult.WRONG, path, ref=ref)
    assert (wrong == "") == is_there, wrong
    if is_there:
        assert (clone / path).exists()
        assert f" has {path}." in ask(world, served, CheckResult.GOOD, path, ref=ref)


def test_a_notebook_is_looked_for_only_at_the_ref(world: CloudWorld, served: Path) -> None:
    earlier = git("-C", str(served), "rev-parse", "v1")
    for ref in ("v1", earlier):
        assert "eddies.ipynb." in ask(
            world, served, CheckResult.GOOD, "notebooks/deep/eddies.ipynb", ref=ref
        )
    findings = ask(world, served, CheckResult.WRONG, "notebooks/deep/eddies.ipynb")
    assert "at HEAD has no notebooks/deep/eddies.ipynb" in findings


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("notebooks/sea surface.ipynb", "Did you mean notebooks/Sea Surface.ipynb?"),
        ("notebooks\\Sea Surface.ipynb", "Did you mean notebooks/Sea Surface.ipynb?"),
        ("Sea Surface.ipynb", "Did you mean notebooks/Sea Surface.ipynb?"),
        ("notebooks/Sea Surfcae.ipynb", "Did you mean notebooks/Sea Surface.ipynb?"),
        ("x.ipynb", "It has notebooks/Sea Surface.ipynb"),
    ],
    ids=["case", "as on Windows", "another folder", "misspelt", "nothing alike"],
)
def test_a_similar_path_is_suggested(world: CloudWorld, served: Path, path: str, hint: str) -> None:
    findings = ask(world, served, CheckResult.WRONG, path)

    assert f"at HEAD has no {path}. {hint}" in findings


def test_the_working_directory_is_checked_too(world: CloudWorld, served: Path) -> None:
    path = "notebooks/Sea Surface.ipynb"
    for folder in (".", "data/", "linked", "theme"):
        assert ask(world, served, CheckResult.WRONG, path, working_directory=folder) == ""

    findings = ask(world, served, CheckResult.WRONG, path, working_directory="Notebooks")

    assert "has no directory Notebooks. Did you mean notebooks?" in findings


@pytest.mark.parametrize(
    ("path", "kind"), [("linked/a.ipynb", "link"), ("theme/a.ipynb", "submodule")]
)
def test_a_path_that_only_a_clone_shows_is_not_checked(
    world: CloudWorld, served: Path, path: str, kind: str
) -> None:
    findings = ask(world, served, CheckResult.NOT_CHECKED, path)

    assert f"is a {kind}: {path} shows when it is cloned" in findings
    assert ask(world, served, CheckResult.WRONG, path) == ""


def test_a_server_without_partial_clone_is_limited_to_a_small_download(
    world: CloudWorld, served: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = "notebooks/Sea Surface.ipynb"
    git("-C", str(served), "config", "uploadpack.allowFilter", "false")
    assert ask(world, served, CheckResult.GOOD, path), "a small one may come whole"

    monkeypatch.setattr(repository_paths, "MAX_BLOCKS", 1000)
    findings = ask(world, served, CheckResult.NOT_CHECKED, path)

    assert f"has {path} shows when it is cloned" in findings
    git("-C", str(served), "config", "uploadpack.allowFilter", "true")
    assert ask(world, served, CheckResult.GOOD, path), "its files are never asked for"


def test_a_commit_that_the_server_does_not_serve_is_not_checked(
    world: CloudWorld, served: Path
) -> None:
    ref = "1" * 40

    findings = ask(world, served, CheckResult.NOT_CHECKED, "notebooks/Sea Surface.ipynb", ref=ref)

    assert "shows when it is cloned" in findings


SUBMODULES = {
    "git@github.com:someone/theme.git": "is cloned by ssh, for which the machine has no key",
    "ssh://git@host/theme": "is cloned by ssh",
    "git://github.com/someone/theme": "ended these in 2022",
    "": "without an address in .gitmodules",
    "../theme.git": "",
    "https://host/theme": "",
}


@pytest.mark.parametrize(("address", "words"), SUBMODULES.items(), ids=SUBMODULES.keys())
@pytest.mark.parametrize("path", ["notebooks/Sea Surface.ipynb", None])
def test_a_submodule_that_the_machine_cannot_clone_is_named(
    world: CloudWorld, served: Path, address: str, words: str, path: str | None
) -> None:
    if address:
        text = f'[submodule "the theme"]\n\tpath = theme\n\turl = {address}\n'
        (served / ".gitmodules").write_text(text)
        git("-C", str(served), "add", ".gitmodules")
        git("-C", str(served), "commit", "--quiet", "--message=z")
    repository = Repository(url="https://example.org/ocean.git")
    repository = repository.model_copy(update={"url": f"file://{served}"})
    recipe = RECIPE.model_copy(update={"repository": repository, "notebook": Notebook(path=path)})

    findings = sentences(world.new_run(recipe), CheckResult.WRONG, "repository")

    assert words in findings
    assert bool(findings) == bool(words)
    if words:
        assert "the submodule theme" in findings
        assert "repository.submodules: false" in findings
