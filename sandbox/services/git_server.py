"""Repositories that machines can clone from git://GATEWAY/NAME, without the internet."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.home import GIT_PORT, Home
from sandbox.hosts import cgroups
from sandbox.programs import run_program

SAMPLES = Path(__file__).parents[1] / "repositories"
GROUP = "git-daemon"
# Fixed, so that the same files give the same commit on every machine.
AUTHOR = {
    "GIT_AUTHOR_NAME": "notebake sandbox",
    "GIT_AUTHOR_EMAIL": "sandbox@localhost",
    "GIT_AUTHOR_DATE": "2026-01-01T00:00:00+0000",
    "GIT_COMMITTER_NAME": "notebake sandbox",
    "GIT_COMMITTER_EMAIL": "sandbox@localhost",
    "GIT_COMMITTER_DATE": "2026-01-01T00:00:00+0000",
}
# Instead of a user's settings. Sources may belong to the user who called sudo.
SETTINGS = "[safe]\n\tdirectory = *\n[init]\n\tdefaultBranch = main\n[core]\n\tautocrlf = false\n"


def start(home: Home) -> subprocess.Popen[bytes]:
    """Serve the samples and all repositories added before. The gateway address must be up."""
    if SAMPLES.is_dir():
        for sample in sorted(path for path in SAMPLES.iterdir() if path.is_dir()):
            serve(home, sample.name, sample)
    groups = cgroups.make_groups(home, GROUP)
    return cgroups.start_in_groups(
        groups,
        [
            "git",
            "daemon",
            "--reuseaddr",
            "--export-all",
            f"--listen={home.gateway}",
            f"--port={GIT_PORT}",
            f"--base-path={home.git_path}",
            str(home.git_path),
        ],
        environment=_environment(home),
    )


def serve(home: Home, name: str, source: Path) -> str:
    """Serve a repository, or the files of a directory as a single commit. Return its address.

    It replaces the repository that has the name already.
    """
    if not name or name.startswith(".") or "/" in name:
        raise SandboxError(f"{name!r} is not a name for a repository")
    if not source.is_dir():
        raise SandboxError(f"There is no directory {source}")
    home.git_path.mkdir(parents=True, exist_ok=True)
    target = home.git_path / f"{name}.git"
    with tempfile.TemporaryDirectory(dir=home.git_path, prefix=".new-") as folder:
        made = Path(folder) / "new.git"
        if (source / ".git").exists() or (source / "HEAD").is_file():
            _git(home, "clone", "--quiet", "--bare", str(source), str(made))
        else:
            _commit_files(home, source, made)
        shutil.rmtree(target, ignore_errors=True)
        made.rename(target)
    return f"{home.git_url}/{name}"


def _commit_files(home: Home, source: Path, made: Path) -> None:
    _git(home, "init", "--quiet", "--bare", str(made))
    repository = ("-c", "core.bare=false", f"--git-dir={made}", f"--work-tree={source}")
    _git(home, *repository, "add", "--all", ".", folder=source)
    _git(
        home, *repository, "commit", "--quiet", "--message", "The files as they are", folder=source
    )


def _git(home: Home, *words: str, folder: Path | None = None) -> None:
    place, environment = folder or home.path, _environment(home)
    run_program("git", *words, folder=place, environment=environment, timeout_seconds=300)


def _environment(home: Home) -> dict[str, str]:
    settings = home.git_path / ".settings"
    settings.write_text(SETTINGS)
    return {
        "PATH": os.environ["PATH"],
        "GIT_CONFIG_GLOBAL": str(settings),
        "GIT_CONFIG_NOSYSTEM": "1",
        **AUTHOR,
    }
