"""Where notebake keeps its files on this machine, and the errors if it cannot."""

import errno
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from notebake.errors import RunStoreError
from notebake.local.home import HomeError, check_home, home, scratch_directory
from notebake.machines import dataset_sftp
from notebake.recipe import Recipe
from notebake.runs.log import run_log
from notebake.runs.open_store import default_location, open_store
from notebake.runs.run import Run
from notebake.runs.secret_store import local_copies
from tests.limits import HANG_SECONDS

ROOT = Path(__file__).parents[2]
RUN = Run(id="ocean-1", recipe=Recipe(name="ocean"), store="s3://bucket/runs")
NOBODY = 64123
"""A user id that no user of this machine has."""
needs_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can mount, and be another user"
)


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NOTEBAKE_HOME", "NOTEBAKE_RUNS", "TMPDIR"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"HOME": "/home/ada"}, "/home/ada/.notebake"),
        ({"HOME": "/home/ada", "NOTEBAKE_HOME": ""}, "/home/ada/.notebake"),
        ({"HOME": "/home/ada", "NOTEBAKE_HOME": "/data/notebake"}, "/data/notebake"),
        ({"HOME": "/home/ada", "NOTEBAKE_HOME": "~/elsewhere"}, "/home/ada/elsewhere"),
        ({"NOTEBAKE_HOME": "here"}, f"{Path.cwd()}/here"),
    ],
)
def test_notebake_home_sets_the_location_of_all_files(
    variables: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    from flows.local_prefect.server import settings_for, state_path

    assert str(home()) == expected
    assert default_location() == f"{expected}/runs"
    assert str(local_copies(RUN)) == f"{expected}/keys/ocean-1"
    assert str(state_path()) == f"{expected}/server.json"
    assert settings_for("http://x")["PREFECT_HOME"] == f"{expected}/prefect"


def test_the_log_of_a_remote_run_lies_in_the_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTEBAKE_HOME", str(tmp_path))
    with run_log(RUN) as path:
        assert path == tmp_path / "logs" / "ocean-1.txt"


def test_runs_can_lie_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTEBAKE_HOME", "/data/notebake")
    monkeypatch.setenv("NOTEBAKE_RUNS", "s3://bucket/runs")
    assert default_location() == "s3://bucket/runs"


@needs_root
@pytest.mark.parametrize(
    "module",
    [
        "flows.local_prefect.server",
        "flows.cli.main",
        "deployments.local",
        "notebake.runs.secret_store",
    ],
)
def test_modules_import_without_a_home_directory(module: str) -> None:
    done = as_nobody("import sys; __import__(sys.argv[1])", module)
    assert done.returncode == 0, done.stderr


@needs_root
def test_a_user_without_a_home_is_told_which_variable_to_set(tmp_path: Path) -> None:
    program = "from notebake.local.home import home; print(home())"
    refused = as_nobody(program)
    assert "HOME is not set, and user 64123 has no home" in refused.stderr
    assert "export NOTEBAKE_HOME=" in refused.stderr
    assert as_nobody(program, NOTEBAKE_HOME=str(tmp_path)).stdout.strip() == str(tmp_path)


def as_nobody(program: str, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a program as a user whom this machine does not know, and who has no HOME."""
    known = {name: value for name, value in os.environ.items() if name != "HOME"}
    return subprocess.run(
        [sys.executable, "-B", "-c", program, *words],
        cwd=ROOT,
        env=known | {"PATH": os.environ["PATH"]} | variables,
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        capture_output=True,
        text=True,
        check=False,
        timeout=HANG_SECONDS,
    )


def test_a_usable_home_is_not_changed(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NOTEBAKE_HOME", str(tmp_path / "new"))
        check_home()
    assert list((tmp_path / "new").iterdir()) == []
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("way", ["a file", "below a file", "a dangling link"])
def test_a_home_that_is_not_a_directory_is_reported(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "home"
    if way == "a dangling link":
        place.symlink_to(tmp_path / "nowhere")
    else:
        place.write_text("")
    monkeypatch.setenv("NOTEBAKE_HOME", str(place / "x" if way == "below a file" else place))

    with pytest.raises(HomeError, match=r": (Not a directory|File exists)") as caught:
        check_home()

    assert "export NOTEBAKE_HOME=" in caught.value.hint


MOUNTED = """
mount -t tmpfs -o {options} none {place}
exec {python} -B -c 'from notebake.local.home import check_home; check_home()'
"""


@needs_root
@pytest.mark.parametrize(
    ("options", "reason"),
    [("ro", "Read-only file system"), ("size=64k", "No space left on device")],
)
def test_an_unwritable_home_is_reported_with_the_variable_to_set(
    options: str, reason: str, tmp_path: Path
) -> None:
    program = MOUNTED.format(options=options, place=tmp_path, python=sys.executable)
    done = subprocess.run(
        ["unshare", "--mount", "bash", "-c", program],
        cwd=ROOT,
        env={**os.environ, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=HANG_SECONDS,
    )
    assert f"cannot write its files to {tmp_path}/.notebake: {reason}" in done.stderr
    assert "export NOTEBAKE_HOME=" in done.stderr


def test_an_exceeded_quota_is_detected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTEBAKE_HOME", str(tmp_path))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, limits[1]))
    try:
        with pytest.raises(HomeError, match=r"File too large\. A run needs 16 MiB"):
            check_home()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize(
    ("runs", "hinted"),
    [("", "export NOTEBAKE_HOME="), ("runs", "export NOTEBAKE_RUNS="), ("given", "--store ")],
)
def test_an_unwritable_run_store_names_the_setting_that_chose_it(
    runs: str, hinted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTEBAKE_HOME", str(tmp_path / "home"))
    for name in ("home", "runs", "given"):
        (tmp_path / name).write_text("in the way")
    if runs == "runs":
        monkeypatch.setenv("NOTEBAKE_RUNS", str(tmp_path / runs))
    location = str(tmp_path / runs) if runs == "given" else default_location()

    with pytest.raises(RunStoreError) as caught:
        open_store(location).create("run-1/run.json", b"")

    assert hinted in caught.value.hint


def test_a_full_temporary_disk_names_tmpdir(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", "/somewhere")
    with pytest.raises(HomeError, match="/somewhere: No space left") as caught, scratch_directory():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert "export TMPDIR=" in caught.value.hint


def test_a_missing_temporary_directory_names_tmpdir(monkeypatch: pytest.MonkeyPatch) -> None:
    def find_none(*_: object) -> str:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']")

    monkeypatch.setattr(tempfile, "mkdtemp", find_none)
    with pytest.raises(HomeError, match="No usable temporary") as caught, scratch_directory():
        pass
    assert "export TMPDIR=" in caught.value.hint


def test_other_errors_in_the_temporary_directory_pass_unchanged() -> None:
    with pytest.raises(PermissionError), scratch_directory() as scratch:
        raise PermissionError(errno.EACCES, "somebody else's", str(scratch))
    assert not scratch.exists()


@needs_root
def test_a_full_local_disk_during_sftp_is_reported(tmp_path: Path) -> None:
    """A program that fills the disk stands for sftp, which says so in whatever language."""
    bin_path, small = tmp_path / "bin", tmp_path / "small"
    for directory in (bin_path, small):
        directory.mkdir()
    (bin_path / "sftp").write_text(
        '#!/bin/bash\nread -r get r source target\nhead --bytes=1M /dev/zero > ${target//\\"/}\n'
    )
    (bin_path / "sftp").chmod(0o755)
    program = (
        "from pathlib import Path; from notebake.machines.dataset_sftp import download_by_sftp;"
        f"download_by_sftp('sftp://host/data', Path({str(small)!r}))"
    )
    script = f'mount -t tmpfs -o size=64k none {small}; exec {sys.executable} -B -c "$P"'
    done = subprocess.run(
        ["unshare", "--mount", "bash", "-c", script],
        cwd=ROOT,
        env={**os.environ, "P": program, "PATH": f"{bin_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=HANG_SECONDS,
    )
    assert "OSError: [Errno 28] No space left on device" in done.stderr
    assert dataset_sftp.FULL_BELOW_BYTES <= 2**20
