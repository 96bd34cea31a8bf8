"""Calls that are refused or lost on their way: as EC2 and the other services do it."""

import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from sandbox.messages.error_reply import KNOWN
from tests.ec2_actions import REGION, client, code_of
from tests.limits import HANG_SECONDS
from tests.sandbox.api.conftest import UBUNTU, ZONE, World, world_of
from tests.strict_cloud import strict_cloud_opened

TOKEN = {"ClientToken": "one"}


@pytest.fixture
def world() -> Iterator[World]:
    """A world whose client tries once: each failure shows."""
    with strict_cloud_opened() as opened:
        yield world_of(opened, client("ec2", opened.endpoint_url, attempts=1))


def error_of(call: Any, **parameters: Any) -> tuple[str, int, str]:
    """Return code, status and message of a refusal."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    answer = caught.value.response
    status = answer["ResponseMetadata"]["HTTPStatusCode"]
    return answer["Error"]["Code"], status, answer["Error"]["Message"]


@pytest.mark.parametrize("code", sorted(KNOWN))
def test_a_known_code_comes_with_its_status_and_words(world: World, code: str) -> None:
    name = world.fail("refuse", code=code, action="Describe*")
    shown = error_of(world.ec2.describe_instances)
    assert shown[:2] == (code, KNOWN[code].status)
    assert shown[2].startswith(KNOWN[code].message)
    assert world.fired(name) == 1
    assert code_of(world.launch) == "OK", "another action is not touched"


def test_a_refusal_of_ones_own_has_ones_own_words(world: World) -> None:
    world.fail("refuse", code="Odd", status=418, message="<not> today", action="RunInstances")
    assert error_of(world.launch) == ("Odd", 418, "<not> today")
    assert world.ec2.describe_instances()["Reservations"] == []


@pytest.mark.parametrize(
    ("service", "call", "code", "status"),
    [
        ("ssm", {"get_parameter": {"Name": "/x"}}, "ThrottlingException", 400),
        ("sts", {"get_caller_identity": {}}, "ExpiredToken", 403),
        ("s3", {"list_objects_v2": {"Bucket": "runs"}}, "SlowDown", 503),
        ("scheduler", {"get_schedule": {"Name": "x"}}, "ThrottlingException", 400),
        ("pricing", {"describe_services": {}}, "ThrottlingException", 400),
    ],
)
def test_every_service_refuses_in_its_own_form(
    world: World, service: str, call: dict[str, dict[str, str]], code: str, status: int
) -> None:
    ((action, parameters),) = call.items()
    other = client(service, world.sandbox.endpoint_url, "us-east-1", attempts=1)
    world.fail("refuse", service=service, code=code)
    assert error_of(getattr(other, action), **parameters)[:2] == (code, status)


def test_a_service_of_rest_calls_is_told_by_its_operations(world: World) -> None:
    s3 = client("s3", world.sandbox.endpoint_url, "us-east-1", attempts=1)
    s3.create_bucket(Bucket="runs")
    where = {"bucket": "runs", "key": "leases/*"}
    name = world.fail("refuse", service="s3", code="SlowDown", action="PutObject", where=where)
    assert code_of(s3.put_object, Bucket="runs", Key="other", Body=b"1") == "OK"
    assert code_of(s3.put_object, Bucket="runs", Key="leases/a", Body=b"1") == "SlowDown"
    assert world.fired(name) == 1


def test_a_denied_action_is_denied_to_a_trial_as_well(world: World) -> None:
    """The answer to a trial tells what one may do: DryRunOperation or UnauthorizedOperation.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html (DryRun)
    """
    assert code_of(world.launch, DryRun=True) == "DryRunOperation"
    name = world.fail("refuse", code="UnauthorizedOperation", action="RunInstances")
    code, status, message = error_of(world.launch, DryRun=True)
    assert (code, status) == ("UnauthorizedOperation", 403)
    assert "ec2:RunInstances" in message
    assert world.fired(name) == 1
    assert code_of(world.ec2.terminate_instances, InstanceIds=["i-0123456789abcdef0"]) != code


def test_skip_and_times_count_the_calls_that_fit(world: World) -> None:
    name = world.fail("refuse", code="InternalError", action="DescribeRegions", skip=1, times=2)
    codes = [code_of(world.ec2.describe_regions) for _ in range(4)]
    assert codes == ["OK", "InternalError", "InternalError", "OK"]
    assert world.fired(name) == 2


def test_conditions_see_tags_types_zones_and_what_a_call_names(world: World) -> None:
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "role", "Value": "builder"}]}]
    instance_id = world.launch_running(TagSpecifications=tags)
    other_id = world.launch_running()
    where = {"tag:role": "build*", "zone": ["us-west-2?"], "instance_type": "t3.*"}
    name = world.fail("refuse", code="InternalError", action="*Instances", where=where)
    assert code_of(world.ec2.stop_instances, InstanceIds=[other_id]) == "OK"
    assert code_of(world.ec2.stop_instances, InstanceIds=[instance_id]) == "InternalError"
    place = {"AvailabilityZone": ZONE}
    assert code_of(world.launch, TagSpecifications=tags, Placement=place) == "InternalError"
    assert world.fired(name) == 2
    assert code_of(world.launch) == "OK"
    by_id = world.fail("refuse", code="Odd", where={"id": other_id})
    assert code_of(world.ec2.describe_instances, InstanceIds=[other_id]) == "Odd"
    assert world.fired(by_id) == 1


def test_a_call_that_is_lost_before_has_no_effect_and_the_connection_ends(world: World) -> None:
    name = world.fail("lose_before", action="RunInstances", times=1)
    with pytest.raises(ConnectionClosedError):
        world.launch(**TOKEN)
    assert world.fired(name) == 1
    assert world.ec2.describe_instances()["Reservations"] == []
    assert [call.code for call in world.sandbox.calls("RunInstances")] == ["ConnectionLost"]


def test_a_call_whose_answer_is_lost_has_had_its_effect(world: World) -> None:
    name = world.fail("lose_after", action="RunInstances", times=1)
    with pytest.raises(ConnectionClosedError):
        world.launch(**TOKEN)
    assert world.fired(name) == 1
    found = world.ec2.describe_instances(Filters=[{"Name": "client-token", "Values": ["one"]}])
    first = found["Reservations"][0]["Instances"][0]["InstanceId"]
    assert world.launch(**TOKEN)["InstanceId"] == first


def test_a_refused_call_has_no_answer_to_lose(world: World) -> None:
    name = world.fail("lose_after", action="RunInstances")
    assert code_of(world.launch, ImageId="ami-0123456789abcdef0") == "InvalidAMIID.NotFound"
    assert world.fired(name) == 0


def test_botocores_own_retry_meets_the_effect_of_the_first_attempt(world: World) -> None:
    patient = client("ec2", world.sandbox.endpoint_url)
    name = world.fail("lose_after", action="CreateKeyPair", times=1)
    assert code_of(patient.create_key_pair, KeyName="ours") == "InvalidKeyPair.Duplicate"
    assert world.fired(name) == 1


def test_a_zone_without_room_says_which_have_some(world: World) -> None:
    """The words are EC2's, as people have reported them.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/troubleshooting-launch.html
    """
    where = {"zone": ["us-west-2a", "us-west-2b"], "instance_type": "m5.*"}
    name = world.fail("refuse", code="InsufficientInstanceCapacity", where=where)
    parameters = {"InstanceType": "m5.large", "Placement": {"AvailabilityZone": ZONE}}
    code, status, message = error_of(world.launch, **parameters)
    assert (code, status) == ("InsufficientInstanceCapacity", 500)
    assert "choosing us-west-2c" in message
    assert "us-west-2b" not in message
    assert world.fired(name) == 1
    assert code_of(world.launch, **parameters, DryRun=True) == "DryRunOperation"
    assert code_of(world.launch, **parameters | {"InstanceType": "t3.large"}) == "OK"
    assert world.ec2.describe_instances()["Reservations"] != []


def test_without_a_zone_a_launch_goes_where_there_is_room(world: World) -> None:
    without_room = [ZONE, "us-west-2b"]
    name = world.fail("refuse", code="InsufficientInstanceCapacity", where={"zone": without_room})
    assert world.launch()["Placement"]["AvailabilityZone"] == "us-west-2c"
    assert world.fired(name) == 0
    world.sandbox.cloud.faults.remove()
    name = world.fail("refuse", code="InsufficientInstanceCapacity")
    assert code_of(world.launch) == "InsufficientInstanceCapacity"
    assert world.fired(name) == 1


def test_a_stopped_instance_may_find_no_room_to_start_and_stays_stopped(world: World) -> None:
    instance_id = world.launch_running()
    world.stop(instance_id)
    name = world.fail("refuse", code="InsufficientInstanceCapacity", action="StartInstances")
    answer = code_of(world.ec2.start_instances, InstanceIds=[instance_id])
    assert (answer, world.fired(name)) == ("InsufficientInstanceCapacity", 1)
    assert world.state(instance_id) == "stopped"


def test_a_launch_that_was_made_finds_its_token_whatever_room_is_left(world: World) -> None:
    made = world.launch(**TOKEN)["InstanceId"]
    name = world.fail("refuse", code="InsufficientInstanceCapacity", action="RunInstances")
    assert world.launch(**TOKEN)["InstanceId"] == made
    assert world.fired(name) == 0


def quota(world: World, code: str = "L-1216C47A") -> float:
    quotas = client("service-quotas", world.sandbox.endpoint_url, REGION)
    shown = quotas.get_service_quota(ServiceCode="ec2", QuotaCode=code)
    return float(shown["Quota"]["Value"])


def test_running_vcpus_are_counted_against_the_quota_that_service_quotas_shows(
    world: World,
) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-on-demand-instances.html (limits)"""
    assert quota(world) == 64
    name = world.fail("limit", code="L-1216C47A", value=4)
    assert quota(world) == 4
    first, _ = world.launch_running(), world.launch_running()
    code, status, message = error_of(world.launch)
    assert (code, status) == ("VcpuLimitExceeded", 400)
    assert "current vCPU limit of 4" in message
    assert world.fired(name) == 1
    assert code_of(world.launch, DryRun=True) == "DryRunOperation"
    world.stop(first)
    assert code_of(world.launch) == "OK", "a stopped instance does not count"
    assert code_of(world.ec2.start_instances, InstanceIds=[first]) == "VcpuLimitExceeded"
    world.sandbox.cloud.faults.remove(name)
    assert code_of(world.ec2.start_instances, InstanceIds=[first]) == "OK"


def test_each_family_has_its_own_quota_and_a_new_account_none_for_gpus(world: World) -> None:
    assert quota(world, "L-DB2E81BA") == 0
    assert code_of(world.launch, InstanceType="g4dn.xlarge") == "VcpuLimitExceeded"
    assert code_of(world.launch, InstanceType="m5.large") == "OK"
    quotas = client("service-quotas", world.sandbox.endpoint_url, REGION)
    assert len(quotas.list_service_quotas(ServiceCode="ec2")["Quotas"]) == 4


def test_a_quota_may_be_said_to_be_used_up_without_being_lowered(world: World) -> None:
    name = world.fail("refuse", code="VcpuLimitExceeded", action="RunInstances", times=1)
    assert code_of(world.launch) == "VcpuLimitExceeded"
    assert (world.fired(name), quota(world)) == (1, 64)


def test_a_subnet_without_free_addresses_says_so(world: World) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html"""
    block = world.machines.subnet.replace("0.0/16", "0.0/28")
    vpc_id = world.ec2.create_vpc(CidrBlock=block)["Vpc"]["VpcId"]
    subnet_id = world.ec2.create_subnet(VpcId=vpc_id, CidrBlock=block)["Subnet"]["SubnetId"]
    parameters = {"ImageId": UBUNTU, "InstanceType": "t3.micro", "SubnetId": subnet_id}
    world.ec2.run_instances(**parameters, MinCount=11, MaxCount=11)
    refused = code_of(world.launch, SubnetId=subnet_id)
    assert refused == "InsufficientFreeAddressesInSubnet"
    assert len(world.machines.roots) == 11


def test_the_sandboxs_own_calls_meet_no_faults(world: World) -> None:
    world.fail("lose_before", service="*")
    url = f"{world.sandbox.endpoint_url}/notebake-sandbox/health"
    with urllib.request.urlopen(url, timeout=HANG_SECONDS) as answer:  # noqa: S310
        assert answer.status == 200
