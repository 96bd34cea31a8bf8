"""The policies as somebody uses them: what stands in capitals in them is his own."""

import json
import re

from tests.policy.judge import Policy, read_policies
from tests.policy.tours import BUCKET, DATA_BUCKET, PREFIX

WORD = re.compile(r"(?<![A-Za-z_])(?:DATA_BUCKET|BUCKET|PREFIX|VOLUME|KEY)(?![A-Za-z_])")


def filled_in(*names: str, key_id: str = "none", volume_id: str = "none") -> dict[str, Policy]:
    """Return policies of deployments/ with the test account's own names in them."""
    words = {
        "BUCKET": BUCKET,
        "PREFIX": PREFIX,
        "DATA_BUCKET": DATA_BUCKET,
        "VOLUME": volume_id,
        "KEY": key_id,
    }
    text = json.dumps(read_policies(*names))
    found: dict[str, Policy] = json.loads(WORD.sub(lambda word: words[word[0]], text))
    return found


def as_list(value: str | list[str]) -> list[str]:
    """Return what a policy may write as one or as several."""
    return [value] if isinstance(value, str) else value


def actions_of(policies: dict[str, Policy]) -> list[tuple[str, str, str]]:
    """Return policy, statement and action of all that is allowed."""
    return [
        (name, statement["Sid"], action)
        for name, policy in policies.items()
        for statement in policy["Statement"]
        for action in as_list(statement["Action"])
    ]


def without(policies: dict[str, Policy], action: str) -> dict[str, Policy]:
    """Return the policies with one action taken out."""
    left: dict[str, Policy] = json.loads(json.dumps(policies))
    for policy in left.values():
        for statement in policy["Statement"]:
            statement["Action"] = [
                other for other in as_list(statement["Action"]) if other != action
            ]
        policy["Statement"] = [
            statement for statement in policy["Statement"] if statement["Action"]
        ]
    return left
