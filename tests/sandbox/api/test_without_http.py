import threading
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError
from moto.core.base_backend import BackendDict

from sandbox.api.application import Application, ConnectionLostError, Reply
from sandbox.ec2.state.cloud import Cloud
from sandbox.errors import SandboxError
from sandbox.messages.call import Call, CallLog
from tests.ec2_actions import REGION
from tests.manual_workers import NO_LATENCY, ManualWorkers
from tests.sandbox.api.conftest import UBUNTU, world_of
from tests.sandbox.fake_machines import FakeMachines


class Raw(BytesIO):
    """What botocore reads a body from."""

    def stream(self, *_: object, **__: object) -> Iterator[bytes]:
        yield self.read()


class Direct:
    """A cloud in this thread, and clients that reach it without a socket."""

    def __init__(self) -> None:
        BackendDict.reset()
        self.workers = ManualWorkers()
        self.machines = FakeMachines()
        self.cloud = Cloud(self.machines, NO_LATENCY, workers=self.workers)  # type: ignore[arg-type]
        self.application = Application(self.cloud, CallLog())

    def client(self, service: str) -> Any:
        made = boto3.client(
            service,
            region_name=REGION,
            endpoint_url="http://127.0.0.1:9",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",  # noqa: S106
            config=Config(retries={"total_max_attempts": 1}),
        )
        made.meta.events.register("before-send", self._send)
        return made

    def _send(self, request: Any, **_: object) -> Any:
        body = request.body or b""
        body = body.encode() if isinstance(body, str) else body
        headers = {
            name: value.decode() if isinstance(value, bytes) else value
            for name, value in request.headers.items()
        }
        try:
            reply = self.application.handle(request.method, request.url, headers, body)
        except ConnectionLostError as error:
            raise ConnectionClosedError(endpoint_url=request.url) from error
        return AWSResponse(request.url, reply.status, dict(reply.headers), Raw(reply.body))


@pytest.fixture
def direct() -> Iterator[Direct]:
    opened = Direct()
    yield opened
    opened.cloud.close()
    BackendDict.reset()


def test_a_cloud_without_sockets_and_threads_goes_on_when_it_is_told(direct: Direct) -> None:
    threads = threading.active_count()
    ec2 = direct.client("ec2")
    world = world_of(direct, ec2)  # type: ignore[arg-type]
    instance_id = world.launch()["InstanceId"]
    assert world.state(instance_id) == "pending"
    assert direct.workers.waiting() == [instance_id]
    assert direct.workers.run_all() == 1
    assert world.state(instance_id) == "running"
    ec2.stop_instances(InstanceIds=[instance_id])
    assert world.state(instance_id) == "stopping"
    direct.workers.run_all()
    image_id = ec2.create_image(InstanceId=instance_id, Name="baked")["ImageId"]
    assert world.image(image_id)["State"] == "pending"
    direct.workers.run_all()
    assert world.image(image_id)["State"] == "available"
    assert threading.active_count() == threads
    assert [record.code for record in direct.application.calls.records()] == ["OK"] * 8


def test_other_services_and_names_that_need_quoting_work_without_sockets(direct: Direct) -> None:
    s3 = direct.client("s3")
    place = {"Bucket": "runs", "Key": "a run/ä+b%20.json"}
    s3.create_bucket(Bucket="runs", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(**place, Body=b"1")
    assert s3.get_object(**place)["Body"].read() == b"1"
    listed = s3.list_objects_v2(Bucket="runs", Prefix="a run/")["Contents"]
    assert [tag["Key"] for tag in listed] == [place["Key"]]
    assert direct.client("sts").get_caller_identity()["Account"] == "123456789012"
    images = direct.client("ec2").describe_images(ImageIds=[UBUNTU])["Images"]
    assert len(images) == 1


def test_an_answer_that_is_lost_is_an_exception_and_is_logged(direct: Direct) -> None:
    class Loses:
        def before(self, call: Call) -> Reply | None:
            del call
            return None

        def after(self, call: Call, reply: Reply) -> Reply:
            raise ConnectionLostError(f"{call.action}: {reply.status}")

    ec2 = direct.client("ec2")
    direct.application.interceptors.append(Loses())
    with pytest.raises(ConnectionClosedError):
        ec2.create_key_pair(KeyName="ours")
    direct.application.interceptors.clear()
    assert len(ec2.describe_key_pairs()["KeyPairs"]) == 1
    lost = [
        record for record in direct.application.calls.records() if record.code == "ConnectionLost"
    ]
    assert [record.action for record in lost] == ["CreateKeyPair"]


def test_the_end_of_a_cloud_goes_on_with_the_other_machines_and_says_what_is_left() -> None:
    direct = Direct()
    ec2 = direct.client("ec2")
    launched = ec2.run_instances(ImageId=UBUNTU, MinCount=3, MaxCount=3, InstanceType="t3.micro")
    first, *others = (each["InstanceId"] for each in launched["Instances"])
    destroy = direct.machines.destroy

    def destroy_others(machine_id: str) -> None:
        if machine_id == first:
            raise SandboxError("umount: target is busy")
        destroy(machine_id)

    direct.machines.destroy = destroy_others  # type: ignore[method-assign]

    with pytest.raises(ExceptionGroup, match=r"clear what is left with: .* down") as caught:
        direct.cloud.close()

    (error,) = caught.value.exceptions
    assert (str(error), error.__notes__) == ("umount: target is busy", [f"of {first}"])
    assert set(direct.machines.roots) == {first}
    assert len(others) == 2
