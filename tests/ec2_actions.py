"""The few words in which tests speak to EC2, whatever answers them."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.limits import HANG_SECONDS

REGION = "us-west-2"
PUBLIC_KEY = b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAXQM2tdX/mi5deH+da1iHnWSdNPTOLfY9qG6Nrc+XyQ me"

# One session for all tests: reading EC2's model takes longer than most of them.
SESSION = boto3.Session()


def client(
    service: str,
    endpoint_url: str,
    region: str = REGION,
    *,
    attempts: int | None = None,
    account_id: str = "",
) -> Any:
    """Return a client of a sandbox; with one attempt it shows each failure as it comes.

    Without an account, it has that of the sandbox itself.
    """
    config = Config(retries={"total_max_attempts": attempts}) if attempts else None
    return SESSION.client(
        service,
        region_name=region,
        endpoint_url=endpoint_url,
        aws_access_key_id=account_id or "testing",
        aws_secret_access_key="testing",  # noqa: S106
        config=config,
    )


def code_of(call: Callable[..., object], **parameters: Any) -> str:
    """Return the error code with which EC2 refuses the call, or OK."""
    try:
        call(**parameters)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "OK"


@dataclass(frozen=True)
class WaitSettings:
    """How long a state may take, and how soon one looks again: ever later, up to a limit."""

    seconds: float = HANG_SECONDS
    image_seconds: float = HANG_SECONDS
    first_pause_seconds: float = 0.02
    longest_pause_seconds: float = 0.02

    def wait_until(self, condition: Callable[[], bool], seconds: float | None = None) -> None:
        """Wait until something is so; what EC2 does not show yet is not so yet."""
        deadline = time.monotonic() + (seconds or self.seconds)
        pause = self.first_pause_seconds
        while not holds(condition):
            assert time.monotonic() < deadline, "it did not come true in time"
            time.sleep(pause)
            pause = min(2 * pause, self.longest_pause_seconds)


def holds(condition: Callable[[], bool]) -> bool:
    """Tell whether something is so. EC2 may show late what it has made, for a while."""
    try:
        return condition()
    except ClientError as error:
        if not error.response["Error"]["Code"].endswith(".NotFound"):
            raise
    return False


@dataclass
class Ec2Actions:
    """An EC2 client, what is launched where nothing else is said, and how long one waits."""

    ec2: Any
    image_id: str
    zone: str
    usual: dict[str, Any] = field(default_factory=dict)
    wait_settings: WaitSettings = WaitSettings()

    def launch(self, **changes: Any) -> dict[str, Any]:
        parameters = {"ImageId": self.image_id, "MinCount": 1, "MaxCount": 1, **self.usual}
        launched: dict[str, Any] = self.ec2.run_instances(**{**parameters, **changes})["Instances"][
            0
        ]
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
        self.wait_for_image(image_id)
        return image_id

    def make_volume(self, **changes: Any) -> str:
        parameters = {"Size": 1, "AvailabilityZone": self.zone, "VolumeType": "gp3"}
        volume_id: str = self.ec2.create_volume(**{**parameters, **changes})["VolumeId"]
        self.wait_until(lambda: self.volume(volume_id)["State"] == "available")
        return volume_id

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

    def devices_are_attached(self, instance_id: str) -> bool:
        devices = self.instance(instance_id)["BlockDeviceMappings"]
        return all(device["Ebs"]["Status"] == "attached" for device in devices)

    def wait_for_state(self, instance_id: str, state: str) -> None:
        self.wait_until(lambda: self.state(instance_id) == state)

    def wait_for_image(self, image_id: str) -> None:
        seconds = self.wait_settings.image_seconds
        self.wait_until(lambda: self.image(image_id)["State"] != "pending", seconds)

    def wait_until(self, condition: Callable[[], bool], seconds: float | None = None) -> None:
        self.wait_settings.wait_until(condition, seconds)
