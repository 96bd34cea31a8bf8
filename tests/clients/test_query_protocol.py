"""EC2's protocol as clients speak and read it that are not made from botocore's models."""

import urllib.error
import urllib.parse
import urllib.request
import uuid
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping
from types import MappingProxyType

import pytest

from tests.limits import HANG_SECONDS
from tests.strict_cloud import StrictCloud, strict_cloud_opened

NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/"
SIGNED = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=testing/20260301/us-west-2/ec2/aws4_request, "
    "SignedHeaders=host, Signature=00"
}


@pytest.fixture
def cloud() -> Iterator[StrictCloud]:
    with strict_cloud_opened() as opened:
        yield opened


def ask(
    cloud: StrictCloud,
    method: str,
    action: str,
    parameters: Mapping[str, str] = MappingProxyType({}),
    *,
    headers: Mapping[str, str] = MappingProxyType(SIGNED),
) -> tuple[int, ElementTree.Element]:
    """Send one query and return the status and the document."""
    query = urllib.parse.urlencode({"Version": "2016-11-15", "Action": action, **parameters})
    url, body = (
        (f"{cloud.endpoint_url}/?{query}", None)
        if method == "GET"
        else (f"{cloud.endpoint_url}/", query.encode())
    )
    request = urllib.request.Request(url, body, dict(headers), method=method)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=HANG_SECONDS) as answer:  # noqa: S310
            return answer.status, ElementTree.fromstring(answer.read())  # noqa: S314
    except urllib.error.HTTPError as error:
        with error:
            return error.code, ElementTree.fromstring(error.read())  # noqa: S314


def code_of(document: ElementTree.Element) -> str | None:
    return document.findtext("Errors/Error/Code")


@pytest.mark.parametrize("action", ["DescribeInstances", "DescribeSecurityGroups"])
def test_answers_are_in_the_namespace_of_ec2(cloud: StrictCloud, action: str) -> None:
    status, document = ask(cloud, "POST", action)
    assert (status, document.tag) == (200, f"{{{NAMESPACE}}}{action}Response")


@pytest.mark.parametrize("action", ["DescribeInstances", "DescribeSecurityGroups"])
def test_each_answer_has_an_id_of_its_own(cloud: StrictCloud, action: str) -> None:
    answers = [ask(cloud, "POST", action)[1] for _ in range(2)]
    ids = {str(uuid.UUID(answer.findtext(f"{{{NAMESPACE}}}requestId"))) for answer in answers}
    assert len(ids) == 2


def test_calls_without_a_result_return_true(cloud: StrictCloud) -> None:
    named = {"GroupName": "mine", "GroupDescription": "mine"}
    _, made = ask(cloud, "POST", "CreateSecurityGroup", named)
    group = made.findtext(f"{{{NAMESPACE}}}groupId") or ""
    tagged = {"ResourceId.1": group, "Tag.1.Key": "a", "Tag.1.Value": "b"}
    for action, parameters in (("CreateTags", tagged), ("DeleteSecurityGroup", {"GroupId": group})):
        status, document = ask(cloud, "POST", action, parameters)
        assert (status, document.findtext(f"{{{NAMESPACE}}}return")) == (200, "true"), action


def test_a_query_by_get_is_the_same_call(cloud: StrictCloud) -> None:
    status, document = ask(cloud, "GET", "DescribeVolumes", {"VolumeId.1": "vol-00000000"})
    assert (status, code_of(document)) == (400, "InvalidVolume.NotFound")
    assert [call.code for call in cloud.calls("DescribeVolumes")] == ["InvalidVolume.NotFound"]


def test_a_fault_meets_a_query_by_get(cloud: StrictCloud) -> None:
    name = cloud.fail("refuse", action="DescribeVolumes", code="RequestLimitExceeded")
    _, document = ask(cloud, "GET", "DescribeVolumes")
    assert (code_of(document), cloud.fired(name)) == ("RequestLimitExceeded", 1)


@pytest.mark.parametrize("first", [0, 1, 5])
def test_lists_may_be_counted_from_any_number(cloud: StrictCloud, first: int) -> None:
    filters = {
        f"Filter.{first}.Name": "zone-name",
        f"Filter.{first}.Value.{first}": "us-west-2b",
        f"Filter.{first}.Value.{first + 3}": "us-west-2c",
        f"Filter.{first + 1}.Name": "state",
        f"Filter.{first + 1}.Value.1": "available",
    }
    _, document = ask(cloud, "POST", "DescribeAvailabilityZones", filters)
    names = document.iter(f"{{{NAMESPACE}}}zoneName")
    assert [name.text for name in names] == ["us-west-2b", "us-west-2c"]


def test_there_are_no_elastic_addresses(cloud: StrictCloud) -> None:
    _, document = ask(cloud, "POST", "DescribeAddresses")
    addresses = document.find(f"{{{NAMESPACE}}}addressesSet")
    assert addresses is not None
    assert len(addresses) == 0


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_action_that_does_not_exist_is_refused(cloud: StrictCloud, method: str) -> None:
    status, document = ask(cloud, method, "DescribeEverything")
    assert (status, code_of(document)) == (400, "InvalidAction")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_request_without_a_signature_is_refused(cloud: StrictCloud, method: str) -> None:
    status, document = ask(cloud, method, "DescribeInstances", headers={})
    assert (status, code_of(document)) == (401, "AuthFailure")


def test_signature_version_2_is_reported_as_unsupported(cloud: StrictCloud) -> None:
    old = {"AWSAccessKeyId": "testing", "SignatureVersion": "2", "Signature": "00"}
    _, document = ask(cloud, "GET", "DescribeInstances", old, headers={})
    assert code_of(document) == "UnsupportedOperation"
