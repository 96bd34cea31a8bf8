import getpass
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from notebake.commands.repository import clone_repository, repository_commit
from notebake.recipe import Repository
from tests.unit.shell_world import NASTY, ShellWorld, installed_folders, shell_world


def git(directory: Path, *words: str) -> str:
    who = ("-c", "user.name=A", "-c", "user.email=a@b", "-c", "init.defaultBranch=main")
    return subprocess.run(
        ["git", *who, "-C", str(directory), *words], check=True, capture_output=True, text=True
    ).stdout.strip()


def commit(directory: Path, text: str) -> str:
    (directory / "file").write_text(text)
    git(directory, "add", "file")
    git(directory, "commit", "-qm", text)
    return git(directory, "rev-parse", "HEAD")


@pytest.fixture
def world(tmp_path: Path) -> ShellWorld:
    return shell_world(tmp_path)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    source = tmp_path / "source"
    source.mkdir()
    git(source, "init", "-q")
    commit(source, "one")
    git(source, "tag", "v1")
    commit(source, "two")
    git(source, "branch", "work/other", "v1")
    return source


def clone(source: Path, path: Path, ref: str = "HEAD") -> str:
    repository = Repository(url="https://example.org/x", ref=ref)
    local = repository.model_copy(update={"url": f"file://{source}"})
    return clone_repository(repository=local, path=str(path), user=getpass.getuser())


@pytest.mark.parametrize(
    ("ref", "at", "branch"),
    [
        ("HEAD", "main", "main"),
        ("main", "main", "main"),
        ("work/other", "v1", "work/other"),
        ("v1", "v1", "HEAD"),
    ],
)
def test_a_branch_is_a_branch_and_a_tag_is_detached(
    world: ShellWorld, source: Path, tmp_path: Path, ref: str, at: str, branch: str
) -> None:
    path = tmp_path / "below" / NASTY.replace("/", "_")
    done = world.run(clone(source, path, ref))
    assert done.returncode == 0, done.stderr
    assert world.run(repository_commit(str(path))).stdout.strip() == git(source, "rev-parse", at)
    assert git(path, "rev-parse", "--abbrev-ref", "HEAD") == branch
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("digits", [40, 9])
def test_a_commit_is_found_by_its_id(
    world: ShellWorld, source: Path, tmp_path: Path, digits: int
) -> None:
    wanted = git(source, "rev-parse", "v1")
    assert world.run(clone(source, tmp_path / "clone", wanted[:digits])).returncode == 0
    assert git(tmp_path / "clone", "rev-parse", "HEAD") == wanted


def test_a_second_run_updates_the_clone_to_the_branch(
    world: ShellWorld, source: Path, tmp_path: Path
) -> None:
    path = tmp_path / "clone"
    world.run(clone(source, path))
    (path / "notes").write_text("mine")
    newest = commit(source, "three")
    assert world.run(clone(source, path)).returncode == 0
    assert git(path, "rev-parse", "HEAD") == newest
    assert (path / "notes").read_text() == "mine"
    assert world.run(clone(source, path, "v1")).returncode == 0
    assert (path / "file").read_text() == "one"


def test_a_foreign_clone_is_not_touched(world: ShellWorld, source: Path, tmp_path: Path) -> None:
    path = tmp_path / "clone"
    path.mkdir()
    (path / "thesis").write_text("mine")
    refused = world.run(clone(source, path))
    assert refused.returncode != 0
    assert "is not a clone of" in refused.stderr
    (path / "thesis").unlink()
    git(path, "init", "-q")
    assert "is a clone of nothing" in world.run(clone(source, path)).stderr
    git(path, "remote", "add", "origin", "file:///elsewhere")
    assert "is a clone of file:///elsewhere" in world.run(clone(source, path)).stderr


def test_changes_in_the_clone_are_not_lost(world: ShellWorld, source: Path, tmp_path: Path) -> None:
    path = tmp_path / "clone"
    world.run(clone(source, path))
    (path / "file").write_text("edited")
    refused = world.run(clone(source, path, "v1"))
    assert f"{path} has changes: it is left as it is\n M file\n" in refused.stderr
    assert (path / "file").read_text() == "edited"

    typed = re.search(r"run there: (.+?) Then run here: (.+)", refused.stderr)
    assert typed
    assert typed[2] == "notebake resume RUN --from clone_repository"
    assert world.run(typed[1]).returncode == 0
    assert world.run(clone(source, path, "v1")).returncode == 0
    assert (path / "file").read_text() == "one"


def test_files_in_the_way_of_a_checkout_are_named_and_kept(
    world: ShellWorld, source: Path, tmp_path: Path
) -> None:
    path = tmp_path / f"clone {NASTY.replace('/', '_')}"
    world.run(clone(source, path))
    (path / "figures").mkdir()
    (path / "figures" / "a map.png").write_text("of an earlier notebake")
    shutil.copytree(path / "figures", source / "figures")
    git(source, "add", ".")
    git(source, "commit", "-qm", "figures")

    refused = world.run(clone(source, path))

    assert "has files of the same names as new ones" in refused.stderr
    assert "\n\tfigures/a map.png\n" in refused.stderr
    (path / "file").write_text("edited since")
    assert " M file" in world.run(clone(source, path)).stderr, "nothing is taken for our own"
    git(path, "checkout", "file")
    typed = re.search(r"run there: (.+?) Then run here", refused.stderr)
    assert typed
    assert world.run(typed[1]).returncode == 0
    assert world.run(clone(source, path)).returncode == 0


def test_many_changes_are_summarised_by_the_first_and_a_count(
    world: ShellWorld, source: Path, tmp_path: Path
) -> None:
    for number in range(30):
        (source / f"table-{number:02}").write_text("one")
    git(source, "add", ".")
    git(source, "commit", "-qm", "tables")
    world.run(clone(source, tmp_path / "clone"))
    for number in range(30):
        (tmp_path / "clone" / f"table-{number:02}").write_text("two")

    refused = world.run(clone(source, tmp_path / "clone"))

    assert refused.stderr.count("\n M table") == 20
    assert "… 30 in all" in refused.stderr


def test_an_unknown_ref_is_named_and_leaves_no_clone(
    world: ShellWorld, source: Path, tmp_path: Path
) -> None:
    refused = world.run(clone(source, tmp_path / "clone", "no-such"))
    assert "has no branch, tag or commit no-such" in refused.stderr
    assert not (tmp_path / "clone").exists()
    assert world.run(repository_commit(str(tmp_path / "clone"))).returncode != 0


@pytest.mark.parametrize("again", [False, True])
def test_an_interrupted_checkout_is_completed(
    world: ShellWorld, source: Path, tmp_path: Path, again: bool
) -> None:
    path = tmp_path / "clone"
    if again:
        world.run(clone(source, path, "v1"))
    real = "/usr/bin/git"
    half = '{ echo half > "$2/file"; touch "$2/.git/index.lock"; kill -KILL $PPID; }'
    fake = world.fake("git", f'case "$*" in *checkout\\ --quiet*) {half} ;; *) {real} "$@" ;; esac')
    assert world.run(clone(source, path)).returncode != 0
    assert any("checkout --quiet" in call for call in world.calls), "the fault did not fire"
    fake.unlink()
    done = world.run(clone(source, path))
    assert done.returncode == 0, done.stderr
    assert (path / "file").read_text() == "two"
    assert git(path, "status", "--porcelain") == ""


def test_files_in_lfs_are_pointed_out(world: ShellWorld, source: Path, tmp_path: Path) -> None:
    (source / ".gitattributes").write_text("*.nc filter=lfs\n")
    git(source, "add", ".gitattributes")
    git(source, "commit", "-qm", "lfs")
    world.fake("git", '[ "$1" != lfs ] || exit 1; exec /usr/bin/git "$@"')
    done = world.run(clone(source, tmp_path / "clone"))
    assert done.returncode == 0
    assert "git LFS, which is not installed" in done.stdout


def with_submodule(source: Path, url: str) -> None:
    """Commit a submodule of that address, which nobody needs to have."""
    text = f'[submodule "theme"]\n\tpath = theme\n\turl = {url}\n'
    (source / ".gitmodules").write_text(text)
    git(source, "add", ".gitmodules")
    git(source, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},theme")
    git(source, "commit", "-qm", "theme")


def test_a_submodule_that_cannot_be_cloned_is_reported_with_a_hint(
    world: ShellWorld, source: Path, tmp_path: Path
) -> None:
    with_submodule(source, f"{tmp_path}/not-there")

    ended = world.run(clone(source, tmp_path / "clone"))

    assert ended.returncode != 0
    assert "set repository.submodules: false in the recipe" in ended.stderr


def test_submodules_are_left_out_where_the_recipe_says_so_also_after_a_failure(
    world: ShellWorld, source: Path, tmp_path: Path
) -> None:
    with_submodule(source, f"{tmp_path}/not-there")
    world.run(clone(source, tmp_path / "clone"))
    without = Repository(url="https://example.org/x", submodules=False)
    local = without.model_copy(update={"url": f"file://{source}"})
    script = clone_repository(
        repository=local, path=str(tmp_path / "clone"), user=getpass.getuser()
    )

    assert world.run(script).returncode == 0

    assert (tmp_path / "clone" / "file").read_text() == "two"
    assert not (tmp_path / "clone" / "theme" / ".git").exists()


def test_each_folder_above_the_clone_that_was_missing_belongs_to_the_user(
    world: ShellWorld, source: Path, tmp_path: Path
) -> None:
    path = tmp_path / "home" / "courses" / "2026 autumn" / "ocean"
    (tmp_path / "home").mkdir()
    given = installed_folders(world)
    assert world.run(clone(source, path)).returncode == 0
    folders = [path.parents[1], path.parents[0], f"{path}.notebake-new"]
    assert given() == [f"{getpass.getuser()} {folder}" for folder in folders]
