import json
import urllib.request
from pathlib import Path
from typing import Any

from sandbox.api.application import Reply
from sandbox.ec2.state import base_images
from sandbox.messages.call import Call
from tests.ec2_actions import client, code_of
from tests.limits import HANG_SECONDS
from tests.sandbox.api.conftest import UBUNTU, World, world_of
from tests.strict_cloud import strict_cloud, strict_cloud_opened


def read(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=HANG_SECONDS) as answer:  # noqa: S310
        return json.loads(answer.read())


def test_health_says_how_many_instances_there_are(world: World) -> None:
    world.launch_running()
    health = read(f"{world.sandbox.endpoint_url}/notebake-sandbox/health")
    assert health == {"status": "ok", "account": "123456789012", "instances": {"running": 1}}


def test_every_call_is_logged_in_order_with_its_result(tmp_path: Path) -> None:
    with strict_cloud_opened(home=tmp_path) as opened:
        world = world_of(opened)
        for kind in ("t3.micro", "t3.micro", "t3.small"):
            code_of(world.launch, ClientToken="one", InstanceType=kind)
        records = opened.calls("RunInstances")
        assert [record.code for record in records] == ["OK", "OK", "IdempotentParameterMismatch"]
        first, second, third = (record.parameters_digest for record in records)
        assert first == second != third
        served = read(f"{opened.endpoint_url}/notebake-sandbox/calls")
        written = [json.loads(line) for line in (tmp_path / "calls.jsonl").read_text().splitlines()]
    assert served == written
    assert [call["action"] for call in written] == ["RunInstances"] * 3


def test_an_interceptor_sees_each_call_and_its_answer(world: World) -> None:
    class Watcher:
        def __init__(self) -> None:
            self.seen: list[tuple[str, str]] = []

        def before(self, call: Call) -> Reply | None:
            self.seen.append(("before", call.action))
            return None

        def after(self, call: Call, reply: Reply) -> Reply:
            self.seen.append(("after", call.action))
            return reply

    watcher = Watcher()
    world.sandbox.application.interceptors.append(watcher)
    world.ec2.describe_regions()
    world.sandbox.application.interceptors.remove(watcher)
    world.ec2.describe_regions()
    assert watcher.seen == [("before", "DescribeRegions"), ("after", "DescribeRegions")]


def test_canonicals_parameters_name_an_image_in_every_region(world: World) -> None:
    place = "/aws/service/canonical/ubuntu/server/{}/stable/current/{}/hvm/ebs-{}/ami-id"
    found = set()
    for region in ("us-west-2", "eu-central-1"):
        ssm = client("ssm", world.sandbox.endpoint_url, region)
        ec2 = client("ec2", world.sandbox.endpoint_url, region)
        for version, disk in (("24.04", "gp3"), ("22.04", "gp2")):
            answer = ssm.get_parameter(Name=place.format(version, "amd64", disk))
            image_id = answer["Parameter"]["Value"]
            shown = ec2.describe_images(ImageIds=[image_id])["Images"][0]
            assert (shown["State"], shown["OwnerId"]) == ("available", "099720109477")
            root = shown["BlockDeviceMappings"][0]["Ebs"]
            snapshot = ec2.describe_snapshots(SnapshotIds=[root["SnapshotId"]])["Snapshots"][0]
            assert (root["VolumeSize"], snapshot["VolumeSize"]) == (8, 8)
            found.add(image_id)
        for unknown in (
            place.format("24.04", "arm64", "gp3"),
            place.format("18.04", "amd64", "gp2"),
        ):
            assert code_of(ssm.get_parameter, Name=unknown) == "ParameterNotFound"
    assert len(found) == 4
    assert UBUNTU in found
    assert base_images.image_id(base_images.RELEASES[0], "us-west-2") == UBUNTU


def test_other_services_answer_as_well(world: World) -> None:
    url = world.sandbox.endpoint_url
    assert client("sts", url).get_caller_identity()["Account"] == "123456789012"
    s3 = client("s3", url, "us-east-1")
    s3.create_bucket(Bucket="runs")
    s3.put_object(Bucket="runs", Key="a", Body=b"1", IfNoneMatch="*")
    again = {"Bucket": "runs", "Key": "a", "Body": b"2", "IfNoneMatch": "*"}
    assert code_of(s3.put_object, **again) == "PreconditionFailed"
    assert s3.get_object(Bucket="runs", Key="a")["Body"].read() == b"1"
    quota = {"ServiceCode": "ec2", "QuotaCode": "L-1216C47A"}
    assert client("service-quotas", url).get_service_quota(**quota)["Quota"]["Value"] > 0


def test_the_calls_of_a_bake_that_moto_answers_work(world: World) -> None:
    vpc_id = world.ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])
    assert len(vpc_id["Vpcs"]) == 1
    assert world.ec2.describe_subnets()["Subnets"]
    assert world.ec2.describe_regions()["Regions"]
    kinds = world.ec2.describe_instance_types(InstanceTypes=["m5ad.4xlarge"])["InstanceTypes"]
    assert kinds[0]["InstanceStorageInfo"]["Disks"][0]["Count"] == 2
    assert world.ec2.get_instance_metadata_defaults()["AccountLevel"] == {}
    unknown = code_of(world.ec2.describe_instance_types, InstanceTypes=["x9.huge"])
    assert unknown == "InvalidInstanceType"


def test_an_action_that_nobody_knows_is_an_error_of_ec2s_form(world: World) -> None:
    assert code_of(world.ec2.describe_vpn_gateways) == "UnsupportedOperation"
    world.machines.baked.clear()
    assert code_of(world.launch) == "InternalError"


def test_two_clouds_one_after_the_other_share_nothing() -> None:
    for _ in range(2):
        with strict_cloud() as endpoint_url:
            ec2 = client("ec2", endpoint_url)
            assert ec2.describe_key_pairs()["KeyPairs"] == []
            ec2.create_key_pair(KeyName="ours", KeyType="ed25519")
