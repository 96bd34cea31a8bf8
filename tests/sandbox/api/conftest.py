"""One strict cloud for each test, and clients that speak to it as to AWS."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from sandbox.ec2 import base_images
from tests.strict_cloud import StrictCloud, strict_cloud_opened

REGION = "us-west-2"
ZONE = "us-west-2a"
UBUNTU = base_images.image_id(base_images.RELEASES[0], REGION)
PUBLIC_KEY = b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAXQM2tdX/mi5deH+da1iHnWSdNPTOLfY9qG6Nrc+XyQ me"


# One session for all tests: reading EC2's model takes longer than most of them.
SESSION = boto3.Session()


def client(
    service: str, endpoint_url: str, region: str = REGION, *, attempts: int | None = None
) -> Any:
    """Return a client; with one attempt it shows each failure as it comes."""
    config = Config(retries={"total_max_attempts": attempts}) if attempts else None
    return SESSION.client(
        service,
        region_name=region,
        endpoint_url=endpoint_url,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",  # noqa: S106
        config=config,
    )


@dataclass
class World:
    """A strict cloud with an EC2 client and the few words that most tests need."""

    opened: StrictCloud
    ec2: Any

    @property
    def machines(self) -> Any:
        return self.opened.machines

    def fail(self, effect: str, **more: Any) -> str:
        return self.opened.fail(effect, **more)

    def fired(self, name: str) -> int:
        return self.opened.fired(name)

    def advance(self, seconds: float) -> None:
        self.opened.advance(seconds)

    def launch(self, **changes: Any) -> dict[str, Any]:
        asked = {"ImageId": UBUNTU, "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1}
        launched: dict[str, Any] = self.ec2.run_instances(**{**asked, **changes})["Instances"][0]
        return launched

    def launch_running(self, **changes: Any) -> str:
        instance_id: str = self.launch(**changes)["InstanceId"]
        self.wait_for_state(instance_id, "running")
        self.wait_until(lambda: self.devices_are_attached(instance_id))
        return instance_id

    def stop(self, instance_id: str) -> None:
        self.ec2.stop_instances(InstanceIds=[instance_id])
        self.wait_for_state(instance_id, "stopped")

    def terminate(self, instance_id: str) -> None:
        self.ec2.terminate_instances(InstanceIds=[instance_id])
        self.wait_for_state(instance_id, "terminated")

    def bake(self, instance_id: str, name: str = "baked", **more: Any) -> str:
        image_id: str = self.ec2.create_image(InstanceId=instance_id, Name=name, **more)["ImageId"]
        self.wait_until(lambda: self.image(image_id)["State"] != "pending")
        return image_id

    def instance(self, instance_id: str) -> dict[str, Any]:
        found = self.ec2.describe_instances(InstanceIds=[instance_id])
        shown: dict[str, Any] = found["Reservations"][0]["Instances"][0]
        return shown

    def state(self, instance_id: str) -> str:
        return str(self.instance(instance_id)["State"]["Name"])

    def image(self, image_id: str) -> dict[str, Any]:
        shown: dict[str, Any] = self.ec2.describe_images(ImageIds=[image_id])["Images"][0]
        return shown

    def volume(self, volume_id: str) -> dict[str, Any]:
        shown: dict[str, Any] = self.ec2.describe_volumes(VolumeIds=[volume_id])["Volumes"][0]
        return shown

    def make_volume(self, **changes: Any) -> str:
        asked = {"Size": 1, "AvailabilityZone": ZONE, "VolumeType": "gp3"}
        volume_id: str = self.ec2.create_volume(**{**asked, **changes})["VolumeId"]
        self.wait_until(lambda: self.volume(volume_id)["State"] == "available")
        return volume_id

    def devices_are_attached(self, instance_id: str) -> bool:
        devices = self.instance(instance_id)["BlockDeviceMappings"]
        return all(one["Ebs"]["Status"] == "attached" for one in devices)

    def wait_for_state(self, instance_id: str, state: str) -> None:
        self.wait_until(lambda: self.state(instance_id) == state)

    @staticmethod
    def wait_until(condition: Callable[[], bool], timeout_seconds: float = 10) -> None:
        deadline = time.monotonic() + timeout_seconds
        while not condition():
            assert time.monotonic() < deadline, "it did not come true in time"
            time.sleep(0.02)


@pytest.fixture
def world() -> Iterator[World]:
    with strict_cloud_opened() as opened:
        yield World(opened, client("ec2", opened.endpoint_url))


def code_of(call: Callable[..., object], **parameters: Any) -> str:
    """Return the error code with which EC2 refuses the call, or OK."""
    try:
        call(**parameters)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "OK"
