"""deployments/record-bucket.json: nobody deletes from the record or writes over an entry.

Judged by an evaluator of other people's, for a caller to whom IAM allows everything in S3.
"""

import json

import pytest

from tests.policy.filled_in import filled_in
from tests.policy.judge import DEPLOYMENTS, IamRequest, Judge, Policy, Thing
from tests.policy.tours import BUCKET, PREFIX

EVERYTHING = {
    "Version": "2012-10-17",
    "Statement": [{"Sid": "All", "Effect": "Allow", "Action": "s3:*", "Resource": "*"}],
}
ENTRY = "record/ocean-1/00000042.json"
CLOSED = "record/_seals/ocean-1/00000061.json"
PEOPLE = "record/people.json"
NEW, CHANGED = {"s3:if-none-match": "*"}, {"s3:if-match": '"0123"'}


def bucket_policy() -> Policy:
    text = (DEPLOYMENTS / "record-bucket.json").read_text(encoding="utf-8")
    found: Policy = json.loads(text.replace("BUCKET", BUCKET).replace("PREFIX", PREFIX))
    return found


def is_allowed(
    judge: Judge,
    action: str,
    key: str,
    condition: dict[str, str] | None = None,
    policies: dict[str, Policy] | None = None,
) -> bool:
    """Return what the evaluator says of a request for a key of the run store."""
    context = {"s3:ObjectCreationOperation": "true"} if action == "s3:PutObject" else {}
    request = IamRequest(
        action,
        (Thing("object", f"{BUCKET}/{PREFIX}/{key}"),),
        {**context, **(condition or {})},
        resource_policy=bucket_policy(),
    )
    (verdict,) = judge.ask(policies or {"everything": EVERYTHING}, [request])
    assert not verdict.error
    return verdict.allowed


@pytest.mark.parametrize("key", [ENTRY, CLOSED, PEOPLE, "record/place"])
@pytest.mark.parametrize("action", ["s3:DeleteObject", "s3:DeleteObjectVersion"])
def test_nothing_of_the_record_is_deleted_by_anybody(judge: Judge, action: str, key: str) -> None:
    assert not is_allowed(judge, action, key)
    assert is_allowed(judge, action, "ocean-1/keys/builder")


@pytest.mark.parametrize("key", [ENTRY, CLOSED])
def test_an_entry_is_only_ever_added(judge: Judge, key: str) -> None:
    assert is_allowed(judge, "s3:PutObject", key, NEW)
    assert not is_allowed(judge, "s3:PutObject", key)
    assert not is_allowed(judge, "s3:PutObject", key, CHANGED)


def test_the_file_of_people_is_changed_on_a_condition_only(judge: Judge) -> None:
    assert is_allowed(judge, "s3:PutObject", PEOPLE, NEW)
    assert is_allowed(judge, "s3:PutObject", PEOPLE, CHANGED)
    assert not is_allowed(judge, "s3:PutObject", PEOPLE)


def test_runs_themselves_are_not_restricted(judge: Judge) -> None:
    assert is_allowed(judge, "s3:PutObject", "ocean-1/log.txt")
    assert is_allowed(judge, "s3:GetObject", ENTRY)


def test_the_policy_of_a_run_grants_no_deletion_of_the_record(judge: Judge) -> None:
    ours = filled_in("policy-s3-store")

    assert is_allowed(judge, "s3:DeleteObject", "ocean-1/keys/builder", policies=ours)
    assert is_allowed(judge, "s3:DeleteObject", "ocean-1/preflight", policies=ours)
    for key in (ENTRY, CLOSED, PEOPLE, "ocean-1/notebook/executed.ipynb"):
        assert not is_allowed(judge, "s3:DeleteObject", key, policies=ours)
        (verdict,) = judge.ask(
            ours, [IamRequest("s3:DeleteObject", (Thing("object", f"{BUCKET}/{PREFIX}/{key}"),))]
        )
        assert not verdict.allowed, "also without the policy of the bucket"
