"""The KMS keys of disks: whether EBS can use them, and whom their policies name."""

import json
from collections.abc import Iterable
from typing import Any

from notebake.aws import account
from notebake.aws.clients import calling, connect
from notebake.aws.launch_permissions import SHARERS
from notebake.aws.permissions import needs
from notebake.aws.policies import SHARING, Statement

ASK_WHO_MAY_USE = Statement(
    SHARING,
    "AskWhoMayUseKeys",
    "whether the key of an encrypted image lets the recipient use it",
    ("arn:*:kms:*:*:key/*",),
)


def key_faults(key: dict[str, Any]) -> Iterable[str]:
    """Yield the reasons why EBS does not accept a key.

    https://docs.aws.amazon.com/ebs/latest/userguide/how-ebs-encryption-works.html
    """
    if key.get("KeyState") != "Enabled":
        yield f"is in the state {key.get('KeyState')}"
    if key.get("KeyUsage") != "ENCRYPT_DECRYPT" or key.get("KeySpec") != "SYMMETRIC_DEFAULT":
        yield f"is for {key.get('KeyUsage')} by {key.get('KeySpec')}"


def is_aws_managed(key_id: str, region: str) -> bool:
    """Return whether a key is AWS's own for this account: no other account can ever use it."""
    if key_id.endswith("alias/aws/ebs"):
        return True
    return bool(account.describe_key(key_id, region).get("KeyManager") == "AWS")


@needs("kms:GetKeyPolicy", ASK_WHO_MAY_USE, only_for=SHARERS, by_check=True)
def read_key_policy(key_id: str, region: str) -> dict[str, Any]:
    """Return the policy of a key, by its ARN or id."""
    with calling(f"read the policy of the key {key_id}"):
        answer = connect("kms", region).get_key_policy(KeyId=key_id, PolicyName="default")
    return dict(json.loads(answer["Policy"]))


@needs("kms:ListGrants", ASK_WHO_MAY_USE, only_for=SHARERS, by_check=True)
def list_grants(key_id: str, region: str) -> list[dict[str, Any]]:
    """Return the grants of a key: each has a GranteePrincipal and Operations."""
    with calling(f"list the grants of the key {key_id}"):
        pages = connect("kms", region).get_paginator("list_grants").paginate(KeyId=key_id)
        return [dict(grant) for page in pages for grant in page["Grants"]]
