"""The AWS command line drives the sandbox as it drives EC2."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.aws_line import AwsLine
from tests.clients.bakes import (
    MACHINE,
    UBUNTU,
    ZONE,
    data_of,
    log_in,
    read_command,
    write_command,
)
from tests.clients.programs import find_or_skip
from tests.limits import HANG_SECONDS
from tests.sandbox.bake_world import Cloud, wait_for

THERE = "eu-central-1"
ORGANIZATION = "arn:aws:organizations::210987654321:organization/o-1234567890"
NEW = "Instances[0]"
FIRST = "Reservations[0].Instances[0]"

pytestmark = [pytest.mark.sandbox, pytest.mark.usefixtures("clean_cloud")]


@pytest.fixture(scope="module", autouse=True)
def path() -> str:
    return find_or_skip("The AWS command line", "aws", "--version")


@pytest.fixture(scope="module")
def aws(path: str, settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> AwsLine:
    others = {name: value for name, value in settings.items() if name != "AWS_ENDPOINT_URL"}
    description = {**others, "SANDBOX": settings["AWS_ENDPOINT_URL"]}
    return AwsLine(path, tmp_path_factory.mktemp("line"), description)


@pytest.fixture(scope="module")
def base(aws: AwsLine) -> str:
    found = aws.run(*aws.words("ssm", "get-parameter", "--name", UBUNTU, "--output", "json"))
    return str(json.loads(found)["Parameter"]["Value"])


@pytest.fixture
def key(aws: AwsLine, tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "key"
    made = ("create-key-pair", "--key-name", "line", "--key-type", "ed25519")
    path.write_text(aws.ask(*made, query="KeyMaterial"))
    path.chmod(0o600)
    yield path
    aws.ask("delete-key-pair", "--key-name", "line")


@pytest.fixture
def group(aws: AwsLine, cloud: Cloud) -> Iterator[str]:
    made = ("create-security-group", "--group-name", "line", "--description", "ssh")
    group_id = aws.ask(*made, query="GroupId")
    rule = ("--group-id", group_id, "--protocol", "tcp", "--port", "22")
    aws.ask("authorize-security-group-ingress", *rule, "--cidr", cloud.home.subnet)
    yield group_id
    aws.ask("delete-security-group", "--group-id", group_id)


def test_the_whole_cycle(aws: AwsLine, base: str, key: Path, group: str, cloud: Cloud) -> None:
    wanted = ("--instance-type", MACHINE, "--key-name", "line", "--security-group-ids", group)
    builder = launch(aws, base, *wanted)
    with aws.waiting("instance-running", "--instance-ids", builder):
        volume = add_volume(aws, builder)
        log_in(address_of(aws, builder), key, write_command(volume, "by-aws"))
    image = bake(aws, builder)

    again = aws.ask("run-instances", "--image-id", image, *wanted, query=f"{NEW}.InstanceId")
    address = address_of(aws, again)
    shown = aws.ask("describe-instances", "--instance-ids", again, query=FIRST)
    assert log_in(address, key, read_command(data_of(shown))).split() == ["by-aws", "by-aws"]
    end(aws, builder, again)
    copied = copy(aws, image)
    remove(aws, image)
    read_copy(aws, copied, key.with_suffix(".there"), cloud)
    remove(aws, copied, "--region", THERE)


def launch(aws: AwsLine, base: str, *words: str) -> str:
    """Launch an instance and return its id; the same token asks for the same instance."""
    place = ("--placement", f"AvailabilityZone={ZONE}")
    call = ("run-instances", "--client-token", "first", "--image-id", base, *words, *place)
    instance_id = aws.ask(*call, query=f"{NEW}.InstanceId")
    assert aws.ask(*call, query="Instances[*].InstanceId") == [instance_id]
    assert "(IdempotentParameterMismatch)" in aws.refusal(*call, "--ebs-optimized")
    return str(instance_id)


def address_of(aws: AwsLine, instance_id: str) -> str:
    """Return the address of an instance that runs, found by filters."""
    names = ("Name=instance-state-name,Values=running", f"Name=instance-id,Values={instance_id}")
    call = ("describe-instances", "--filters", *names)
    query = "Reservations[].Instances[].PublicIpAddress"
    return str(wait_for(lambda: aws.ask(*call, query=query), "an address", HANG_SECONDS)[0])


def add_volume(aws: AwsLine, instance_id: str) -> str:
    """Create a volume and attach it as soon as both are ready."""
    call = ("create-volume", "--availability-zone", ZONE, "--size", "1", "--volume-type", "gp3")
    volume = aws.ask(*call, "--client-token", "volume", query="VolumeId")
    assert aws.ask(*call, "--client-token", "volume", query="VolumeId") == volume
    address_of(aws, instance_id)
    aws.wait("volume-available", "--volume-ids", volume)
    places = ("--volume-id", volume, "--instance-id", instance_id, "--device", "/dev/sdf")
    aws.ask("attach-volume", *places)
    assert "(VolumeInUse)" in aws.refusal("attach-volume", *places)
    aws.wait("volume-in-use", "--volume-ids", volume)
    return str(volume)


def bake(aws: AwsLine, instance_id: str) -> str:
    """Stop an instance and make an image of it."""
    stopped = ("describe-instances", "--instance-ids", instance_id)
    aws.ask("stop-instances", "--instance-ids", instance_id)
    with aws.waiting("instance-stopped", "--instance-ids", instance_id):
        aws.until(*stopped, query=f"{FIRST}.State.Name", wanted="stopped")
        call = ("create-image", "--instance-id", instance_id, "--name", "by-aws")
        tags = "Tags=[{Key=Name,Value=by-aws}]"
        tagged = (f"ResourceType=image,{tags}", f"ResourceType=snapshot,{tags}")
        image = aws.ask(*call, "--tag-specifications", *tagged, query="ImageId")
        assert "(InvalidAMIName.Duplicate)" in aws.refusal(*call)
        aws.wait("image-available", "--image-ids", image)
    return str(image)


def copy(aws: AwsLine, image: str) -> str:
    """Copy an image to another region, with its tags; the same token asks for the same copy."""
    tags = "ResourceType=snapshot,Tags=[{Key=Name,Value=by-aws}]"
    source = ("--source-region", ZONE[:-1], "--source-image-id", image, "--name", "copied")
    call = ("copy-image", "--region", THERE, *source, "--client-token", "copy", "--copy-image-tags")
    copied = aws.ask(*call, "--tag-specifications", tags, query="ImageId")
    assert aws.ask(*call, "--tag-specifications", tags, query="ImageId") == copied
    aws.wait("image-available", "--region", THERE, "--image-ids", copied)
    shown = aws.ask("describe-images", "--region", THERE, "--image-ids", copied, query="Images[0]")
    assert (shown["SourceImageId"], shown["SourceImageRegion"]) == (image, ZONE[:-1])
    share = ("modify-image-attribute", "--region", THERE, "--image-id", copied)
    add = f"Add=[{{OrganizationArn={ORGANIZATION}}}]"
    assert aws.ask(*share, "--launch-permission", add) is None
    asked = ("describe-image-attribute", "--region", THERE, "--image-id", copied)
    permissions = aws.ask(*asked, "--attribute", "launchPermission", query="LaunchPermissions")
    assert permissions == [{"OrganizationArn": ORGANIZATION}]
    return str(copied)


def read_copy(aws: AwsLine, image: str, key: Path, cloud: Cloud) -> None:
    """Launch from a copy whose source is gone, read what was baked, and end all that."""
    there = ("--region", THERE)
    made = ("create-key-pair", *there, "--key-name", "there", "--key-type", "ed25519")
    key.write_text(aws.ask(*made, query="KeyMaterial"))
    key.chmod(0o600)
    wanted = ("create-security-group", *there, "--group-name", "there", "--description", "ssh")
    group = aws.ask(*wanted, query="GroupId")
    rule = ("--group-id", group, "--protocol", "tcp", "--port", "22", "--cidr", cloud.home.subnet)
    aws.ask("authorize-security-group-ingress", *there, *rule)
    words = ("--instance-type", MACHINE, "--key-name", "there", "--security-group-ids", group)
    call = ("run-instances", *there, "--image-id", image, *words)
    instance = aws.ask(*call, query=f"{NEW}.InstanceId")
    aws.wait("instance-running", *there, "--instance-ids", instance)
    shown = aws.ask("describe-instances", *there, "--instance-ids", instance, query=FIRST)
    read = log_in(shown["PublicIpAddress"], key, read_command(data_of(shown)))
    assert read.split() == ["by-aws", "by-aws"]
    aws.ask("terminate-instances", *there, "--instance-ids", instance)
    aws.wait("instance-terminated", *there, "--instance-ids", instance)
    kept = ("describe-volumes", *there, "--filters", "Name=status,Values=available")
    for volume in aws.ask(*kept, query="Volumes[].VolumeId"):
        aws.ask("delete-volume", *there, "--volume-id", volume)
    aws.ask("delete-security-group", *there, "--group-id", group)
    aws.ask("delete-key-pair", *there, "--key-name", "there")


def end(aws: AwsLine, *instance_ids: str) -> None:
    """Terminate instances, and delete the volumes that stay."""
    aws.ask("terminate-instances", "--instance-ids", *instance_ids)
    shown = ("describe-instances", "--instance-ids", *instance_ids)
    states = "Reservations[].Instances[].State.Name"
    wait_for(lambda: set(aws.ask(*shown, query=states)) == {"terminated"}, "their end")
    aws.wait("instance-terminated", "--instance-ids", *instance_ids)
    kept = ("describe-volumes", "--filters", "Name=status,Values=available")
    volumes = aws.ask(*kept, query="Volumes[].VolumeId")
    assert len(volumes) == 2, "a volume that is attached later outlives its instance"
    for volume in volumes:
        aws.ask("delete-volume", "--volume-id", volume)


def remove(aws: AwsLine, image: str, *place: str) -> None:
    """Deregister an image and delete its snapshots, which EC2 holds on to until then."""
    filters = ("--filters", "Name=tag:Name,Values=by-aws")
    mapped = ("describe-images", *place, "--owners", "self", *filters)
    snapshots = aws.ask(*mapped, query="Images[0].BlockDeviceMappings[].Ebs.SnapshotId")
    assert len(snapshots) == 2
    assert "(InvalidSnapshot.InUse)" in aws.refusal(
        "delete-snapshot", *place, "--snapshot-id", snapshots[0]
    )
    aws.ask("deregister-image", *place, "--image-id", image)
    for snapshot_id in snapshots:
        aws.ask("delete-snapshot", *place, "--snapshot-id", snapshot_id)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("--image-id ami-00000000000000000", "InvalidAMIID.NotFound"),
        ("--image-id ami-1", "InvalidAMIID.Malformed"),
        ("--image-id {base} --instance-type t3.tiny", "InvalidParameterValue"),
        ("--image-id {base} --key-name nobody", "InvalidKeyPair.NotFound"),
        ("--image-id {base} --security-group-ids sg-00000000", "InvalidGroup.NotFound"),
        ("--image-id {base} --dry-run", "DryRunOperation"),
    ],
)
def test_a_wrong_launch_is_refused_in_the_words_of_ec2(
    aws: AwsLine, base: str, arguments: str, code: str
) -> None:
    message = aws.refusal("run-instances", *arguments.format(base=base).split())
    assert message.startswith(
        f"An error occurred ({code}) when calling the RunInstances operation: "
    )


def test_each_form_of_output_shows_the_same(aws: AwsLine) -> None:
    call = ("describe-images", "--owners", "099720109477")
    images = aws.ask(*call, query="Images[].ImageId")
    for form in ("text", "table"):
        shown = aws.run(*aws.words("ec2", *call, "--output", form))
        assert [image_id for image_id in images if image_id not in shown] == []


def test_lists_come_in_pages(aws: AwsLine) -> None:
    call = ("describe-images", "--owners", "099720109477")
    names = aws.ask(*call, query="Images[].Name")
    page = aws.ask(*call, "--max-items", "1")
    rest = aws.ask(*call, "--starting-token", page["NextToken"])
    assert len(names) > 1
    assert [image["Name"] for image in page["Images"] + rest["Images"]] == names
