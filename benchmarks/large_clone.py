"""A clone of a large repository on a real host: by real git, over ssh, in the sandbox's network.

`python -m benchmarks.large_clone HOST URL` clones once, and tells as JSON what that cost us.
"""

import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from benchmarks.own_cloud import PROJECT
from benchmarks.peak_memory import peak_kib
from notebake.commands.repository import clone_repository
from notebake.recipe import Repository
from notebake.ssh.detached import run_detached
from notebake.ssh.host import Host
from sandbox.home import Home
from sandbox.services import git_server

FILE_BYTES = 1_000_000
CLONE_SECONDS = 300


@dataclass(frozen=True)
class Cloned:
    """What one clone took."""

    megabytes: int
    seconds: float
    peak_mib: float
    """The most memory that our process had, with all that it had imported."""


def clone_each(sizes: tuple[int, ...]) -> list[Cloned]:
    """Clone repositories of so many megabytes, each by a process of its own."""
    # Imported here: it asks for pytest, and has no types of its own.
    one_host_opened = import_module("tests.sandbox.one_host").one_host_opened
    with (
        tempfile.TemporaryDirectory(prefix="notebake-clone-") as name,
        one_host_opened(Path(name)) as cloud,
        git_started(cloud.home),
    ):
        upper = cloud.home.machines_path / "i-1/upper/etc/ssh/ssh_host_ed25519_key.pub"
        host = Host(
            instance_id="i-1",
            address=cloud.machines.reserve_address("i-1"),
            user="root",
            private_key_path=str(cloud.key),
            host_key=upper.read_text(),
        )
        return [clone_one(host, serve(cloud.home, Path(name), size), size) for size in sizes]


def clone_one(host: Host, url: str, megabytes: int) -> Cloned:
    """Clone in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.large_clone", host.model_dump_json(), url]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"The clone of {megabytes} MB failed: {done.stderr[-2000:]}")
    document = json.loads(done.stdout.splitlines()[-1])
    return Cloned(megabytes, document["seconds"], document["peak_mib"])


@contextmanager
def git_started(home: Home) -> Iterator[None]:
    """Let the host clone what is served."""
    daemon = git_server.start(home)
    try:
        yield
    finally:
        daemon.terminate()
        daemon.wait()


def serve(home: Home, folder: Path, megabytes: int) -> str:
    """Serve a repository of random files, and return its address."""
    drawn = random.Random(megabytes)  # noqa: S311
    files = folder / f"files-{megabytes}"
    files.mkdir()
    for number in range(megabytes):
        (files / f"{number:03}.bin").write_bytes(drawn.randbytes(FILE_BYTES))
    address = git_server.serve(home, files.name, files)
    # In one pack, as a server has it that is not new; what is random cannot be told by differences.
    repository = home.git_path / f"{files.name}.git"
    command = ["git", "-C", str(repository), "repack", "-a", "-d", "-q", "--window=0"]
    subprocess.run(command, check=True)
    return address


def main() -> int:
    """Clone as the step does."""
    host, url = Host.model_validate_json(sys.argv[1]), sys.argv[2]
    name = url.rpartition("/")[2]
    text = clone_repository(repository=Repository(url=url), path=f"/srv/{name}", user="root")
    began = time.monotonic()
    run_detached(host, f"clone-{name}", text, timeout_seconds=CLONE_SECONDS)
    seconds = time.monotonic() - began
    sys.stdout.write(json.dumps({"seconds": seconds, "peak_mib": peak_kib() / 1024}) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
