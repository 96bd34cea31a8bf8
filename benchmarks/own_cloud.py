"""A sandbox cloud of the benchmarks' own, fresh, and ended without a trace."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parent.parent
REGION = "us-west-2"
POINTS_ELSEWHERE = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "NOTEBAKE_RUNS", "PREFECT_API_URL")
"""What a person may have set, and what would lead a measured program away from here."""


@dataclass(frozen=True)
class OwnCloud:
    """A sandbox that is up."""

    folder: Path
    api_url: str
    git_url: str

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a program that is to know this cloud alone, and keep all beside it."""
        inherited = {name: value for name, value in os.environ.items() if not _is_foreign(name)}
        return {
            **inherited,
            "AWS_ENDPOINT_URL": self.api_url,
            "AWS_ACCESS_KEY_ID": "sandbox",
            "AWS_SECRET_ACCESS_KEY": "sandbox",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "NOTEBAKE_HOME": str(self.folder / "notebake"),
            "NOTEBAKE_RUNS": str(self.folder / "runs"),
        }

    def ask(self, name: str) -> Any:
        """Return what the sandbox answers to one of its own calls, such as `calls`."""
        url = f"{self.api_url}/notebake-sandbox/{name}"
        with urllib.request.urlopen(url, timeout=20) as answer:  # noqa: S310
            return json.load(answer)


@contextmanager
def cloud_opened(folder: Path, *options: str) -> Iterator[OwnCloud]:
    """Start a sandbox below the folder, and end it with all it has made, whatever happens."""
    home = folder / "sandbox"
    try:
        _sandbox(home, "up", *options)
        endpoints = json.loads((home / "endpoints.json").read_text())
        yield OwnCloud(folder, endpoints["api"], endpoints["git"])
    finally:
        with undisturbed():
            _end_server(folder / "notebake")
            _sandbox(home, "down", "--purge")


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let no Ctrl-C end the block: it removes what would otherwise stay."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _is_foreign(name: str) -> bool:
    return name in POINTS_ELSEWHERE or name.startswith("PREFECT_")


def _end_server(home: Path) -> None:
    """End the Prefect server of a build that was killed before it could do so."""
    if (home / "server.json").exists():
        program = "from flows.local_prefect.server import stop_server; stop_server()"
        run([sys.executable, "-c", program], {**os.environ, "NOTEBAKE_HOME": str(home)})


def _sandbox(home: Path, *words: str) -> None:
    """Run a command of the sandbox."""
    run([sys.executable, "-m", "sandbox", "--home", str(home), *words], os.environ)


def run(command: list[str], environment: Mapping[str, str]) -> str:
    """Run a program in a session of its own, as Ctrl-C is not for it; return what it printed.

    Raises:
        RuntimeError: it failed.
    """
    done = subprocess.run(
        command,
        cwd=PROJECT,
        env=dict(environment),
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
    )
    if done.returncode:
        raise RuntimeError(f"`{' '.join(command)}` failed: {done.stderr.strip()}")
    return done.stdout
