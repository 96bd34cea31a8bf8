"""What a launch asks for, what EC2 refuses, and how a launch is found again."""

from typing import Any

import pytest

from tests.conformance.guard import OWN_END
from tests.conformance.world import OTHER_MACHINE, World
from tests.ec2_actions import code_of

SOMEWHERE = "us-west-2z"


def test_the_same_token_returns_the_same_instance_even_when_it_is_gone(world: World) -> None:
    """https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html"""
    token = world.name("one")
    first = world.launch_running(ClientToken=token)
    assert world.launch(ClientToken=token)["InstanceId"] == first
    world.terminate(first)
    assert world.launch(ClientToken=token)["InstanceId"] == first
    assert world.launch(ClientToken=world.name("two"))["InstanceId"] != first


def test_the_same_token_for_something_else_is_refused(world: World) -> None:
    """https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html"""
    token = world.name("one")
    world.launch(ClientToken=token)
    answer = code_of(world.launch, ClientToken=token, InstanceType=OTHER_MACHINE)
    assert answer == "IdempotentParameterMismatch"


def test_the_same_token_in_another_zone_is_another_request(world: World) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Run_Instance_Idempotency.html"""
    token = world.name("one")
    ids = {
        world.launch(ClientToken=token, Placement={"AvailabilityZone": zone})["InstanceId"]
        for zone in (world.zone, world.other_zone, world.zone)
    }
    assert len(ids) == 2
    assert world.launch(ClientToken=token)["InstanceId"] not in ids, "without a zone: regional"


def test_a_launch_is_found_by_its_token_and_its_tags(world: World) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html"""
    token, value = world.name("one"), world.name("value")
    tags = [{"Key": "run", "Value": value}]
    kinds = ("instance", "volume", "network-interface")
    specified = [{"ResourceType": kind, "Tags": tags} for kind in kinds]
    instance_id = world.launch(ClientToken=token, TagSpecifications=specified)["InstanceId"]

    def find(name: str, value: str) -> list[str]:
        filters = [{"Name": name, "Values": [value]}, *world.mine]
        found = world.ec2.describe_instances(Filters=filters)["Reservations"]
        return [instance["InstanceId"] for each in found for instance in each["Instances"]]

    world.wait_until(lambda: find("client-token", token) == [instance_id])
    assert find("tag:run", value) == find("tag-key", "r*n") == [instance_id]
    assert find("client-token", "other") == find("tag:run", "other") == []
    assert world.instance(instance_id)["ClientToken"] == token
    filters = [{"Name": "tag:run", "Values": [value]}]
    world.wait_until(lambda: len(world.ec2.describe_volumes(Filters=filters)["Volumes"]) == 1)
    found = world.ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"]
    assert len(found) == 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"ImageId": "ami-0123456789abcdef0"}, "InvalidAMIID.NotFound"),
        ({"ImageId": "ami-nonsense"}, "InvalidAMIID.Malformed"),
        ({"ClientToken": "t" * 65}, "InvalidParameterValue"),
        ({"KeyName": "unknown"}, "InvalidKeyPair.NotFound"),
        ({"SecurityGroupIds": ["sg-0123456789abcdef0"]}, "InvalidGroup.NotFound"),
        ({"SubnetId": "subnet-0123456789abcdef0"}, "InvalidSubnetID.NotFound"),
        ({"InstanceType": "x9.huge"}, "InvalidParameterValue"),
        ({"InstanceType": "t4g.micro"}, "InvalidParameterValue"),
        ({"Placement": {"AvailabilityZone": SOMEWHERE}}, "InvalidParameterValue"),
        ({"UserData": OWN_END + " " * 16385}, "InvalidParameterValue"),
        ({"MinCount": 2}, "InvalidParameterValue"),
        (
            {
                "BlockDeviceMappings": [
                    {"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 4, "VolumeType": "io1"}}
                ]
            },
            "MissingParameter",
        ),
        (
            {"BlockDeviceMappings": [{"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 4}}]},
            "InvalidBlockDeviceMapping",
        ),
        (
            {"BlockDeviceMappings": [{"DeviceName": "/dev/sdf", "Ebs": {"VolumeType": "gp3"}}]},
            "MissingParameter",
        ),
        (
            {
                "BlockDeviceMappings": [
                    {"DeviceName": "/dev/sdf", "Ebs": {"SnapshotId": "snap-0123456789abcdef0"}}
                ]
            },
            "InvalidSnapshot.NotFound",
        ),
        ({"IamInstanceProfile": {"Name": "notebake-nobodys"}}, "InvalidParameterValue"),
        ({"DryRun": True}, "DryRunOperation"),
    ],
)
def test_a_launch_that_ec2_refuses_is_refused_and_makes_nothing(
    world: World, change: dict[str, Any], code: str
) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html"""
    assert code_of(world.launch, **change) == code
    assert world.instances() == []
    assert world.volumes() == []


def test_an_instance_is_monitored_and_named_as_its_region_does(world: World) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Monitoring.html"""
    plain = world.instance(world.launch_running())
    watched = world.instance(world.launch_running(Monitoring={"Enabled": True}))
    assert [instance["Monitoring"]["State"] for instance in (plain, watched)] == [
        "disabled",
        "enabled",
    ]
    number = plain["PrivateIpAddress"].replace(".", "-")
    domain = "ec2" if world.account.region == "us-east-1" else f"{world.account.region}.compute"
    assert plain["PrivateDnsName"] == f"ip-{number}.{domain}.internal"


def test_a_type_that_a_zone_does_not_have_is_unsupported_there(world: World) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/troubleshooting-launch.html"""
    offers = world.ec2.describe_instance_type_offerings(
        LocationType="availability-zone",
        Filters=[{"Name": "instance-type", "Values": ["t2.micro"]}],
    )["InstanceTypeOfferings"]
    without = set(world.account.zones) - {offer["Location"] for offer in offers}
    world.needs(without, "t2.micro is in every zone of this region")
    place = {"AvailabilityZone": without.pop()}
    answer = code_of(world.launch, InstanceType="t2.micro", Placement=place)
    assert answer == "Unsupported"


def test_what_does_not_exist_is_not_offered(world: World) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceTypes.html"""
    unknown = code_of(world.ec2.describe_instance_types, InstanceTypes=["x9.huge"])
    assert unknown == "InvalidInstanceType"
    parameters = {"InstanceTypes": ["m5ad.4xlarge"]}
    (kind,) = world.ec2.describe_instance_types(**parameters)["InstanceTypes"]
    assert kind["InstanceStorageInfo"]["Disks"][0]["Count"] == 2


def test_canonicals_parameter_names_an_image_of_canonicals(world: World) -> None:
    """https://discourse.ubuntu.com/t/finding-ubuntu-images-with-the-aws-ssm-parameter-store/15507

    The id by which Canonical owns its images: 099720109477.
    """
    shown = world.image(world.image_id)
    assert (shown["State"], shown["OwnerId"]) == ("available", "099720109477")
    assert shown["RootDeviceName"] == "/dev/sda1"
    root = shown["BlockDeviceMappings"][0]["Ebs"]
    assert (root["VolumeSize"], root["DeleteOnTermination"]) == (8, True)
    found = world.ec2.describe_images(
        Owners=["099720109477"], Filters=[{"Name": "name", "Values": [shown["Name"]]}]
    )["Images"]
    assert [image["ImageId"] for image in found] == [world.image_id]
    missing = code_of(world.client("ssm").get_parameter, Name="/aws/service/canonical/ubuntu/none")
    assert missing == "ParameterNotFound"


def test_the_answer_to_a_launch_tells_of_no_disks_and_no_public_address_yet(world: World) -> None:
    """The example of https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html"""
    launched = world.launch()

    assert launched["State"]["Name"] == "pending"
    assert launched["StateReason"]["Code"] == "pending"
    assert launched.get("BlockDeviceMappings", []) == []
    assert "PublicIpAddress" not in launched
    world.wait_for_state(launched["InstanceId"], "running")
    assert world.instance(launched["InstanceId"])["BlockDeviceMappings"] != []
