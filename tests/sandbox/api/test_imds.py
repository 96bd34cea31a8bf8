import http.client
import json
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from sandbox.api.imds import TOKEN_HEADER, TOKEN_PATH, TTL_HEADER, Imds
from sandbox.api.server import serving
from tests.ec2_actions import PUBLIC_KEY, client, code_of
from tests.sandbox.api.conftest import UBUNTU, World


class Asker:
    """Asks the metadata service from the address of one host."""

    def __init__(self, port: int, address: str) -> None:
        self.port, self.address = port, address

    def ask(self, path: str, method: str = "GET", **headers: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.port, source_address=(self.address, 0), timeout=5
        )
        try:
            named = {key.replace("_", "-"): value for key, value in headers.items()}
            connection.request(method, path, headers=named)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def token(self, seconds: str = "60") -> str:
        status, token = self.ask(TOKEN_PATH, "PUT", **{TTL_HEADER: seconds})
        assert status == 200
        return token

    def read(self, path: str) -> str:
        status, text = self.ask(f"/latest/{path}", **{TOKEN_HEADER: self.token()})
        assert status == 200, path
        return text


@pytest.fixture
def port(world: World) -> Iterator[int]:
    with serving(Imds(world.sandbox.cloud), "127.0.0.1", 0) as served:
        yield served


def asker(world: World, port: int, instance_id: str) -> Asker:
    return Asker(port, world.machines.addresses[instance_id])


def test_no_metadata_is_served_without_a_valid_token(world: World, port: int) -> None:
    first = asker(world, port, world.launch_running())
    other = asker(world, port, world.launch_running())
    path = "/latest/meta-data/instance-id"
    assert first.ask(path)[0] == 401
    assert first.ask(path, **{TOKEN_HEADER: "invented"})[0] == 401
    assert first.ask(path, **{TOKEN_HEADER: other.token()})[0] == 401
    assert first.ask(path, **{TOKEN_HEADER: first.token()})[0] == 200


def test_version_1_works_only_where_tokens_are_optional(world: World, port: int) -> None:
    instance_id = world.launch_running(MetadataOptions={"HttpTokens": "optional"})
    host = asker(world, port, instance_id)
    assert host.ask("/latest/meta-data/instance-id") == (200, instance_id)
    world.ec2.modify_instance_metadata_options(InstanceId=instance_id, HttpTokens="required")
    assert host.ask("/latest/meta-data/instance-id")[0] == 401


def test_a_token_needs_a_lifetime(world: World, port: int) -> None:
    host = asker(world, port, world.launch_running())
    assert host.ask(TOKEN_PATH, "PUT")[0] == 400
    assert host.ask(TOKEN_PATH, "PUT", **{TTL_HEADER: "99999"})[0] == 400
    assert host.ask(TOKEN_PATH, "GET")[0] == 405
    assert host.ask(TOKEN_PATH, "PUT", **{TTL_HEADER: "60", "X-Forwarded-For": "1.2.3.4"})[0] == 403


def test_a_host_reads_who_it_is(world: World, port: int) -> None:
    world.ec2.import_key_pair(KeyName="mine", PublicKeyMaterial=PUBLIC_KEY)
    instance_id = world.launch_running(
        KeyName="mine",
        UserData="#!/bin/sh\n",
        TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "run", "Value": "r1"}]}],
        MetadataOptions={"InstanceMetadataTags": "enabled"},
    )
    host = asker(world, port, instance_id)
    mac = host.read("meta-data/mac")
    blob = PUBLIC_KEY.decode().split()[1]
    expected = {
        "user-data": "#!/bin/sh\n",
        "meta-data/instance-id": instance_id,
        "meta-data/ami-id": UBUNTU,
        "meta-data/local-ipv4": host.address,
        "meta-data/public-ipv4": world.instance(instance_id)["PublicIpAddress"],
        "meta-data/placement/region": "us-west-2",
        "meta-data/instance-type": "t3.micro",
        "meta-data/security-groups": "default",
        "meta-data/public-keys/": "0=mine",
        "meta-data/public-keys/0/openssh-key": f"ssh-ed25519 {blob} mine",
        f"meta-data/network/interfaces/macs/{mac}/local-ipv4s": host.address,
        "meta-data/block-device-mapping/root": "/dev/sda1",
        "meta-data/tags/instance/run": "r1",
    }
    assert {path: host.read(path) for path in expected} == expected
    assert json.loads(host.read("dynamic/instance-identity/document"))["instanceId"] == instance_id


def test_a_host_that_is_being_launched_is_known_already(world: World, port: int) -> None:
    with world.machines.held():
        instance_id = world.launch()["InstanceId"]
        assert asker(world, port, instance_id).read("meta-data/instance-id") == instance_id


def test_unknown_and_terminated_hosts_get_no_metadata(world: World, port: int) -> None:
    assert Asker(port, "127.9.9.9").ask(TOKEN_PATH, "PUT", **{TTL_HEADER: "60"})[0] == 404
    instance_id = world.launch_running()
    host = asker(world, port, instance_id)
    world.terminate(instance_id)
    assert host.ask(TOKEN_PATH, "PUT", **{TTL_HEADER: "60"})[0] == 404


def test_without_user_data_there_is_none(world: World, port: int) -> None:
    host = asker(world, port, world.launch_running())
    assert host.ask("/latest/user-data", **{TOKEN_HEADER: host.token()})[0] == 404


def make_profile(world: World, name: str = "reader", *, has_role: bool = True) -> str:
    iam = client("iam", world.sandbox.endpoint_url)
    arn: str = iam.create_instance_profile(InstanceProfileName=name)["InstanceProfile"]["Arn"]
    if has_role:
        iam.create_role(RoleName=f"{name}-role", AssumeRolePolicyDocument="{}")
        iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=f"{name}-role")
    return arn


def test_a_host_has_the_credentials_of_the_role_of_its_profile(world: World, port: int) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html"""
    arn = make_profile(world)
    instance_id = world.launch_running(IamInstanceProfile={"Name": "reader"})
    assert world.instance(instance_id)["IamInstanceProfile"]["Arn"] == arn
    host = asker(world, port, instance_id)
    assert json.loads(host.read("meta-data/iam/info"))["InstanceProfileArn"] == arn
    assert host.read("meta-data/iam/security-credentials/") == "reader-role"
    path = "meta-data/iam/security-credentials/reader-role"
    first = json.loads(host.read(path))
    end = datetime.fromisoformat(first["Expiration"])
    now = world.sandbox.cloud.clock.now()
    assert (first["Code"], first["Type"]) == ("Success", "AWS-HMAC")
    assert timedelta(hours=1) < end - now <= timedelta(hours=6)
    world.advance((end - now - timedelta(minutes=50)).total_seconds())
    following = json.loads(host.read(path))
    assert following["AccessKeyId"] != first["AccessKeyId"]
    assert datetime.fromisoformat(following["Expiration"]) > end


def test_a_profile_without_a_role_and_a_host_without_a_profile_have_no_credentials(
    world: World, port: int
) -> None:
    arn = make_profile(world, "empty", has_role=False)
    empty = asker(world, port, world.launch_running(IamInstanceProfile={"Arn": arn}))
    assert "InstanceProfileId" in empty.read("meta-data/iam/info")
    plain = asker(world, port, world.launch_running())
    for host, path in ((empty, "security-credentials/"), (plain, "info")):
        status, _ = host.ask(f"/latest/meta-data/iam/{path}", **{TOKEN_HEADER: host.token()})
        assert status == 404


def test_a_profile_is_named_or_given_by_its_arn_but_not_both(world: World) -> None:
    arn = make_profile(world)
    both = code_of(world.launch, IamInstanceProfile={"Name": "reader", "Arn": arn})
    assert both == "InvalidParameterCombination"
