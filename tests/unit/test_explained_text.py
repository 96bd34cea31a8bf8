"""Calls as they are typed, and what is filled in where the record has a digest."""

import subprocess
from typing import Any

import pytest

from notebake.aws.call_parameters import recordable
from notebake.aws.command_line import typed_call
from notebake.explanation.filled_parameters import LEFT_OUT, YOUR_ADDRESS, Filler, rules_from
from notebake.explanation.shell_text import WIDTH, call_text

REGION = "us-west-2"
LONG = {f"Key{number}": "x" * 30 for number in range(5)}


def text_of(operation: str, service: str = "ec2", **parameters: Any) -> str:
    return call_text(typed_call(service, operation, REGION, parameters))


def words_of(text: str) -> list[str]:
    """Return the words as a shell takes them."""
    told = "aws() { printf '%s\\0' \"$@\"; }\n" + text
    done = subprocess.run(["bash", "-euc", told], capture_output=True, text=True, check=True)
    return done.stdout.split("\0")[:-1]


@pytest.mark.parametrize(
    ("operation", "parameters", "words"),
    [
        ("StopInstances", {"InstanceIds": ["i-1", "i-2"]}, ["--instance-ids", "i-1", "i-2"]),
        ("CreateImage", {"NoReboot": True}, ["--no-reboot"]),
        ("RunInstances", {"MinCount": 1, "MaxCount": 1}, []),
        ("RunInstances", {"MinCount": 1, "MaxCount": 3}, ["--count", "1:3"]),
        ("RunInstances", {"BlockDeviceMappings": []}, []),
        ("DeregisterImage", {"DeleteAssociatedSnapshots": True}, ["--delete-associated-snapshots"]),
        (
            "CreateImage",
            {"BlockDeviceMappings": [{"DeviceName": "/dev/sdf", "NoDevice": ""}]},
            ["--block-device-mappings", 'DeviceName=/dev/sdf,NoDevice=""'],
        ),
        (
            "ModifyImageAttribute",
            {"LaunchPermission": {"Add": [{"UserId": "123456789012"}]}},
            ["--launch-permission", "Add=[{UserId=123456789012}]"],
        ),
    ],
)
def test_a_call_has_the_words_of_the_command_line(
    operation: str, parameters: dict[str, Any], words: list[str]
) -> None:
    assert words_of(text_of(operation, **parameters))[4:] == words


def test_a_text_reaches_the_program_as_it_is() -> None:
    odd = 'it\'s "odd": $HOME `id` \\ {a,b} *'

    assert words_of(text_of("CreateImage", Description=odd))[-1] == odd


def test_tags_of_several_things_are_typed_once() -> None:
    tags = [{"Key": "Name", "Value": 'Ada\'s, "A"'}, {"Key": "notebake:run", "Value": "ocean"}]
    kinds = ("instance", "volume")
    specifications = [{"ResourceType": kind, "Tags": tags} for kind in kinds]

    text = text_of("RunInstances", TagSpecifications=specifications)

    assert text.count("notebake:run") == 1
    shown = 'Tags=[{Key=Name,Value="Ada\'s, \\"A\\""},{Key=notebake:run,Value=ocean}]'
    assert ["".join(word.split("\n    ")) for word in words_of(text)[-2:]] == [
        f"ResourceType={kind},{shown}" for kind in kinds
    ]


def test_long_structures_are_broken_where_the_command_line_lets_one() -> None:
    text = text_of("RunInstances", MetadataOptions=LONG)

    assert len(text.splitlines()) > 3
    assert all(len(line) <= WIDTH for line in text.splitlines())


def test_only_a_value_with_the_recorded_digest_is_filled_in() -> None:
    tags = [{"Key": "Owner", "Value": "Ada"}, {"Key": "Project", "Value": "unknown to all"}]
    given = {"Description": "an image", "Tags": tags, "UserData": "secret", "ImageId": "ami-1"}
    filler = Filler(["Ada", "an image", "something else"], {})

    filled = filler.fill(recordable(given))

    assert filled == {
        "Description": "an image",
        "Tags": [{"Key": "Owner", "Value": "Ada"}, {"Key": "Project", "Value": LEFT_OUT}],
        "UserData": "file://user-data.txt",
        "ImageId": "ami-1",
    }
    notes = filler.take_notes()
    assert LEFT_OUT in notes
    assert "user-data.txt" in notes
    assert "secret" not in notes
    filler.fill(recordable(given))
    assert filler.take_notes() == "", "what was said once is not said again"


@pytest.mark.parametrize(
    ("sources", "blocks", "shown"),
    [
        (("192.0.2.0/24",), ["192.0.2.0/24"], ["192.0.2.0/24"]),
        (("192.0.2.0/24", "198.51.100.0/24"), ["198.51.100.0/24"], ["198.51.100.0/24"]),
        (("auto",), ["203.0.113.9/32"], [YOUR_ADDRESS]),
    ],
)
def test_an_address_is_filled_in_only_if_the_recipe_names_it(
    sources: tuple[str, ...], blocks: list[str], shown: list[str]
) -> None:
    rule = {"IpProtocol": "tcp", "IpRanges": [{"CidrIp": block} for block in blocks]}

    (filled,) = Filler(rules_from(sources), {}).fill(recordable({"IpPermissions": [rule]})).values()

    assert [each["CidrIp"] for each in filled[0]["IpRanges"]] == shown
