"""One bucket as the run store calls it: refusals become sentences, S3's time is learned."""

import os
import random
from collections.abc import Iterator
from typing import Any

from notebake import clock
from notebake.aws.clients import calling, connect
from notebake.aws.hints import CLOCK
from notebake.aws.permissions import needs
from notebake.aws.policies import S3_STORE, Statement
from notebake.aws.server_time import ServerTime
from notebake.errors import CloudError, RunStoreError

CONFLICTS = frozenset(("ConditionalRequestConflict", "OperationAborted", "409"))
"""Another write of the key is under way: try again (S3 user guide, "Conditional requests")."""
ATTEMPTS = 6
RIGHTS = (
    "A run store needs s3:ListBucket on its bucket, and s3:GetObject, s3:PutObject and"
    " s3:DeleteObject below its prefix. Without s3:ListBucket, S3 answers AccessDenied also"
    " for what is not there."
)
HINTS = {
    "NoSuchBucket": "Check the name, or make the bucket: aws s3 mb s3://BUCKET",
    "AccessDenied": RIGHTS,
    "403": RIGHTS,
}

LIST_RUNS = Statement(
    S3_STORE,
    "ListRuns",
    "the whole bucket: a condition on the prefix would make S3 answer AccessDenied for a key that"
    " is not there",
    ("arn:*:s3:::BUCKET",),
)


class Bucket:
    """A bucket, wherever it lies, and what its answers tell of S3's clock."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.time = ServerTime()

    @needs("s3:ListBucket", LIST_RUNS, by_check=True)
    def pages(self, prefix: str, **more: Any) -> Iterator[Any]:
        """Give the pages of a listing, a thousand keys each."""
        start: dict[str, Any] = {}
        while True:
            page = self.ask(
                f"list s3://{self.name}/{prefix}",
                "list_objects_v2",
                Prefix=prefix,
                **start,
                **more,
            )
            yield page
            if not page.get("IsTruncated"):
                return
            start = {"ContinuationToken": page["NextContinuationToken"]}

    def ask(
        self, what: str, operation: str, expected: frozenset[str] = frozenset(), **parameters: Any
    ) -> Any:
        """Return S3's answer, or None where it refuses with an expected code; learn its time."""
        for number in range(1, ATTEMPTS + 1):
            asked_at = clock.elapsed_with_sleep()
            try:
                with calling(what):
                    client = connect("s3", _any_region())
                    answer = getattr(client, operation)(Bucket=self.name, **parameters)
            except CloudError as error:
                if error.code in expected:
                    return None
                if error.code not in CONFLICTS or number == ATTEMPTS:
                    is_clock = error.hint == CLOCK
                    hint = error.hint if is_clock else HINTS.get(error.code, error.hint)
                    raise RunStoreError(error.message, hint) from error
                clock.pause(random.uniform(0.01, 0.05) * 2**number)  # noqa: S311 - not a secret
            else:
                self.time.learn(answer["ResponseMetadata"]["HTTPHeaders"]["date"], asked_at)
                return answer
        raise AssertionError("the last attempt returns or raises")


def _any_region() -> str:
    """Return a region to begin with: botocore follows S3 to the bucket's own, and remembers it.

    Only outside the partition `aws` (China, GovCloud) must the environment name one.
    """
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
