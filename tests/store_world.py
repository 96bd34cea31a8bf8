"""Run stores for tests: the verbs that every one keeps, and an S3 bucket in the strict cloud."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from notebake.aws.clients import connect
from notebake.aws.s3_store import s3_store
from notebake.errors import RunLockedError
from notebake.runs.lock import hold_run
from notebake.runs.run import Run
from sandbox.api.application import Reply
from sandbox.messages.call import Call, rest_operation
from tests.cloud_world import REGION, CloudWorld, cloud_world

BUCKET = "ocean-runs"
LOCATION = f"s3://{BUCKET}/bakes"


@contextmanager
def world_with_bucket(directory: Path) -> Iterator[CloudWorld]:
    """Run an empty cloud with an empty bucket in it."""
    with cloud_world(directory) as world:
        forget_process()
        place = {"LocationConstraint": REGION}
        connect("s3", REGION).create_bucket(Bucket=BUCKET, CreateBucketConfiguration=place)
        yield world
        forget_process()


def set_versioning(status: str) -> None:
    """Let the bucket keep what is replaced or deleted in it ("Enabled"), or no longer."""
    connect("s3", REGION).put_bucket_versioning(
        Bucket=BUCKET, VersioningConfiguration={"Status": status}
    )


def forget_process() -> None:
    """Forget what a process remembers of AWS, as a fresh one would not know it."""
    s3_store.cache_clear()
    connect.cache_clear()


@dataclass
class ObjectInterceptor:
    """Meets calls of one method to objects whose path holds some text, so many times."""

    method: str
    part: str
    times: int
    fired: int = 0

    def is_due(self, call: Call) -> bool:
        """Tell whether it is time to act on a call, and count it."""
        method, _, path = call.action.partition(" ")
        if (call.service, method) != ("s3", self.method) or self.part not in path:
            return False
        self.fired += 1
        return self.fired <= self.times

    def before(self, call: Call) -> Reply | None:
        del call
        return None

    def after(self, call: Call, reply: Reply) -> Reply:
        del call
        return reply


class LostObjectAnswer(ObjectInterceptor):
    """Lets a call take effect and loses its answer."""

    def after(self, call: Call, reply: Reply) -> Reply:
        return refusal("InternalError", 500) if self.is_due(call) else reply


@dataclass
class RefusedObject(ObjectInterceptor):
    """Answers instead of S3."""

    code: str = "AccessDenied"
    status: int = 403

    def before(self, call: Call) -> Reply | None:
        return refusal(self.code, self.status) if self.is_due(call) else None


def refusal(code: str, status: int) -> Reply:
    """Return the answer with which S3 refuses a call."""
    body = f"<Error><Code>{code}</Code><Message>as asked</Message></Error>"
    return Reply(status, [("Content-Type", "application/xml")], body.encode())


@contextmanager
def requests_in(world: CloudWorld) -> Iterator[Counter[str]]:
    """Count what the block asks of S3, by operation; known when the block has ended."""
    before = len(world.sandbox.calls())
    found: Counter[str] = Counter()
    yield found
    for call in world.sandbox.calls()[before:]:
        if call.service == "s3":
            found[rest_operation(call.service, call.action) or call.action] += 1


def hold_run_at_once(run: Run, count: int) -> list[str]:
    """Return what each of so many hears who try to take a run's lease at the same time."""
    answers: list[str] = []
    start, end = threading.Barrier(count), threading.Barrier(count)

    def take() -> None:
        start.wait()
        try:
            with hold_run(run):
                answers.append("held")
                end.wait()
        except RunLockedError:
            answers.append("refused")
            end.wait()

    threads = [threading.Thread(target=take) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers
