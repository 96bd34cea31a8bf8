"""KMS keys with policies that let others use what they encrypt."""

import json
from collections.abc import Sequence
from typing import Any

from notebake.aws.clients import connect

ACCOUNT = "123456789012"


def new_key(region: str, statements: Sequence[dict[str, Any]] = ()) -> str:
    """Return the ARN of a key of our own, whose policy has these statements besides the owner's."""
    own = {
        "Sid": "Own",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [own, *statements]})
    made = connect("kms", region).create_key(Policy=policy, KeyUsage="ENCRYPT_DECRYPT")
    return str(made["KeyMetadata"]["Arn"])


def letting(principal: Any, **condition: Any) -> dict[str, Any]:
    """Return the statement that docs/sharing.md has for a recipient."""
    statement = {
        "Sid": "LetThemLaunch",
        "Effect": "Allow",
        "Principal": principal,
        "Action": [
            *("kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey"),
            *("kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncrypt*"),
        ],
        "Resource": "*",
    }
    return statement | ({"Condition": condition} if condition else {})
