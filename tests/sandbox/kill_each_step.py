"""One bake on real hosts, through Prefect, killed once in each of its steps: `make kills-real`.

Each time it is taken up from an empty home, as on another machine: the run store is on S3, the keys
are SecureStrings. It takes minutes, so it is no part of `make test` (its name keeps it out).
"""

import random
import re
import signal
import subprocess
import time
from dataclasses import dataclass
from typing import Any

import boto3
import pytest

from flows.build_plan import BUILD, TEAR_DOWN
from tests.limits import HANG_SECONDS
from tests.sandbox.bake_world import BIN, REGION
from tests.sandbox.bakery import Bakery

pytestmark = pytest.mark.sandbox

BUCKET = "notebake-runs"
SEED = 20261123
STEPS = [*((step.name, step.title) for step in BUILD), TEAR_DOWN]
RUN = re.compile(r"killed-\d{8}-\d{6}-[0-9a-f]{4}")


@dataclass(frozen=True)
class Kill:
    """One kill: in which step, how long after its start, and after how many seconds of work."""

    step: str
    delay_seconds: float
    seconds: float


@dataclass
class Laptops:
    """Empty homes, one after the other, and the command `notebake` in them."""

    bakery: Bakery
    number: int = 0

    def start(self, *words: str) -> subprocess.Popen[str]:
        self.number += 1
        home = self.bakery.folder / f"home-{self.number}"
        home.mkdir()
        ours = {"HOME": str(home), "NOTEBAKE_RUNS": f"s3://{BUCKET}/bakes"}
        return subprocess.Popen(
            [str(BIN / "notebake"), *words],
            env={**self.bakery.environment(), **ours},
            cwd=home,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


def kill_in(process: subprocess.Popen[str], title: str, delay_seconds: float) -> str:
    """Kill the command so long after it has come to the step; return what it had printed."""
    printed = ""
    assert process.stdout is not None
    for line in process.stdout:
        printed += line
        if re.match(rf"\s+[\d.]+s  {re.escape(title)}(:|$)", line):
            time.sleep(delay_seconds)
            process.send_signal(signal.SIGKILL)
            break
    process.communicate(timeout=HANG_SECONDS)
    assert process.returncode == -signal.SIGKILL, f"it never came to: {title}:\n{printed}"
    return printed


@pytest.fixture(scope="module")
def laptops(bakery: Bakery) -> Laptops:
    client(bakery, "s3").create_bucket(
        Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    return Laptops(bakery)


def client(bakery: Bakery, service: str) -> Any:
    return boto3.client(
        service,
        region_name=REGION,
        endpoint_url=bakery.cloud.home.api_url,
        aws_access_key_id="sandbox",
        aws_secret_access_key="sandbox",  # noqa: S106
    )


def test_killed_in_each_step_and_taken_up_from_an_empty_home_the_image_is_accepted(
    bakery: Bakery, laptops: Laptops, capsys: pytest.CaptureFixture[str]
) -> None:
    address = bakery.cloud.serve("small", {"README.md": "# Small\n"}, bakery.folder / "small")
    recipe = bakery.write_recipe(
        "killed",
        volumes=[{"name": "data", "mount_point": "/data", "size_gib": 1}],
        repository={"url": address, "ref": "main"},
    )
    chance, kills, words = random.Random(SEED), [], ["build", str(recipe)]  # noqa: S311
    for name, title in STEPS:
        delay = chance.choice((0.0, 0.05, 0.2, 0.5))
        began = time.monotonic()
        printed = kill_in(laptops.start(*words), title, delay)
        kills.append(Kill(name, delay, time.monotonic() - began))
        if words[0] == "build":
            words = ["resume", run_of(bakery)]
        show(capsys, kills[-1], printed)
    began = time.monotonic()
    last = laptops.start(*words)
    printed, _ = last.communicate(timeout=HANG_SECONDS)
    assert last.returncode == 0, printed
    show_table(capsys, kills, bakery, words[1], time.monotonic() - began)

    assert launched(bakery, words[1]) == {"builder": 1, "acceptance": 2}
    assert left(bakery, words[1]) == ["image", "snapshot", "snapshot"]
    assert (
        client(bakery, "ssm").describe_parameters(
            ParameterFilters=[{"Key": "Path", "Option": "Recursive", "Values": ["/notebake"]}]
        )["Parameters"]
        == []
    )


def run_of(bakery: Bakery) -> str:
    """Return the id of the one run in the store."""
    keys = client(bakery, "s3").list_objects_v2(Bucket=BUCKET)["Contents"]
    (run_id,) = {found[0] for entry in keys if (found := RUN.search(entry["Key"]))}
    return run_id


def launched(bakery: Bakery, run_id: str) -> dict[str, int]:
    """Return how many machines of each role were ever launched."""
    pages = bakery.cloud.ec2().describe_instances(
        Filters=[{"Name": "tag:notebake:run", "Values": [run_id]}]
    )["Reservations"]
    tags = [
        {tag["Key"]: tag["Value"] for tag in instance["Tags"]}
        for p in pages
        for instance in p["Instances"]
    ]
    roles = [machine["notebake:role"] for machine in tags]
    return {role: roles.count(role) for role in set(roles)}


def left(bakery: Bakery, run_id: str) -> list[str]:
    """Return the kinds of all that carries the run's tag, terminated machines left out."""
    ec2, wanted = bakery.cloud.ec2(), [{"Name": "tag:notebake:run", "Values": [run_id]}]
    pages = ec2.describe_instances(Filters=wanted)["Reservations"]
    found = {
        "instance": [
            instance
            for page in pages
            for instance in page["Instances"]
            if instance["State"]["Name"] != "terminated"
        ],
        "key pair": ec2.describe_key_pairs(Filters=wanted)["KeyPairs"],
        "security group": ec2.describe_security_groups(Filters=wanted)["SecurityGroups"],
        "volume": ec2.describe_volumes(Filters=wanted)["Volumes"],
        "network interface": ec2.describe_network_interfaces(Filters=wanted)["NetworkInterfaces"],
        "image": ec2.describe_images(Owners=["self"], Filters=wanted)["Images"],
        "snapshot": ec2.describe_snapshots(OwnerIds=["self"], Filters=wanted)["Snapshots"],
    }
    return sorted(kind for kind, things in found.items() for _ in things)


def show(capsys: pytest.CaptureFixture[str], kill: Kill, printed: str) -> None:
    """Say how far it is, as it takes minutes."""
    found = len(re.findall(r"already there", printed))
    with capsys.disabled():
        print(  # noqa: T201
            f"  killed {kill.delay_seconds:.2f} s into {kill.step:18} after {kill.seconds:5.1f} s;"
            f" {found} steps were already done",
            flush=True,
        )


def show_table(
    capsys: pytest.CaptureFixture[str], kills: list[Kill], bakery: Bakery, run_id: str, end: float
) -> None:
    """Print what came of it."""
    doubled = sum(launched(bakery, run_id).values()) - 3
    extra = len(left(bakery, run_id)) - 3
    with capsys.disabled():
        print(f"\n  kills {len(kills)} · runs completed 1 of 1, in {end:.0f} s after the last")  # noqa: T201
        print(f"  machines doubled {doubled} · left beside the image {extra} · seed {SEED}")  # noqa: T201
