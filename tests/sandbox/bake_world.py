"""The world in which whole bakes are proven: a sandbox cloud and a Prefect server."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import boto3

from sandbox.home import Home, open_home
from sandbox.hosts import network
from tests.limits import HANG_SECONDS

PROJECT = Path(__file__).parent.parent.parent
REGION = "us-west-2"
BIN = Path(sys.executable).parent
Call = dict[str, Any]


@dataclass(frozen=True)
class Cloud:
    """A sandbox cloud of the tests' own, as an AWS client and as this machine see it."""

    home: Home

    @property
    def environment(self) -> dict[str, str]:
        """What points AWS's clients at it."""
        return {
            "AWS_ENDPOINT_URL": self.home.api_url,
            "AWS_ACCESS_KEY_ID": "sandbox",
            "AWS_SECRET_ACCESS_KEY": "sandbox",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
        }

    def ec2(self) -> Any:
        return boto3.client(
            "ec2",
            region_name=REGION,
            endpoint_url=self.home.api_url,
            aws_access_key_id="sandbox",
            aws_secret_access_key="sandbox",  # noqa: S106
        )

    def calls(self, action: str) -> list[Call]:
        """Return the calls of one action that had an effect."""
        return [
            call for call in self.all_calls() if call["action"] == action and call["code"] == "OK"
        ]

    def all_calls(self) -> list[Call]:
        """Return every call so far, the oldest first."""
        url = f"{self.home.api_url}/notebake-sandbox/calls"
        with urllib.request.urlopen(url, timeout=HANG_SECONDS) as answer:  # noqa: S310
            every: list[Call] = json.load(answer)
        return every

    def serve(self, name: str, files: Mapping[str, str], folder: Path) -> str:
        """Serve these files to the machines by git, and return the address."""
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        command = ["--home", str(self.home.path), "serve", name, str(folder)]
        return run_module("sandbox", *command).strip()

    def running(self) -> list[str]:
        """Return the machines that there are, as the kernel knows them."""
        return network.namespaces(self.home)


def run_module(*words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *words], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def cloud_opened(path: Path) -> Iterator[Cloud]:
    """Start a sandbox, and end it without a trace."""
    home = open_home(path)
    assert home.number > 0, "the default sandbox is not the tests' to use"
    words = ("sandbox", "--home", str(path))
    try:
        run_module(*words, "up")
        yield Cloud(home)
    finally:
        run_module(*words, "down", "--purge")


@contextmanager
def prefect_started(
    path: Path, variables: Mapping[str, str] = MappingProxyType({})
) -> Iterator[str]:
    """Start a Prefect server and give its address at once; it answers later."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "PREFECT_HOME": str(path), "DO_NOT_TRACK": "1"}
    environment |= {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", **variables}
    words = ["-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with (path / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, *words], env=environment, stdout=log, stderr=log, cwd=path
        )
    try:
        yield f"http://127.0.0.1:{port}/api"
    finally:
        server.terminate()
        server.wait(timeout=HANG_SECONDS)


def wait_for_prefect(url: str) -> None:
    def answers() -> bool:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=2):  # noqa: S310
                return True
        except OSError:
            return False

    wait_for(answers, "Prefect's server")


def wait_for(condition: Callable[[], Any], what: str, seconds: float = HANG_SECONDS) -> Any:
    """Return what the condition gives as soon as it gives something."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
        time.sleep(0.1)
    return value
