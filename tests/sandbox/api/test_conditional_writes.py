"""S3's conditional writes: of several at once, one wins."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from moto.s3.models import S3Backend

from tests.ec2_actions import client, code_of
from tests.sandbox.api.conftest import World

WRITERS, ROUNDS = 8, 5
PLACE = {"Bucket": "runs", "Key": "lease"}


@pytest.fixture(autouse=True)
def _slow_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let moment after moment pass between moto's look at an object and its write."""
    write = S3Backend.put_object

    def write_slowly(*arguments: Any, **named: Any) -> Any:
        time.sleep(0.005)
        return write(*arguments, **named)

    monkeypatch.setattr(S3Backend, "put_object", write_slowly)


@pytest.fixture
def s3(world: World) -> Any:
    made = client("s3", world.sandbox.endpoint_url, "us-east-1")
    made.create_bucket(Bucket="runs")
    return made


def all_at_once(write: Callable[[int], str]) -> list[str]:
    """Let so many writers write at the same moment; return what each was told."""
    reported = [""] * WRITERS
    start = threading.Barrier(WRITERS)

    def run(number: int) -> None:
        start.wait()
        reported[number] = write(number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return reported


def test_of_those_who_make_an_object_one_wins(s3: Any) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html"""
    for number in range(ROUNDS):
        place = {**PLACE, "Key": f"lease-{number}"}

        def make(number: int, place: dict[str, str] = place) -> str:
            return code_of(s3.put_object, **place, Body=str(number).encode(), IfNoneMatch="*")

        reported = all_at_once(make)
        assert sorted(reported) == ["OK"] + ["PreconditionFailed"] * (WRITERS - 1)
        winner = s3.get_object(**place)["Body"].read()
        assert int(winner) == reported.index("OK")


def test_of_those_who_change_an_object_one_wins(s3: Any) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html"""
    tag = s3.put_object(**PLACE, Body=b"start")["ETag"]
    for _ in range(ROUNDS):

        def change(number: int, tag: str = tag) -> str:
            return code_of(s3.put_object, **PLACE, Body=f"{tag}{number}".encode(), IfMatch=tag)

        reported = all_at_once(change)
        assert sorted(reported) == ["OK"] + ["PreconditionFailed"] * (WRITERS - 1)
        found = s3.get_object(**PLACE)
        assert found["Body"].read() == f"{tag}{reported.index('OK')}".encode()
        tag = found["ETag"]


def test_a_change_of_an_object_that_is_gone_is_not_found(s3: Any) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html"""
    tag = s3.put_object(**PLACE, Body=b"start")["ETag"]
    s3.delete_object(**PLACE)
    assert code_of(s3.put_object, **PLACE, Body=b"x", IfMatch=tag) == "NoSuchKey"
