"""The command that lists what is not pushed, on work trees that git has made."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from notebake.commands.unsaved_work import END, list_unsaved_work
from notebake.errors import NotebakeError
from notebake.servers.host_losses import HostLosses, WorkTree, parse_losses

pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="there is no git here")


def git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=ada", "-c", "user.email=ada@localhost")
    done = subprocess.run(
        ["git", *who, *words], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def commit(folder: Path, name: str) -> None:
    (folder / name).write_text(name)
    git(folder, "add", name)
    git(folder, "commit", "--quiet", "--message", name)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made = tmp_path / "home"
    made.mkdir()
    return made


def new_tree(folder: Path, remote: Path | None = None) -> Path:
    """Make a work tree with one commit, pushed if there is a remote."""
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder, "first")
    if remote:
        remote.mkdir(parents=True)
        git(remote, "init", "--quiet", "--bare")
        git(folder, "remote", "add", "origin", str(remote))
        git(folder, "push", "--quiet", "--set-upstream", "origin", "main")
    return folder


def ask(home: Path, *folders: Path, seconds: int = 60) -> tuple[HostLosses, str]:
    command = list_unsaved_work(
        seconds=seconds, folders=[str(folder) for folder in folders], fstab="/dev/null"
    )
    done = subprocess.run(
        ["bash", "-c", command],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"], "HOME": str(home)},
    )
    assert done.returncode == 0, done.stderr
    return parse_losses("{}\n" + done.stdout), done.stdout


def test_what_no_remote_has_is_counted(home: Path, tmp_path: Path) -> None:
    tree = new_tree(home / "work/ocean", tmp_path / "remote")
    assert ask(home)[0].trees == (WorkTree(path=str(tree)),)
    assert ask(home)[0].trees[0].is_pushed

    git(tree, "checkout", "--quiet", "-b", "other")
    commit(tree, "second")
    commit(tree, "third")
    (tree / "first").write_text("stashed")
    git(tree, "stash")
    (tree / "first").write_text("changed")
    (tree / "new").write_text("new")
    (found,) = ask(home)[0].trees
    expected = WorkTree(path=str(tree), changed=1, untracked=1, commits=2, stashes=1)
    assert found == expected
    assert not found.is_pushed


def test_without_a_remote_nothing_is_pushed(home: Path) -> None:
    tree = new_tree(home / "lonely")
    git(tree, "checkout", "--quiet", "--detach")
    commit(tree, "second")
    assert ask(home)[0].trees == (WorkTree(path=str(tree), commits=2),)


def test_a_tree_without_a_commit_is_read(home: Path) -> None:
    tree = home / "empty"
    tree.mkdir()
    git(tree, "init", "--quiet")
    (tree / "new").write_text("")
    assert ask(home)[0].trees == (WorkTree(path=str(tree), untracked=1),)


ODD = 'it\'s $(touch hacked) `touch hacked`; \n\t"x" --all'


def test_odd_names_are_paths_and_no_commands(home: Path, tmp_path: Path) -> None:
    inside = new_tree(home / ODD)
    beside = new_tree(tmp_path / f"beside {ODD}/tree")
    found, _ = ask(home, beside.parent)
    assert {tree.path for tree in found.trees} == {str(inside), str(beside)}
    assert list(tmp_path.rglob("hacked")) == []


def test_a_broken_tree_is_named_and_the_others_are_counted(home: Path) -> None:
    good, broken = new_tree(home / "good"), new_tree(home / "broken")
    (broken / ".git/HEAD").unlink()
    found, said = ask(home)
    assert WorkTree(path=str(broken), is_read=False) in found.trees
    assert WorkTree(path=str(good), commits=1) in found.trees
    assert said.endswith(f"{END}\n")
    assert found.is_complete


def test_it_ends_in_its_time_and_says_so(home: Path) -> None:
    new_tree(home / "ocean")
    program = home / "bin/git"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho asked >> $HOME/asked\nexec sleep 60\n")
    program.chmod(0o755)
    command = list_unsaved_work(seconds=1, fstab="/dev/null")
    done = subprocess.run(
        ["bash", "-c", command],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": f"{program.parent}:{os.environ['PATH']}", "HOME": str(home)},
    )
    assert (home / "asked").read_text() == "asked\n", "the slow git was asked"
    assert done.returncode == 0
    assert not parse_losses("{}\n" + done.stdout).is_complete


LSBLK = """{"blockdevices": [
 {"name": "nvme0n1", "serial": "vol0aa", "model": "Amazon Elastic Block Store", "size": "8G",
  "type": "disk", "mountpoint": null,
  "children": [{"name": "nvme0n1p1", "serial": null, "mountpoint": "/"}]},
 {"name": "nvme1n1", "serial": "AWS1", "model": "Amazon EC2 NVMe Instance Storage",
  "size": "69.8G", "type": "disk", "mountpoint": "/scratch"}]}
"""


def test_mounts_and_temporary_disks_are_read() -> None:
    found = parse_losses(LSBLK + f"\n{END}\n")
    assert found.mounts["vol0aa"] == ("/",)
    assert found.instance_store == ("nvme1n1, 69.8G, /scratch",)
    assert found.is_complete
    with pytest.raises(NotebakeError, match="cannot be read"):
        parse_losses("no such program")
