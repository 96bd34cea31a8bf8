"""A check for updates asks the repository: which commit its ref is today."""

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from notebake.errors import NotebakeError
from notebake.images.updates import repository as checked
from notebake.images.updates.finding import CauseFinding
from notebake.images.updates.repository import check_repository
from notebake.recipe import Recipe, Repository
from tests.recorded_runs import COMMIT, RECIPE
from tests.update_images import current_image


class Origin:
    """A git repository that others clone, on this machine."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "origin"
        self.path.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit("first")

    def git(self, *words: str) -> str:
        names = ("AUTHOR", "COMMITTER")
        who = {f"GIT_{name}_{what}": "ada@x" for name in names for what in ("NAME", "EMAIL")}
        done = subprocess.run(
            ["git", "-C", str(self.path), *words],
            check=True,
            capture_output=True,
            text=True,
            env=os.environ | who | {"GIT_CONFIG_GLOBAL": os.devnull},
        )
        return done.stdout.strip()

    def commit(self, message: str) -> str:
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.head()

    def head(self, ref: str = "HEAD") -> str:
        return self.git("rev-parse", f"{ref}^{{commit}}")

    def recipe(self, ref: str = "HEAD") -> Recipe:
        # A recipe may not name a folder of this machine: git reads it as any other address.
        repository = Repository.model_construct(
            url=f"file://{self.path}", ref=ref, path=None, submodules=True
        )
        return RECIPE.model_copy(update={"repository": repository})

    def check(self, ref: str, baked: str) -> CauseFinding:
        return check_repository(current_image(self.recipe(ref), commit=baked), self.recipe(ref))


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    return Origin(tmp_path)


def on_branch(origin: Origin, name: str) -> str:
    origin.git("checkout", "--quiet", "-B", name)
    origin.commit(f"on {name}")
    return origin.git("checkout", "--quiet", "main")


def tag_anew(origin: Origin, name: str, *options: str) -> str:
    origin.commit("tagged anew")
    return origin.git("tag", "--force", *options, name)


NEW: dict[str, tuple[str, Callable[[Origin], object]]] = {
    "a commit on the default branch": ("HEAD", lambda o: o.commit("second")),
    "two commits": ("HEAD", lambda o: [o.commit("second"), o.commit("third")]),
    "another default branch": (
        "HEAD",
        lambda o: [on_branch(o, "next"), o.git("checkout", "--quiet", "next")],
    ),
    "a commit on main": ("main", lambda o: o.commit("second")),
    "a merge": ("main", lambda o: [on_branch(o, "x"), o.git("merge", "--no-ff", "-m", "m", "x")]),
    "a rewritten commit": (
        "main",
        lambda o: o.git("commit", "-q", "--amend", "--allow-empty", "-m", "x"),
    ),
    "a branch put back": (
        "main",
        lambda o: [
            o.commit("b"),
            o.git("reset", "--hard", "HEAD~1"),
            o.git("commit", "-q", "--amend", "--allow-empty", "-m", "y"),
        ],
    ),
    "a branch with a slash": ("feature/x", lambda o: on_branch(o, "feature/x")),
    "a branch as a remote one": ("origin/main", lambda o: o.commit("second")),
    "a branch by its whole name": ("refs/heads/main", lambda o: o.commit("second")),
    "a branch by half its name": ("heads/main", lambda o: o.commit("second")),
    "a moved tag": ("v1", lambda o: tag_anew(o, "v1")),
    "a moved annotated tag": ("v1", lambda o: tag_anew(o, "v1", "--annotate", "-m", "one")),
    "a tag with a dot": ("v1.0.3", lambda o: tag_anew(o, "v1.0.3")),
    "a tag by its whole name": ("refs/tags/v1", lambda o: tag_anew(o, "v1")),
    "a tag by half its name": ("tags/v1", lambda o: tag_anew(o, "v1", "-a", "-m", "one")),
    "a tag that looks like a commit": ("abcdef12", lambda o: tag_anew(o, "abcdef12")),
    "a branch that looks like a commit": ("deadbeef", lambda o: on_branch(o, "deadbeef")),
    "a branch as well as a tag": ("both", lambda o: on_branch(o, "both")),
    "a signed-off tag of a tag": (
        "v2",
        lambda o: [
            tag_anew(o, "v1", "-a", "-m", "1"),
            o.git("tag", "-f", "-a", "-m", "2", "v2", "v1"),
        ],
    ),
}


@pytest.mark.parametrize("name", NEW)
def test_a_new_commit_at_the_ref_is_named(name: str, origin: Origin) -> None:
    ref, change = NEW[name]
    if "both" in ref:
        origin.git("tag", "both")
        on_branch(origin, "both")
    before = origin.head()
    if ref in ("feature/x", "deadbeef"):
        origin.git("branch", ref)
    change(origin)

    found = origin.check(ref, before)

    assert found.state == "changed"
    (what,) = found.changes
    after = origin.head("refs/heads/both" if ref == "both" else ref.removeprefix("origin/"))
    assert (what.old, what.new) == (before, after)
    assert before != after


SAME: dict[str, tuple[str, Callable[[Origin], object]]] = {
    "nothing at all": ("main", lambda o: o.git("status")),
    "other branches": ("main", lambda o: [on_branch(o, "a"), on_branch(o, "zz/main")]),
    "other tags": (
        "v1",
        lambda o: [o.git("tag", "v1-rc"), o.git("tag", "x/v1"), o.git("tag", "a")],
    ),
    "a lightweight tag made annotated": (
        "v1",
        lambda o: o.git("tag", "--force", "--annotate", "-m", "one", "v1"),
    ),
    "another message of the tag": ("v1", lambda o: o.git("tag", "-f", "-a", "-m", "two", "v1")),
    "a tag, while the branch goes on": ("v1", lambda o: o.commit("second")),
    "packed refs": ("main", lambda o: [o.git("tag", "a"), o.git("pack-refs", "--all")]),
    "a renamed default branch": ("HEAD", lambda o: o.git("branch", "--move", "main", "trunk")),
}


@pytest.mark.parametrize("name", SAME)
def test_the_same_commit_is_unchanged(name: str, origin: Origin) -> None:
    ref, change = SAME[name]
    origin.git("tag", "v1")
    before = origin.head()
    change(origin)

    found = origin.check(ref, before)

    assert (found.state, found.changes, found.reason) == ("unchanged", (), "")
    assert f"`git ls-remote file://{origin.path}`" in found.how


def test_a_commit_id_never_changes(origin: Origin) -> None:
    before = origin.head()
    origin.commit("second")

    assert origin.check(before, before).state == "unchanged"
    assert origin.check(before[:8], before).state == "unchanged"
    # A full one is not even asked for: nobody answers at this address.
    nowhere = Repository(url="https://127.0.0.1:9/x/y.git", ref=before)
    recipe = RECIPE.model_copy(update={"repository": nowhere})
    assert check_repository(current_image(recipe, commit=before), recipe).state == "unchanged"


def test_another_full_commit_id_in_the_recipe_is_a_change(origin: Origin) -> None:
    found = origin.check(origin.head(), COMMIT)

    (change,) = found.changes
    assert (change.name, change.old, change.new) == ("commit", COMMIT, origin.head())


def test_a_recipe_without_a_repository_asks_nobody() -> None:
    assert check_repository(current_image(RECIPE, commit=""), RECIPE).state == "unchanged"
    (gone,) = check_repository(current_image(RECIPE), RECIPE).changes
    assert (gone.old, gone.new) == (COMMIT, None)


@pytest.mark.parametrize(
    ("ref", "message"), [("none", "no branch or tag named none"), ("abc1234", "only in a clone")]
)
def test_a_ref_that_is_not_there_is_no_change(ref: str, message: str, origin: Origin) -> None:
    with pytest.raises(NotebakeError, match=message):
        origin.check(ref, COMMIT)


def test_a_run_without_its_commit_is_not_checked(origin: Origin) -> None:
    assert origin.check("main", "").state == "not checked"


def test_a_server_that_hangs_is_left(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, origin: Origin
) -> None:
    monkeypatch.setattr(checked, "SOURCE_SECONDS", 0.2)
    program = tmp_path / "programs" / "git"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\n[ "$1" = config ] || exec sleep 600\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    began = time.monotonic()

    with pytest.raises(NotebakeError, match=r"did not answer git within 0\.2 s"):
        origin.check("main", COMMIT)

    assert time.monotonic() - began < 60


def test_a_missing_repository_gives_the_words_of_git(tmp_path: Path) -> None:
    repository = Repository.model_construct(url=f"file://{tmp_path}/none", ref="main")
    recipe = RECIPE.model_copy(update={"repository": repository})

    with pytest.raises(NotebakeError, match="does not appear to be a git repository"):
        check_repository(current_image(recipe), recipe)
