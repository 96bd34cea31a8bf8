"""Where a person bakes: the command `notebake`, what it keeps, and the machines that it makes."""

import json
import os
import re
import shlex
import subprocess
import sys
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from notebake.ledger.entry import Entry
from notebake.runs.reserved_ids import RECORD
from tests.limits import HANG_SECONDS
from tests.sandbox.bake_world import BIN, PROJECT, Cloud

UPDATE = """
import json, sys
from flows.update_image import update_image
state = update_image(**json.loads(sys.argv[1]), return_state=True)
print()
print(json.dumps([state.name, state.message]))
"""
SSH_OPTIONS = ("BatchMode=yes", "IdentitiesOnly=yes", "LogLevel=ERROR", "ConnectTimeout=5")


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
        printed, _ = process.communicate(timeout=HANG_SECONDS)
        return Done(process.returncode, printed)

    def update(self, recipe: Path, *, promote: bool = False) -> tuple[str, str]:
        """Run the flow that updates an image, and return the name and message of its last state."""
        given = {"recipe_path": str(recipe), "promote": promote}
        done = subprocess.run(
            [sys.executable, "-c", UPDATE, json.dumps(given)],
            env=self.environment(),
            cwd=PROJECT,
            capture_output=True,
            text=True,
            timeout=HANG_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        name, message = json.loads(done.stdout.splitlines()[-1])
        return name, message

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
        with urllib.request.urlopen(request, timeout=HANG_SECONDS) as answer:  # noqa: S310
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

    def entry_files(self) -> list[Path]:
        """Return the files of the run's ledger, oldest entry first."""
        return sorted((self.path.parent / RECORD / self.id).glob("*.json"))

    def entries(self) -> list[Entry]:
        return [Entry.model_validate_json(file.read_bytes()) for file in self.entry_files()]

    def log(self) -> str:
        file = self.path / "log.txt"
        return file.read_text() if file.exists() else ""

    def machines(self, role: str = "builder") -> list[dict[str, Any]]:
        """Return the machines of the run that are not terminated, as EC2 describes them."""
        wanted = {"notebake:run": self.id, "notebake:role": role}
        filters = [{"Name": f"tag:{key}", "Values": [value]} for key, value in wanted.items()]
        pages = self.cloud.ec2().describe_instances(Filters=filters)["Reservations"]
        every = [instance for page in pages for instance in page["Instances"]]
        return [instance for instance in every if instance["State"]["Name"] != "terminated"]

    def login(self) -> "Login":
        """Return the login to the builder with the run's own key."""
        public = (self.path / "keys/builder-host.pub").read_text().strip()
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
        machines = [
            machine for role in ("builder", "acceptance") for machine in self.machines(role)
        ]
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
        # It may stand in a run's folder, where everything is its owner's alone.
        known.touch(mode=0o600)
        known.write_text(f"{self.address} {self.host_key}\n")
        options = (*SSH_OPTIONS, "StrictHostKeyChecking=yes", f"UserKnownHostsFile={known}")
        return ["ssh", "-F", "none", "-i", str(self.key), *(f"-o{option}" for option in options)]

    def try_run(self, script: str) -> subprocess.CompletedProcess[str]:
        """Run a script as root."""
        command = [*self.words(), f"{self.user}@{self.address}", "sudo bash -euo pipefail -s"]
        return subprocess.run(
            command, input=script, capture_output=True, text=True, timeout=HANG_SECONDS, check=False
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
