"""What is said of the policies in words agrees with their files."""

import json
import re
from pathlib import Path
from typing import Any

from notebake.aws.s3_bucket import RIGHTS

PROJECT = Path(__file__).parents[2]
DEPLOYMENTS = PROJECT / "deployments"
README = (PROJECT / "README.md").read_text(encoding="utf-8")
TABLE = (DEPLOYMENTS / "policies.md").read_text(encoding="utf-8")
ACTION = re.compile(r"`((?:s3|ssm):\w+)`")


def statements_of(name: str) -> list[dict[str, Any]]:
    policy = json.loads((DEPLOYMENTS / name).read_text(encoding="utf-8"))
    assert policy["Version"] == "2012-10-17"
    return list(policy["Statement"])


def test_the_table_has_each_file_and_each_statement_in_order() -> None:
    rows = TABLE.split("statements:begin")[1].split("statements:end")[0].splitlines()
    told = [found[1] for row in rows if (found := re.match(r"\| (?:\*\*)?`([\w.-]+)`", row))]

    names = sorted((one.name for one in DEPLOYMENTS.glob("policy*.json")), key=told.index)
    assert told == [each for name in names for each in (name, *sids_of(name))]


def sids_of(name: str) -> list[str]:
    return [one["Sid"] for one in statements_of(name)]


def test_the_readme_names_what_a_run_store_on_s3_needs() -> None:
    said = README.split("policy-s3-store.json")[1].split("Keep the bucket private")[0]
    allowed = [each for one in statements_of("policy-s3-store.json") for each in listed(one)]

    assert sorted(ACTION.findall(said)) == sorted(allowed)


def listed(statement: dict[str, Any]) -> list[str]:
    actions = statement["Action"]
    return [actions] if isinstance(actions, str) else list(actions)


def test_the_error_of_a_run_store_names_the_same_permissions() -> None:
    allowed = [each for one in statements_of("policy-s3-store.json") for each in listed(one)]
    assert set(re.findall(r"s3:\w+", RIGHTS)) == {one for one in allowed if one.startswith("s3:")}


def test_no_policy_names_one_partition_or_account() -> None:
    for path in DEPLOYMENTS.glob("policy*.json"):
        text = path.read_text(encoding="utf-8")
        assert "arn:aws" not in text, path.name
        assert not re.search(r"\d{12}", text), path.name
