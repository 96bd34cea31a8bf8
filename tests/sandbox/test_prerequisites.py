"""A machine that lacks something is told so in one breath, by any Python and without a library."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.control import prerequisites

PROJECT = Path(__file__).parent.parent.parent
FAILING_APT = "#!/bin/sh\necho 'E: Could not reach the archive' >&2\nexit 100\n"
# A person's own start of the command, with a machine of another kind around it.
ELSEWHERE = """
import platform, runpy, signal, sys, urllib.request
{change}
sys.argv = ["sandbox", "{command}"]
runpy.run_module("sandbox", run_name="__main__", alter_sys=True)
"""
MACOS = "sys.platform = 'darwin'; platform.system = lambda: 'Darwin'; del signal.SIGRTMIN"
OLD_PYTHON = "sys.version_info = (3, 10, 2)"


def run_elsewhere(change: str, command: str, path: Path | None = None) -> tuple[int, str, str]:
    """Run the command line as Python with nothing but its standard library would."""
    script = ELSEWHERE.format(change=change, command=command)
    environment = {**os.environ, "PATH": str(path)} if path else None
    words = [sys.executable, "-S", "-c", script]
    done = subprocess.run(
        words, capture_output=True, text=True, cwd=PROJECT, env=environment, check=False
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("command", ["install", "needs"])
def test_a_machine_of_another_kind_is_told_what_to_do_instead(command: str) -> None:
    code, said, error = run_elsewhere(MACOS, command)
    assert (code, said) == (1, "")
    assert error.startswith("The sandbox cannot run on this machine: this is Darwin")
    assert "virtual machine" in error.replace("\n", " ")


def test_an_old_python_is_refused_in_one_sentence() -> None:
    code, _, error = run_elsewhere(OLD_PYTHON, "install")
    assert (code, error.count("\n")) == (1, 1)
    assert "needs Python 3.11" in error


def test_the_packages_to_install_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "git").symlink_to("/bin/true")
    monkeypatch.setattr(prerequisites, "SYSTEM_PATHS", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    packages = prerequisites.missing_packages()
    assert "git" not in packages
    assert {"systemd-container", "mmdebstrap", "nftables"} <= set(packages)
    assert any("no apt-get" in reason for reason in prerequisites.find_obstacles(tmp_path))


def test_an_archive_out_of_reach_is_reported_with_what_it_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apt = tmp_path / "apt-get"
    apt.write_text(FAILING_APT)
    apt.chmod(0o755)
    monkeypatch.setattr(prerequisites, "SYSTEM_PATHS", ())
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin-that-is-not-there")
    for name in ("DEBIAN_FRONTEND", "NEEDRESTART_MODE"):
        monkeypatch.setenv(name, "")  # which `install` sets: nobody else shall see it
    told: list[str] = []
    with pytest.raises(
        prerequisites.SandboxError, match=r"(?s)could not install.*Could\s+not\s+reach"
    ):
        prerequisites.install(told.append)
    assert told[0].startswith("Installing ")
