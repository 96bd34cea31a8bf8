"""The world in which whole bakes are proven: a sandbox, a Prefect server, our own command."""

import json
import os
import re
import shlex
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import yaml

from sandbox import network
from sandbox.home import Home, open_home

PROJECT = Path(__file__).parent.parent.parent
REGION = "us-west-2"
BIN = Path(sys.executable).parent
PATIENCE_SECONDS = 300
SSH_OPTIONS = ("BatchMode=yes", "IdentitiesOnly=yes", "LogLevel=ERROR", "ConnectTimeout=5")
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
        url = f"{self.home.api_url}/notebake-sandbox/calls"
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310
            every: list[Call] = json.load(answer)
        return [one for one in every if one["action"] == action and one["code"] == "OK"]

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
def prefect_started(path: Path) -> Iterator[str]:
    """Start a Prefect server and give its address at once; it answers later."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "PREFECT_HOME": str(path), "DO_NOT_TRACK": "1"}
    environment |= {"PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
    words = ["-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with (path / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, *words], env=environment, stdout=log, stderr=log, cwd=path
        )
    try:
        yield f"http://127.0.0.1:{port}/api"
    finally:
        server.terminate()
        server.wait(timeout=30)


def wait_for_prefect(url: str) -> None:
    def answers() -> bool:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=2):  # noqa: S310
                return True
        except OSError:
            return False

    wait_for(answers, "Prefect's server")


def wait_for(condition: Callable[[], Any], what: str, seconds: float = PATIENCE_SECONDS) -> Any:
    """Return what the condition gives as soon as it gives something."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
        time.sleep(0.1)
    return value


@dataclass(frozen=True)
class Bakery:
    """Where a person bakes: a folder with recipes and a run store, and the command `notebake`."""

    cloud: Cloud
    prefect_url: str
    folder: Path

    @property
    def store(self) -> Path:
        return self.folder / "runs"

    def environment(self, endpoint_url: str = "") -> dict[str, str]:
        ours = {
            **self.cloud.environment,
            "NOTEBAKE_RUNS": str(self.store),
            "PREFECT_API_URL": self.prefect_url,
            "PREFECT_HOME": str(self.folder / "prefect"),
            "DO_NOT_TRACK": "1",
        }
        if endpoint_url:
            ours["AWS_ENDPOINT_URL"] = endpoint_url
        return {**os.environ, **ours}

    def write_recipe(self, name: str, **parts: Any) -> Path:
        """Write a recipe with small disks and nothing but JupyterLab, changed by these parts."""
        whole = {
            "name": name,
            "root_volume": {"size_gib": 8},
            "software": {"manager": "pip"},
            "lease_hours": 1,
            **parts,
        }
        path = self.folder / f"{name}.yaml"
        path.write_text(yaml.safe_dump(whole, sort_keys=False))
        return path

    def start(self, *words: str, endpoint_url: str = "") -> subprocess.Popen[str]:
        """Start the console command, its output in a pipe."""
        return subprocess.Popen(
            [str(BIN / "notebake"), *words],
            env=self.environment(endpoint_url),
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def notebake(self, *words: str) -> "Done":
        """Run the console command to its end."""
        process = self.start(*words)
        printed, _ = process.communicate(timeout=PATIENCE_SECONDS)
        return Done(process.returncode, printed)

    def run_of(self, recipe: str) -> "RunFolder":
        """Return the newest run of a recipe."""
        return RunFolder(self.cloud, max(self.store.glob(f"{recipe}-*")))

    def prefect(self, path: str, **body: Any) -> Any:
        """Return what Prefect's server answers to a question with a body."""
        return self._ask_prefect(path, json.dumps(body).encode())

    def ask_prefect(self, path: str) -> Any:
        """Return what Prefect's server has there."""
        return self._ask_prefect(path, None)

    def _ask_prefect(self, path: str, body: bytes | None) -> Any:
        request = urllib.request.Request(  # noqa: S310
            f"{self.prefect_url}{path}", data=body, headers={"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
            return json.load(answer)


@dataclass(frozen=True)
class Done:
    """How a command ended and what it printed; wrapped lines are one line in `text`."""

    exit_code: int
    printed: str

    @property
    def text(self) -> str:
        return " ".join(self.printed.split())


@dataclass(frozen=True)
class RunFolder:
    """What is kept of a run, and the machines that it has."""

    cloud: Cloud
    path: Path

    @property
    def id(self) -> str:
        return self.path.name

    def log(self) -> str:
        file = self.path / "log.txt"
        return file.read_text() if file.exists() else ""

    def machines(self, role: str = "builder") -> list[dict[str, Any]]:
        """Return the machines of the run that are not terminated, as EC2 describes them."""
        wanted = {"notebake:run": self.id, "notebake:role": role}
        filters = [{"Name": f"tag:{key}", "Values": [value]} for key, value in wanted.items()]
        pages = self.cloud.ec2().describe_instances(Filters=filters)["Reservations"]
        every = [one for page in pages for one in page["Instances"]]
        return [one for one in every if one["State"]["Name"] != "terminated"]

    def login(self) -> "Login":
        """Return the login to the builder with the run's own key."""
        public = json.loads((self.path / "parameters/keys-builder-host.json").read_text())["public"]
        address = self.machines()[0]["PublicIpAddress"]
        return Login(address, self.path / "keys/builder", public)

    def resources(self) -> list[str]:
        """Return the kinds of all that carries the run's tag, by a plain client."""
        ec2, wanted = self.cloud.ec2(), [{"Name": "tag:notebake:run", "Values": [self.id]}]
        found = {
            "key pair": ec2.describe_key_pairs(Filters=wanted)["KeyPairs"],
            "security group": ec2.describe_security_groups(Filters=wanted)["SecurityGroups"],
            "volume": ec2.describe_volumes(Filters=wanted)["Volumes"],
            "image": ec2.describe_images(Owners=["self"], Filters=wanted)["Images"],
            "snapshot": ec2.describe_snapshots(OwnerIds=["self"], Filters=wanted)["Snapshots"],
        }
        machines = [one for role in ("builder", "acceptance") for one in self.machines(role)]
        return [
            *("machine" for _ in machines),
            *(kind for kind, every in found.items() for _ in every),
        ]


@dataclass(frozen=True)
class Login:
    """OpenSSH's own client to one machine, which must show this host key."""

    address: str
    key: Path
    host_key: str
    user: str = "ubuntu"

    def words(self) -> list[str]:
        """Return the client's command up to the address."""
        known = self.key.parent / f"known-{self.address}"
        known.write_text(f"{self.address} {self.host_key}\n")
        options = (*SSH_OPTIONS, "StrictHostKeyChecking=yes", f"UserKnownHostsFile={known}")
        return ["ssh", "-F", "none", "-i", str(self.key), *(f"-o{one}" for one in options)]

    def try_run(self, script: str) -> subprocess.CompletedProcess[str]:
        """Run a script as root."""
        command = [*self.words(), f"{self.user}@{self.address}", "sudo bash -euo pipefail -s"]
        return subprocess.run(
            command, input=script, capture_output=True, text=True, timeout=120, check=False
        )

    def run(self, script: str) -> str:
        done = self.try_run(script)
        assert done.returncode == 0, f"{shlex.quote(script)}: {done.stderr}"
        return done.stdout.strip()

    def is_refused(self) -> bool:
        """Tell whether the key is refused; any other trouble is an error."""
        done = self.try_run("true")
        if done.returncode == 255 and re.search("Permission denied", done.stderr):
            return True
        assert done.returncode == 0, done.stderr
        return False
