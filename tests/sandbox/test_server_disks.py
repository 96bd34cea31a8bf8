"""Servers with disks of their own on real hosts: mounted, kept, moved; and what a host says of git.

All is typed as a person types it, with a home of its own.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox.ec2.state.base_images import RELEASES, image_id
from tests.limits import HANG_SECONDS
from tests.sandbox.bake_world import PROJECT, REGION, Cloud, cloud_opened

pytestmark = pytest.mark.sandbox

UBUNTU = image_id(RELEASES[0], REGION)
BY_ID = "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_"
ANOTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAXQM2tdX/mi5deH+da1iHnWSdNPTOLfY9qG6Nrc+XyQ"
ODD = "a b$(touch hacked)"
MAKE_TREES = f"""
set -eu
git config --global user.name ada
git config --global user.email ada@localhost
git init --quiet --initial-branch=main ~/data/ocean
cd ~/data/ocean
touch kept
git add kept
git commit --quiet --message first
touch new
git init --quiet --initial-branch=main ~/lost
cd ~/lost
git commit --quiet --allow-empty --message first
git init --quiet --bare ~/remote
git init --quiet --initial-branch=main ~/'{ODD}'
cd ~/'{ODD}'
git commit --quiet --allow-empty --message first
git remote add origin ~/remote
git push --quiet --set-upstream origin main
"""
MOUNTED = "findmnt --noheadings --output FSTYPE --mountpoint"


@dataclass(frozen=True)
class Person:
    """Somebody with a terminal, and a home of notebake's of their own."""

    cloud: Cloud
    home: Path

    def type(self, *words: str, code: int = 0) -> str:
        """Return what a command of notebake prints."""
        done = subprocess.run(
            [sys.executable, "-m", "flows.cli.main", *words],
            cwd=PROJECT,
            capture_output=True,
            text=True,
            check=False,
            timeout=HANG_SECONDS,
            stdin=subprocess.DEVNULL,
            env={
                **self.cloud.environment,
                "PATH": "/usr/bin:/bin:/usr/sbin:/sbin",
                "HOME": str(self.home),
                "NOTEBAKE_HOME": str(self.home / "notebake"),
                "NO_COLOR": "1",
            },
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def ssh(self, name: str, command: str) -> str:
        """Return what a command on a server prints, by the entry that notebake has written."""
        config = self.home / "notebake/ssh/config"
        done = subprocess.run(
            ["ssh", "-F", str(config), f"nb-{name}", command],
            capture_output=True,
            text=True,
            check=False,
            timeout=HANG_SECONDS,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()


@pytest.fixture(scope="module")
def person(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    folder = tmp_path_factory.mktemp("person")
    with cloud_opened(folder / "cloud") as cloud:
        yield Person(cloud, folder)


def test_disks_are_mounted_by_id_and_a_volume_moves_with_its_files(person: Person) -> None:
    start = ("start", UBUNTU, "--name", "ocean", "--yes")
    person.type(*start, "--volume", "data:1", "--disk", "work:1:/mnt/work", "--elastic-address")
    assert person.ssh("ocean", f"{MOUNTED} ~/data; {MOUNTED} /mnt/work") == "ext4\next4"
    volume_id = only_volume(person)
    serial = person.ssh("ocean", "lsblk --noheadings --output SERIAL $(findmnt -no SOURCE ~/data)")
    assert serial.replace("-", "") == volume_id.replace("-", "")
    person.ssh("ocean", MAKE_TREES)

    person.type("stop", "ocean")
    person.type(*start)
    person.ssh("ocean", "sudo umount ~/data")
    assert "has no JupyterLab" in person.type("open", "ocean"), "which mounts it again"
    assert person.ssh("ocean", "ls ~/data/ocean; cd; ls -d hacked || true") == "kept\nnew"

    printed = person.type("terminate", "ocean", "--yes")
    assert re.search(r"work \(vol-\w+\), 1 GiB, on /mnt/work", printed), printed
    assert re.search(r"system \(vol-\w+\), 8 GiB", printed), printed
    assert f"data ({volume_id}), 1 GiB, on /home/ubuntu/data, $0.08 a month" in printed
    kept = "/home/ubuntu/data/ocean (on a disk that is kept)"
    assert f"{kept}: 1 untracked file, 1 commit" in printed
    assert "/home/ubuntu/lost: 1 commit" in printed
    assert ODD not in printed, "what is pushed is not listed"
    assert "address" in printed
    assert "No server uses data" in person.type("servers")

    person.type("start", UBUNTU, "--name", "river", "--volume", "data", "--yes")
    assert person.ssh("river", "ls ~/data/ocean") == "kept\nnew"
    refused = person.type("start", UBUNTU, "--name", "lake", "--volume", "data", "--yes", code=1)
    assert "in use by the server river" in refused
    assert "notebake stop river" in refused
    (river,) = person.cloud.ec2().describe_instances(
        Filters=[{"Name": "tag:notebake:server", "Values": ["river"]}]
    )["Reservations"][0]["Instances"]
    another = [{"Key": "notebake:host-key", "Value": ANOTHER_KEY}]
    person.cloud.ec2().create_tags(Resources=[river["InstanceId"]], Tags=another)
    printed = person.type("terminate", "river", "--yes")
    assert "was not asked" in printed, "no key is trusted but the kept one"
    assert "shows another ssh host key" in printed
    assert "is deleted" in person.type("terminate", "--volume", "data", "--yes")
    assert "No server in us-west-2" in person.type("servers")
    assert person.cloud.ec2().describe_addresses()["Addresses"] == []


def test_a_volume_that_holds_something_else_is_never_formatted(person: Person) -> None:
    start = ("start", UBUNTU, "--name", "pond", "--type", "m5d.large", "--yes")
    person.type(*start, "--volume", "old:1")
    link = f"{BY_ID}{only_volume(person).replace('-', '')}"
    person.ssh("pond", "sudo umount ~/old && sudo sed -i /x-notebake/d /etc/fstab")
    person.ssh("pond", f"sudo wipefs --all --quiet {link} && sudo mkfs.xfs -q -f {link}")

    refused = person.type(*start, code=1)

    assert "not all its disks are mounted" in refused
    assert "is not blank, it holds: " in refused
    assert "pipefail" not in refused, "the script itself tells a person nothing"
    assert person.ssh("pond", f"sudo blkid --probe -s TYPE -o value {link}") == "xfs"
    assert re.search(r"temporary disk \w+, 1G, ", person.type("terminate", "pond", "--yes"))
    person.type("terminate", "--volume", "old", "--yes")


def only_volume(person: Person) -> str:
    wanted = [{"Name": "tag-key", "Values": ["notebake:server-volume"]}]
    (found,) = person.cloud.ec2().describe_volumes(Filters=wanted)["Volumes"]
    return str(found["VolumeId"])
