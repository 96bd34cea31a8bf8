"""What a key's policy says of a recipient: yes, no, or that it cannot be told."""

from typing import Any

import pytest

from notebake.images.sharing.key_access import NEEDED, Access, read_access
from tests.key_policies import letting
from tests.sharing_world import FRIEND, ORGANIZATION, OTHER, UNIT

OWN = {
    "Sid": "Own",
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{OTHER}:root"},
    "Action": "kms:*",
    "Resource": "*",
}
ROOT = {"AWS": f"arn:aws:iam::{FRIEND}:root"}
ORG = {"StringEquals": {"aws:PrincipalOrgID": "o-1234567890"}}


def path(*patterns: str) -> dict[str, Any]:
    return {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": list(patterns)}}


@pytest.mark.parametrize(
    ("recipient", "statements", "wanted"),
    [
        (FRIEND, [letting(ROOT)], Access.YES),
        (FRIEND, [letting("*")], Access.YES),
        (FRIEND, [letting({"AWS": "*"})], Access.YES),
        (FRIEND, [letting(ROOT, Bool={"kms:GrantIsForAWSResource": "true"})], Access.YES),
        (FRIEND, [letting(ROOT, StringLike={"kms:ViaService": "ec2.*"})], Access.YES),
        (FRIEND, [{**letting(ROOT), "Action": ["kms:*"]}], Access.YES),
        (FRIEND, [{**letting(ROOT), "Action": "kms:Decrypt"}], Access.NO),
        (FRIEND, [letting({"Service": "ec2.amazonaws.com"})], Access.NO),
        (FRIEND, [], Access.NO),
        (FRIEND, [letting("*", **ORG)], Access.UNKNOWN),
        (FRIEND, [{**letting(ROOT), "Effect": "Deny"}, letting(ROOT)], Access.UNKNOWN),
        (FRIEND, [{**letting(ROOT), "NotPrincipal": ROOT}], Access.UNKNOWN),
        (FRIEND, [letting(ROOT), {**letting({"AWS": OTHER}), "Effect": "Deny"}], Access.YES),
        (FRIEND, [letting(ROOT), letting("*", IpAddress={"aws:SourceIp": "x"})], Access.YES),
        (ORGANIZATION, [letting("*", **ORG)], Access.YES),
        (ORGANIZATION, [letting("*", **path("o-1234567890/*"))], Access.YES),
        (ORGANIZATION, [letting("*", **path("o-1234567890/r-1/ou-ab12-1/*"))], Access.NO),
        (ORGANIZATION, [letting(ROOT)], Access.NO),
        (
            ORGANIZATION,
            [letting("*", StringNotEquals={"aws:PrincipalOrgID": "o-1234567890"})],
            Access.UNKNOWN,
        ),
        (UNIT, [letting("*", **ORG, **path("o-1234567890/*/ou-ab12-12345678/*"))], Access.YES),
        (UNIT, [letting("*", **ORG, **path("o-1234567890/*/ou-ab12-87654321/*"))], Access.NO),
        (UNIT, [letting("*", **path("o-0000000000/*/ou-ab12-12345678/*"))], Access.NO),
        (UNIT, [letting("*", **path("o-1234567890/r-1/ou-ab12-12345678"))], Access.NO),
    ],
)
def test_what_a_policy_says(
    recipient: str, statements: list[dict[str, Any]], wanted: Access
) -> None:
    found = read_access(recipient, {"Statement": [OWN, *statements]})

    assert found.access is wanted
    assert bool(found.reason) == (wanted is not Access.YES)


def test_a_single_statement_may_stand_without_a_list() -> None:
    assert read_access(FRIEND, {"Statement": letting(ROOT)}).access is Access.YES


def test_what_is_missing_is_named() -> None:
    some = {**letting(ROOT), "Action": ["kms:Decrypt", "kms:DescribeKey"]}

    reason = read_access(FRIEND, {"Statement": [some]}).reason

    assert "kms:CreateGrant" in reason
    assert "kms:Decrypt" not in reason


def test_grants_count_for_the_account_as_a_whole() -> None:
    operations = [action.removeprefix("kms:") for action in NEEDED]
    grant = {"GranteePrincipal": ROOT["AWS"], "Operations": operations}
    other = {**grant, "GranteePrincipal": f"arn:aws:iam::{FRIEND}:role/x"}

    assert read_access(FRIEND, {"Statement": [OWN]}, [grant]).access is Access.YES
    assert read_access(FRIEND, {"Statement": [OWN]}, [other]).access is Access.NO
