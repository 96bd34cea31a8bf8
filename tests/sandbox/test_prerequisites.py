"""What a machine lacks is reported at once, by any Python and without any library."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.control import prerequisites
from sandbox.errors import SandboxError
from sandbox.hosts import network

PROJECT = Path(__file__).parent.parent.parent
FAILING_APT = "#!/bin/sh\necho 'E: Could not reach the archive' >&2\nexit 100\n"
IDLE_APT = "#!/bin/sh\n"
# The command as a person starts it, on a pretended machine of another kind.
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
def test_an_unsupported_system_is_reported_with_an_alternative(command: str) -> None:
    code, output, error = run_elsewhere(MACOS, command)
    assert (code, output) == (1, "")
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


@pytest.mark.parametrize(
    ("program", "reason"),
    [(FAILING_APT, r"Could\s+not\s+reach"), (IDLE_APT, r"reported\s+no\s+error")],
)
def test_packages_that_apt_does_not_install_are_reported_with_its_last_line(
    program: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apt = tmp_path / "apt-get"
    apt.write_text(program)
    apt.chmod(0o755)
    monkeypatch.setattr(prerequisites, "SYSTEM_PATHS", ())
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin-that-is-not-there")
    for name in ("DEBIAN_FRONTEND", "NEEDRESTART_MODE"):
        monkeypatch.setenv(name, "")  # `install` sets them: no other test may see that
    reports: list[str] = []
    with pytest.raises(SandboxError, match=rf"(?s)could not install.*{reason}"):
        prerequisites.install(reports.append)
    assert reports[0].startswith("Installing ")


@pytest.mark.parametrize(
    ("text", "others", "kept"),
    [
        ("nameserver 127.0.0.53\n", "nameserver 10.0.0.2\n", "nameserver 10.0.0.2\n"),
        ("nameserver ::1\nsearch a\nnameserver 10.0.0.2\n", "", "search a\nnameserver 10.0.0.2\n"),
        ("# nameserver 127.0.0.1\nnameserver\t10.0.0.2", "", None),
        ("nameserver 127.0.0.1\n", "", ""),
        ("nameserver   127.0.0.1\nnameserver ::1\n", "nameserver fe80::1%eth0\n", ""),
        ("nameserver 0.0.0.0\n", "", ""),
        ("search a\n", "", ""),
    ],
)
def test_only_resolvers_that_hosts_reach_are_given_to_them(
    text: str, others: str, kept: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = tmp_path / "resolv.conf", tmp_path / "others", tmp_path / "absent"
    files[0].write_text(text)
    files[1].write_text(others)
    monkeypatch.setattr(network, "HOST_RESOLVERS", files)
    assert network.resolver_text() == (f"{text}\n" if kept is None else kept)


@pytest.mark.parametrize("text", ["nameserver 127.0.0.1\n", "nameserver ::1\nsearch a\n"])
def test_a_machine_whose_only_resolver_hosts_cannot_reach_is_told_what_to_do(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "resolv.conf"
    monkeypatch.setattr(network, "HOST_RESOLVERS", (file,))
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    for good in ("nameserver 10.0.0.2\n", "search a\n"):
        file.write_text(good)
        assert not any("names" in reason for reason in prerequisites.find_obstacles(tmp_path))
    file.write_text(text)
    (reason,) = (each for each in prerequisites.find_obstacles(tmp_path) if "names" in each)
    assert f"cannot reach {text.split()[1]}" in reason
    assert str(file) in reason
