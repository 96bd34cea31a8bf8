"""Requests of clients that check nothing themselves: the sandbox does, by botocore's models."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

import pytest

from sandbox.ec2.calls.actions import LEFT_TO_MOTO, OWN
from sandbox.messages.reply import Reply
from tests.ec2_actions import REGION
from tests.sandbox.api.conftest import UBUNTU, ZONE
from tests.strict_cloud import StrictCloud, strict_cloud_opened

URL = "http://127.0.0.1"
JSON = {"Content-Type": "application/x-amz-json-1.1"}
LAUNCH = {"ImageId": UBUNTU, "InstanceType": "t3.micro", "MinCount": "1", "MaxCount": "1"}


@dataclass
class Sender:
    """Sends what no SDK would."""

    sandbox: StrictCloud

    def query(self, action: str, **parameters: str) -> tuple[str, str]:
        """Return the code and the message of EC2's answer to a query."""
        body = urlencode({"Action": action, "Version": "2016-11-15", **parameters}).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
        return _read(self._send("ec2", "POST", "/", headers, body))

    def json(self, service: str, target: str, content: object) -> tuple[str, str]:
        """Return the code and the message of the answer of a service that speaks JSON."""
        headers = {**JSON, "X-Amz-Target": target}
        return _read(self._send(service, "POST", "/", headers, json.dumps(content).encode()))

    def s3(self, method: str, path: str, **headers: str) -> tuple[str, str]:
        """Return the code and the message of S3's answer."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return _read(self._send("s3", method, path, named))

    def _send(
        self, service: str, method: str, path: str, headers: dict[str, str], body: bytes = b""
    ) -> Reply:
        scope = f"AKIA/20260101/{REGION}/{service}/aws4_request"
        signed = {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}", **headers}
        return self.sandbox.application.handle(method, URL + path, signed, body)


def _read(reply: Reply) -> tuple[str, str]:
    if reply.status < 400:
        return "OK", ""
    text = reply.body.decode()
    if text.startswith("{"):
        document = json.loads(text)
        return document["__type"], document["message"]
    found = re.search("<Code>(.*?)</Code><Message>(.*?)</Message>", text)
    assert found, text
    return found[1], found[2]


@pytest.fixture(scope="module")
def sender() -> Iterator[Sender]:
    with strict_cloud_opened() as opened:
        yield Sender(opened)


@pytest.mark.parametrize(
    ("action", "parameters", "word"),
    [
        ("DescribeInstances", {"ImageType": "machine"}, "ImageType"),
        ("DescribeInstances", {"InstanceIds.1": "i-0123456789abcdef0"}, "InstanceIds"),
        ("DescribeInstances", {"InstanceId.member.1": "i-0123456789abcdef0"}, "member"),
        ("DescribeInstances", {"InstanceId": "i-0123456789abcdef0"}, "InstanceId"),
        ("RunInstances", {**LAUNCH, "instanceInitiatedShutdownBehavior": "stop"}, "instanceIni"),
        ("RunInstances", {**LAUNCH, "BlockDeviceMapping.1.Ebs.Size": "8"}, "Size"),
        ("RunInstances", {**LAUNCH, "MinCount.1": "1"}, "1"),
        ("CreateTags", {"ResourceId.1": "i-1", "Tag.1.Item.Key": "a"}, "Item"),
        ("DescribeRegions", {"": "x"}, ""),
    ],
)
def test_a_parameter_that_the_action_does_not_have_is_named(
    sender: Sender, action: str, parameters: dict[str, str], word: str
) -> None:
    code, message = sender.query(action, **parameters)
    assert code == "UnknownParameter"
    assert message.startswith(f"The parameter {word}")
    assert message.endswith("is not recognized")


@pytest.mark.parametrize(
    ("action", "parameters", "name"),
    [
        ("CreateImage", {"InstanceId": "i-0123456789abcdef0"}, "Name"),
        ("CreateImage", {"InstanceId": "", "Name": "baked"}, "InstanceId"),
        ("TerminateInstances", {}, "InstanceId"),
        ("RunInstances", {"ImageId": UBUNTU, "MinCount": "1"}, "MaxCount"),
        ("RunInstances", {"MinCount": "1", "MaxCount": "1"}, "ImageId"),
        ("RunInstances", {**LAUNCH, "CreditSpecification.CpuCredits": ""}, None),
        ("RunInstances", {**LAUNCH, "Placement.Tenancy": ""}, None),
    ],
)
def test_a_missing_parameter_is_named_and_an_empty_one_is_none(
    sender: Sender, action: str, parameters: dict[str, str], name: str | None
) -> None:
    expected = ("MissingParameter", f"The request must contain the parameter {name}")
    assert sender.query(action, **parameters) == (expected if name else ("OK", ""))


@pytest.mark.parametrize(
    ("action", "parameters", "reason"),
    [
        ("RunInstances", {**LAUNCH, "MinCount": "one"}, "an integer"),
        ("RunInstances", {**LAUNCH, "MinCount": "1.0"}, "an integer"),
        ("RunInstances", {**LAUNCH, "MinCount": "4294967297"}, "an integer"),
        ("RunInstances", {**LAUNCH, "BlockDeviceMapping.1.Ebs.VolumeSize": "8G"}, "an integer"),
        ("RunInstances", {**LAUNCH, "DryRun": "yes"}, "true or false"),
        ("RunInstances", {**LAUNCH, "MetadataOptions.HttpTokens": "always"}, "one of optional"),
        ("RunInstances", {**LAUNCH, "Placement.Tenancy": "shared"}, "one of default"),
        ("EnableImageDeprecation", {"ImageId": UBUNTU, "DeprecateAt": "soon"}, "a time"),
        ("ImportKeyPair", {"KeyName": "k", "PublicKeyMaterial": "***"}, "base64"),
        ("DescribeInstances", {"MaxResults": "3"}, "greater than 5"),
        ("DescribeVpcs", {"MaxResults": "1001"}, "smaller than or equal to 1000"),
        ("CreateImage", {"InstanceId": "i-1", "Name": "baked", "Description": "x" * 256}, "255"),
        (
            "DescribeImageReferences",
            {f"ImageId.{number}": UBUNTU for number in range(1, 12)},
            "at most 10",
        ),
    ],
)
def test_a_value_of_another_kind_is_refused_with_the_reason(
    sender: Sender, action: str, parameters: dict[str, str], reason: str
) -> None:
    code, message = sender.query(action, **parameters)
    assert code == "InvalidParameterValue"
    assert reason in message


def test_what_is_refused_has_no_effect_and_is_logged(sender: Sender) -> None:
    before = len(sender.sandbox.machines.roots)
    assert sender.query("RunInstances", **LAUNCH, Oops="1")[0] == "UnknownParameter"
    assert len(sender.sandbox.machines.roots) == before
    assert sender.sandbox.calls("RunInstances")[-1].code == "UnknownParameter"


@pytest.mark.parametrize(
    ("action", "parameters"),
    [
        ("RunInstances", {**LAUNCH, "ImageId": "resolve:ssm:/aws/service/canonical/x"}),
        ("RunInstances", {**LAUNCH, "HibernationOptions.Configured": "true"}),
        ("CreateVolume", {"AvailabilityZone": ZONE, "Size": "1", "MultiAttachEnabled": "true"}),
        ("ModifyInstanceAttribute", {"InstanceId": "i-1", "SourceDestCheck.Value": "true"}),
        ("DescribeVpcs", {"Filter.1.Name": "colour", "Filter.1.Value.1": "red"}),
    ],
)
def test_what_ec2_can_do_and_the_sandbox_cannot_is_refused(
    sender: Sender, action: str, parameters: dict[str, str]
) -> None:
    assert sender.query(action, **parameters)[0] == "UnsupportedOperation"


def test_what_changes_nothing_may_be_said(sender: Sender) -> None:
    parameters = {"AvailabilityZone": ZONE, "Size": "1", "MultiAttachEnabled": "false"}
    assert sender.query("CreateVolume", **parameters) == ("OK", "")


def test_a_token_of_no_page_is_refused(sender: Sender) -> None:
    assert sender.query("DescribeImages", NextToken="here")[0] == "InvalidNextToken"


def test_no_action_breaks_when_nothing_is_said(sender: Sender) -> None:
    answers = {action: sender.query(action)[0] for action in sorted({*OWN, *LEFT_TO_MOTO})}
    assert "InternalError" not in answers.values(), answers


@pytest.mark.parametrize(
    ("service", "target", "content", "code"),
    [
        ("ssm", "AmazonSSM.PutParameter", {"Name": "a", "Value": "b", "Type": "text"}, "V"),
        ("ssm", "AmazonSSM.PutParameter", {"Name": "a"}, "V"),
        ("ssm", "AmazonSSM.PutParameter", {"Name": 1, "Value": "b"}, "S"),
        ("ssm", "AmazonSSM.PutParameter", {"Name": "a", "Value": "b", "Secret": True}, "V"),
        ("ssm", "AmazonSSM.GetParameters", {"Names": []}, "V"),
        ("ssm", "AmazonSSM.GetParameters", {"Names": "a"}, "S"),
        ("ssm", "AmazonSSM.GetParameter", [], "S"),
        ("servicequotas", "ServiceQuotasV20190624.GetServiceQuota", {"ServiceCode": "ec2"}, "V"),
    ],
)
def test_a_json_body_is_what_its_model_says(
    sender: Sender, service: str, target: str, content: object, code: str
) -> None:
    expected = {"V": "ValidationException", "S": "SerializationException"}[code]
    assert sender.json(service, target, content)[0] == expected


def test_s3_takes_words_and_numbers_of_its_model_only(sender: Sender) -> None:
    assert sender.s3("PUT", "/ours", x_amz_acl="mine")[0] == "InvalidArgument"
    located = {"x-amz-acl": "private", "Content-Length": "0"}
    assert sender.s3("GET", "/ours?list-type=2&max-keys=many", **located)[0] == "InvalidArgument"
    assert sender.s3("GET", f"/ours/{'k' * 1025}")[0] == "KeyTooLongError"
