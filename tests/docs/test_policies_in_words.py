"""The policies and docs/aws-permissions.md are what the calls declare."""

import json
import re
from pathlib import Path
from typing import Any

from deployments.policies import TABLE, files
from notebake.aws.permissions import declared
from notebake.aws.policies import Statement
from notebake.aws.s3_bucket import RIGHTS

PROJECT = Path(__file__).parents[2]
DEPLOYMENTS = PROJECT / "deployments"
DOCUMENT = (PROJECT / "docs/aws-permissions.md").read_text(encoding="utf-8")
ACTION = re.compile(r"`((?:s3|ssm):\w+)`")


def statements_of(name: str) -> list[dict[str, Any]]:
    policy = json.loads((DEPLOYMENTS / name).read_text(encoding="utf-8"))
    assert policy["Version"] == "2012-10-17"
    return list(policy["Statement"])


def test_the_committed_files_are_what_the_calls_declare() -> None:
    written = files()

    assert {path.name for path in written} > {TABLE.name, "policy.json", "policy-s3-store.json"}
    assert {*DEPLOYMENTS.glob("policy*.json")} == {*written} - {TABLE}
    stale = [path.name for path, text in written.items() if path.read_text("utf-8") != text]
    assert stale == [], "make policies"


def test_statements_of_one_name_are_one_statement() -> None:
    named = {
        (statement.sid, statement.file.name, str(statement.condition))
        for statement in every_statement()
    }

    assert len(named) > 20
    assert len({sid for sid, *_ in named}) == len(named)


def every_statement() -> list[Statement]:
    return [statement for permission in declared() for statement in permission.statements]


def test_the_document_names_what_a_run_store_on_s3_needs() -> None:
    message = DOCUMENT.split("## A run store on S3")[1].split("Keep the bucket private")[0]
    allowed = [
        each for statement in statements_of("policy-s3-store.json") for each in listed(statement)
    ]

    assert sorted(ACTION.findall(message)) == sorted(allowed)


def listed(statement: dict[str, Any]) -> list[str]:
    actions = statement["Action"]
    return [actions] if isinstance(actions, str) else list(actions)


def test_the_error_of_a_run_store_names_the_same_permissions() -> None:
    allowed = [
        each for statement in statements_of("policy-s3-store.json") for each in listed(statement)
    ]
    assert set(re.findall(r"s3:\w+", RIGHTS)) == {
        action for action in allowed if action.startswith("s3:")
    }


def test_no_policy_names_one_partition_or_account() -> None:
    for path in DEPLOYMENTS.glob("policy*.json"):
        text = path.read_text(encoding="utf-8")
        assert "arn:aws" not in text, path.name
        assert not re.search(r"\d{12}", text), path.name
