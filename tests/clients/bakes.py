"""What all clients do on the host, how the image is proven, and what must be gone afterwards."""

import json
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.limits import HANG_SECONDS
from tests.sandbox.bake_world import Cloud, wait_for
from tests.sandbox.test_hosts import make_key, ssh, wait_for_ssh

UBUNTU = "/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id"
CANONICAL = "099720109477"
MACHINE = "t3.small"
ZONE = "us-west-2b"
"""For what takes seconds here: long, because other tests run at the same time."""


def write_command(volume_id: str, text: str) -> str:
    """Return what makes a file system on a volume and writes on both disks."""
    disk = disk_of(volume_id)
    return (
        f"timeout 30 sh -c 'until test -b {disk}; do sleep 0.1; done';"
        f"sudo mkfs.ext4 -q {disk}; sudo mount {disk} /mnt;"
        f"echo {text} | sudo tee /etc/baked /mnt/baked; sudo umount /mnt; sync"
    )


def read_command(volume_id: str) -> str:
    """Return what reads both files again."""
    return f"sudo mount {disk_of(volume_id)} /mnt; cat /etc/baked /mnt/baked"


def disk_of(volume_id: str) -> str:
    plain = volume_id.replace("-", "")
    return f"/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_{plain}"


def log_in(address: str, key: Path, command: str) -> str:
    wait_for_ssh(address)
    return ssh(address, key, command, user="ubuntu")


@contextmanager
def relaunched(cloud: Cloud, image_id: str, folder: Path) -> Iterator[str]:
    """Launch from an image with a key of its own, give what the host reads, and end all that."""
    ec2 = cloud.ec2()
    make_key(folder / "proof")
    public = (folder / "proof.pub").read_bytes()
    ec2.import_key_pair(KeyName="proof", PublicKeyMaterial=public)
    group_id = ec2.create_security_group(GroupName="proof", Description="ssh")["GroupId"]
    here = {"FromPort": 22, "ToPort": 22, "IpProtocol": "tcp"}
    ec2.authorize_security_group_ingress(
        GroupId=group_id, IpPermissions=[{**here, "IpRanges": [{"CidrIp": cloud.home.subnet}]}]
    )
    launched = ec2.run_instances(
        ImageId=image_id,
        InstanceType=MACHINE,
        MinCount=1,
        MaxCount=1,
        KeyName="proof",
        SecurityGroupIds=[group_id],
    )
    instance_id = launched["Instances"][0]["InstanceId"]
    instance = wait_for(lambda: running(ec2, instance_id), "the relaunched instance", HANG_SECONDS)
    yield log_in(instance["PublicIpAddress"], folder / "proof", read_command(data_of(instance)))
    ec2.terminate_instances(InstanceIds=[instance_id])
    wait_for(lambda: not left(cloud, "instances"), "its end", HANG_SECONDS)
    ec2.delete_security_group(GroupId=group_id)
    ec2.delete_key_pair(KeyName="proof")


def running(ec2: Any, instance_id: str) -> dict[str, Any] | None:
    """Return an instance that runs and sees all its disks."""
    described = ec2.describe_instances(InstanceIds=[instance_id])
    instance: dict[str, Any] = described["Reservations"][0]["Instances"][0]
    states = {device["Ebs"]["Status"] for device in instance["BlockDeviceMappings"]}
    is_up = instance["State"]["Name"] == "running" and states == {"attached"}
    return instance if is_up else None


def data_of(instance: Mapping[str, Any]) -> str:
    """Return the one volume that is not the root."""
    devices = instance["BlockDeviceMappings"]
    (data,) = [device for device in devices if device["DeviceName"] != instance["RootDeviceName"]]
    return str(data["Ebs"]["VolumeId"])


def left(cloud: Cloud, *kinds: str) -> list[str]:
    """Return what is in the account that a new one does not have."""
    ec2 = cloud.ec2()
    reservations = ec2.describe_instances()["Reservations"]
    instances = [instance for group in reservations for instance in group["Instances"]]
    groups = ec2.describe_security_groups()["SecurityGroups"]
    found = {
        "instances": [
            instance["InstanceId"]
            for instance in instances
            if instance["State"]["Name"] != "terminated"
        ],
        "volumes": [volume["VolumeId"] for volume in ec2.describe_volumes()["Volumes"]],
        "images": [image["ImageId"] for image in ec2.describe_images(Owners=["self"])["Images"]],
        "snapshots": [
            snapshot["SnapshotId"]
            for snapshot in ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]
        ],
        "keys": [key_pair["KeyName"] for key_pair in ec2.describe_key_pairs()["KeyPairs"]],
        "groups": [
            security_group["GroupId"]
            for security_group in groups
            if security_group["GroupName"] != "default"
        ],
        "machines": cloud.running(),
    }
    return [f"{kind}: {resource_id}" for kind in kinds or found for resource_id in found[kind]]


def left_for_good(cloud: Cloud) -> list[str]:
    """Return what is left once whatever is ending has had its time."""
    deadline = time.monotonic() + HANG_SECONDS
    while (found := left(cloud)) and time.monotonic() < deadline:
        ending = cloud.ec2().describe_instances(
            Filters=[{"Name": "instance-state-name", "Values": ["shutting-down"]}]
        )
        if not ending["Reservations"]:
            break
        time.sleep(0.2)
    return found


def remove_image(cloud: Cloud, image_id: str) -> None:
    """Deregister an image together with its snapshots."""
    cloud.ec2().deregister_image(ImageId=image_id, DeleteAssociatedSnapshots=True)


@contextmanager
def failing(cloud: Cloud, **fault: str) -> Iterator[None]:
    """Let something go wrong while the block runs, and prove that it did."""
    url = f"{cloud.home.api_url}/notebake-sandbox/faults"
    body = json.dumps({"name": "failing", **fault}).encode()
    ask(url, "POST", body)
    yield
    (findings,) = ask(url, "GET")
    ask(url, "DELETE")
    assert findings["fired"] > 0


def ask(url: str, method: str, body: bytes | None = None) -> Any:
    request = urllib.request.Request(url, body, method=method)  # noqa: S310
    with urllib.request.urlopen(request, timeout=HANG_SECONDS) as answer:  # noqa: S310
        return json.load(answer)
