"""The run store on S3 under network faults and refusals of the bucket's owner."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from notebake import clock
from notebake.aws.clients import connect
from notebake.aws.session import session
from notebake.clock import RealClock
from notebake.errors import RunStoreError
from notebake.runs.open_store import open_store
from notebake.store.interface import RunStore
from sandbox.api.application import Reply
from sandbox.messages.call import Call
from tests.cloud_world import REGION, CloudWorld
from tests.store_world import (
    BUCKET,
    LOCATION,
    LostObjectAnswer,
    ObjectInterceptor,
    RefusedObject,
    forget_process,
    world_with_bucket,
)

A_DAY = 86_400.0

KEY = "run-1/lease.json"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[CloudWorld]:
    with world_with_bucket(tmp_path) as opened:
        yield opened


@pytest.fixture
def store(world: CloudWorld) -> RunStore:
    del world
    return open_store(LOCATION)


def test_a_write_with_a_lost_answer_is_recognised_as_ours(
    world: CloudWorld, store: RunStore
) -> None:
    with world.intercepting(LostObjectAnswer("PUT", KEY, 1)) as loses:
        assert store.create(KEY, b"one")
    assert loses.fired == 2, "botocore wrote a second time, and S3 refused"
    seen = store.read(KEY)
    assert seen is not None
    with world.intercepting(LostObjectAnswer("PUT", KEY, 1)) as loses:
        assert store.replace(KEY, b"two", version=seen.version)
    assert loses.fired == 2


def test_equal_content_of_another_writer_is_not_ours(store: RunStore) -> None:
    answers: list[bool] = []
    start = threading.Barrier(6)

    def create() -> None:
        start.wait()
        answers.append(store.create(KEY, b"the same"))

    threads = [threading.Thread(target=create) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [False] * 5 + [True]


def test_a_conflicting_write_is_retried(world: CloudWorld, store: RunStore) -> None:
    conflict = RefusedObject("PUT", KEY, 3, code="ConditionalRequestConflict", status=409)
    with world.intercepting(conflict):
        assert store.create(KEY, b"one")
    assert conflict.fired == 4


def test_a_permanent_conflict_is_an_error(world: CloudWorld, store: RunStore) -> None:
    conflict = RefusedObject("PUT", KEY, 99, code="ConditionalRequestConflict", status=409)
    with (
        world.intercepting(conflict),
        pytest.raises(RunStoreError, match="ConditionalRequestConflict"),
    ):
        store.create(KEY, b"one")
    assert conflict.fired > 3
    assert store.read(KEY) is None


@pytest.mark.parametrize(
    ("method", "code", "status", "hint"),
    [
        ("GET", "AccessDenied", 403, "s3:ListBucket"),
        ("PUT", "AccessDenied", 403, "s3:PutObject"),
        ("PUT", "InvalidAccessKeyId", 403, "aws sts get-caller-identity"),
        ("GET", "ExpiredToken", 400, "Log in again"),
        ("GET", "NoSuchBucket", 404, "aws s3 mb"),
    ],
)
def test_a_refusal_is_one_sentence_with_a_hint(
    world: CloudWorld, store: RunStore, method: str, code: str, status: int, hint: str
) -> None:
    with (
        world.intercepting(RefusedObject(method, KEY, 9, code=code, status=status)) as refuses,
        pytest.raises(RunStoreError, match=code) as caught,
    ):
        store.read(KEY) if method == "GET" else store.create(KEY, b"one")
    assert refuses.fired
    assert f"{LOCATION}/{KEY}" in caught.value.message
    assert hint in caught.value.hint


def test_without_credentials_the_hint_says_how_to_give_some(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    forget_process()
    session.cache_clear()
    try:
        with pytest.raises(RunStoreError, match="no AWS credentials") as caught:
            store.read(KEY)
        assert "AWS_PROFILE" in caught.value.hint
    finally:
        session.cache_clear()


def test_a_missing_bucket_is_reported(world: CloudWorld) -> None:
    del world
    with pytest.raises(RunStoreError, match="NoSuchBucket") as caught:
        open_store("s3://no-bucket-of-ours/runs").list("")
    assert "aws s3 mb" in caught.value.hint


def test_a_paginated_list_is_read_to_its_end(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "3")
    for number in range(8):
        store.write(f"run-{number}/run.json", b"")
    assert len(store.list("")) == 8
    assert len(store.list_top_level()) == 8
    assert len(store.read_all(store.list("run-"))) == 8


def test_foreign_objects_in_the_bucket_are_ignored(store: RunStore) -> None:
    s3 = connect("s3", REGION)
    for key in ("bakes/run-1/", "bakes/a b", "bakesale/run.json", "run-2/run.json"):
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"")
    store.write(KEY, b"one")
    assert store.list("") == [KEY]
    assert store.list_top_level() == ("run-1",)


def test_the_whole_bucket_may_be_the_store(world: CloudWorld) -> None:
    del world
    store = open_store(f"s3://{BUCKET}")
    store.write(KEY, b"one")
    assert store.list("run-1/") == [KEY]
    assert store.where(KEY) == f"s3://{BUCKET}/{KEY}"


def test_a_report_is_stored_with_its_content_type(store: RunStore) -> None:
    store.write("run-1/notebook/executed.html", b"<p>")
    head = connect("s3", REGION).head_object(
        Bucket=BUCKET, Key="bakes/run-1/notebook/executed.html"
    )
    assert head["ContentType"] == "text/html"


def test_a_truncated_answer_is_requested_again(world: CloudWorld, store: RunStore) -> None:
    store.write(KEY, b"one")
    with world.intercepting(BreaksOffAnswers("GET", KEY, 2)) as breaks:
        stored = store.read(KEY)
    assert breaks.fired == 3
    assert stored is not None
    assert stored.content == b"one"


def test_permanently_truncated_answers_are_an_error(world: CloudWorld, store: RunStore) -> None:
    store.write(KEY, b"one")
    with (
        world.intercepting(BreaksOffAnswers("GET", KEY, 99)) as breaks,
        pytest.raises(RunStoreError, match="broke off"),
    ):
        store.read(KEY)
    assert breaks.fired > 3


class BreaksOffAnswers(ObjectInterceptor):
    """Ends the connection in the middle of an answer."""

    def after(self, call: Call, reply: Reply) -> Reply:
        return replace(reply, body=reply.body[:1]) if self.is_due(call) else reply


def test_a_wrong_wall_clock_does_not_matter(world: CloudWorld, store: RunStore) -> None:
    del world

    class Wrong(RealClock):
        def now(self) -> float:
            return 0.0

    with clock.replaced(Wrong()):
        assert abs(store.clock() - time.time()) < A_DAY
