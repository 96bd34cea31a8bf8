"""Copy-on-write views, run with real overlays and copies in mount namespaces."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

import pytest

from notebake.commands.copy_on_write import REMOVE_VIEWS, VIEW_DIRECTORY, run_copy_on_write
from notebake.commands.shell import script
from tests.unit.shell_world import NASTY, ShellWorld, shell_world

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")

KINDS = ("overlay", "copy")


@dataclass
class Clone:
    """A clone on a file system of its own, which is there as long as a namespace."""

    world: ShellWorld
    kind: str

    @property
    def disk(self) -> Path:
        return self.world.directory / "disk"

    @property
    def path(self) -> Path:
        return self.disk / "home" / NASTY.replace("/", "_")

    def text(self, *notebook: str, before: str = "", after: str = "") -> str:
        """Return a text that makes the disk and the clone, and runs a notebook in a view."""
        clone = quote(str(self.path))
        made = (
            "set -eu",
            f"mount --types tmpfs --options size=64m,nosuid disk {self.disk}",
            f"mkdir --parents {clone}/figures {self.disk}/other",
            f"cd {clone}",
            "echo as-cloned > table.csv; echo in > figures/kept",
            "chown --recursive 4321:1234 . ; chmod 0750 .",
        )
        work = f"cd {clone}\n" + "\n".join(notebook)
        view = script(run_copy_on_write(str(self.path), f"bash -euc {quote(work)}"))
        return "\n".join(
            (*made, before, f"code=0; bash -c {quote(view)} || code=$?", f"cd {clone}", after)
        )

    def run(self, *notebook: str, before: str = "", after: str = "") -> list[str]:
        """Return what was printed; what stays of the view fails."""
        left = f"ls -A {self.disk} | grep --fixed-strings {VIEW_DIRECTORY} && exit 99"
        left += '; echo "code $code"'
        text = self.text(*notebook, before=before, after=f"{after}\n{left}")
        done = self.world.run(f"unshare --mount bash -c {quote(text)}")
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()


@pytest.fixture(params=KINDS)
def clone(request: pytest.FixtureRequest, tmp_path: Path) -> Clone:
    world = shell_world(tmp_path)
    made = Clone(world, request.param)
    made.disk.mkdir()
    if request.param == "copy":
        real = shutil.which("mount")
        world.fake("mount", f'case "$*" in *overlay*) exit 32 ;; esac; exec {real} "$@"')
    return made


def test_files_written_by_a_notebook_are_discarded(clone: Clone) -> None:
    output = clone.run(
        "mkdir new; echo written > table.csv; rm figures/kept; mv figures moved; cat table.csv",
        "ls -d moved new; stat --format='%u %g %a' .",
        "exit 7",
        after="cat table.csv figures/kept; ls",
    )

    assert output[-5:] == ["as-cloned", "in", "figures", "table.csv", "code 7"]
    inside = [line for line in output[:-5] if "in a copy" not in line]
    assert inside == ["written", "moved", "new", "4321 1234 750"]
    assert any("in a copy" in line for line in output) == (clone.kind == "copy")


def test_nested_mounts_are_not_part_of_the_view(clone: Clone) -> None:
    # Digits behind a blank: mountinfo(5) writes the blank as three of them.
    data = quote("data of 2020\\")
    output = clone.run(
        f"cd {data}; cat in deep/in; echo out > out; echo out > deep/out",
        "grep --count '2020.*/deep' /proc/self/mountinfo",
        before=f"mkdir {data}; mount -t tmpfs x {data}; mkdir {data}/deep;"
        f"mount -t tmpfs x {data}/deep; echo one > {data}/in; echo two > {data}/deep/in",
        after=f"cat {data}/out {data}/deep/out",
    )

    output = [line for line in output if "in a copy" not in line]
    # The second is the one that the view covers.
    assert output == ["one", "two", "2", "out", "out", "code 0"]


def test_the_view_keeps_the_mount_options_of_the_disk(clone: Clone) -> None:
    output = clone.run(
        "findmnt --noheadings --output VFS-OPTIONS --target .",
        "./figures/kept || echo refused",
        before=f"chmod +x figures/kept; mount -o remount,noexec,nosuid,nodev {clone.disk}",
    )

    assert "refused" in output
    assert any("nosuid,nodev,noexec" in line for line in output)


def test_a_symlink_to_the_directory_leads_into_the_view(clone: Clone) -> None:
    link = clone.disk / "link"
    linked = Clone(clone.world, clone.kind)
    text = linked.text(before=f"ln -s {quote(str(clone.path))} {link}")
    notebook = f"cd {link}; echo written > table.csv; cat {quote(str(clone.path))}/table.csv"
    view = script(run_copy_on_write(str(link), f"bash -euc {quote(notebook)}"))
    text += f"bash -c {quote(view)}\ncat table.csv\n"

    done = clone.world.run(f"unshare --mount bash -c {quote(text)}")

    assert done.stdout.splitlines()[-2:] == ["written", "as-cloned"], done.stderr


def test_processes_left_by_a_notebook_are_killed(clone: Clone) -> None:
    deaf = "trap '' TERM HUP INT; echo $BASHPID; exec setsid sleep 1000"
    output = clone.run(
        f"bash -c {quote(deaf)} > left & until [ -s left ]; do sleep 0.01; done",
        "until grep -qx sleep /proc/$(cat left)/comm; do sleep 0.01; done; cat left",
    )

    (daemon,) = (line for line in output if line.isdigit())
    command = Path(f"/proc/{daemon}/cmdline")
    assert not command.exists() or command.read_bytes() == b"", "neither gone nor a zombie"
    assert "Killing processes that the notebook left running: sleep" in output


def test_nothing_is_mounted_outside(clone: Clone) -> None:
    output = clone.run("touch inside", before="mount --make-rshared /", after="cat /proc/mounts")

    assert not [line for line in output if VIEW_DIRECTORY in line or "notebake-view" in line]


def test_a_missing_directory_is_named(clone: Clone) -> None:
    done = clone.world.run(script(run_copy_on_write("/no/such clone", "touch began")))

    assert (done.returncode, done.stderr) == (66, "There is no directory /no/such clone\n")
    assert not (clone.world.directory / "began").exists()


def test_without_namespaces_an_error_is_reported_and_nothing_starts(clone: Clone) -> None:
    clone.world.fake("unshare", "echo 'unshare failed: Operation not permitted' >&2; exit 1")

    done = clone.world.run(script(run_copy_on_write(str(clone.disk), "touch began")))

    assert done.returncode == 1
    assert "Operation not permitted" in done.stderr
    assert f"would leave changes in {clone.disk}" in done.stderr
    assert not (clone.world.directory / "began").exists()


def test_a_disk_filled_in_the_view_is_emptied_afterwards(clone: Clone) -> None:
    output = clone.run(
        "df --output=size . | tail --lines=1",
        "head -c 80M /dev/zero 2>&1 > large || echo refused; stat --format=%s large",
        after="df --output=used . | tail --lines=1",
    )

    size, *_, used, code = output
    if clone.kind == "copy":
        size = output[1]
    assert int(size) == 64 * 1024
    assert "refused" in output
    assert int(used) < 1024
    assert code == "code 0"


def test_a_copy_that_does_not_fit_is_reported_as_a_full_disk(tmp_path: Path) -> None:
    world = shell_world(tmp_path)
    clone = Clone(world, "copy")
    clone.disk.mkdir()
    real = shutil.which("mount")
    world.fake("mount", f'case "$*" in *overlay*) exit 32 ;; esac; exec {real} "$@"')
    text = clone.text("touch began", before="head -c 40M /dev/zero > large", after='echo "$code"')

    done = world.run(f"unshare --mount bash -c {quote(text)}")

    assert done.stdout.splitlines()[-1] == "1"
    assert "no space left on device" in done.stderr


@pytest.mark.parametrize("signal", ["KILL", "TERM"])
def test_a_killed_notebook_leaves_nothing_for_the_next_one(clone: Clone, signal: str) -> None:
    work = "mkdir new; echo written > table.csv; touch ../../other/began; sleep 1000"
    work = f"cd {quote(str(clone.path))}; {work}"
    view = script(run_copy_on_write(str(clone.path), f"bash -euc {quote(work)}"))
    ended_in_its_middle = (
        f"setsid bash -c {quote(view)} &",
        "until [ -e ../../other/began ]; do sleep 0.01; done",
        f"kill -{signal} -- -$!",
        "wait $! || echo ended",
        f"cat table.csv; ls -A {clone.disk}/{VIEW_DIRECTORY} || true",
    )

    output = clone.run("mkdir new; cat table.csv", before="\n".join(ended_in_its_middle))

    assert output[output.index("ended") + 1] == "as-cloned"
    assert ("upper" in output) == (signal == "KILL"), "SIGTERM lets it clear up itself"
    assert output[-2:] == ["as-cloned", "code 0"]


def test_cleaning_removes_the_view_of_a_killed_notebook(clone: Clone) -> None:
    text = f"mkdir --parents {clone.disk}/{VIEW_DIRECTORY}/upper; {REMOVE_VIEWS}"
    listing = f"set -euo pipefail; mount -t tmpfs x {clone.disk}; {text}; ls -A {clone.disk}"
    clone.world.fake("findmnt", f"echo {clone.disk}")

    done = clone.world.run(f"unshare --mount bash -c {quote(listing)}")

    assert (done.returncode, done.stdout) == (0, "")
