"""The calls of the run store to its bucket, and S3's clock as seen in the responses."""

import math
import os
import random
import threading
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any

from notebake import clock
from notebake.aws.clients import calling, connect
from notebake.aws.hints import CLOCK
from notebake.aws.permissions import needs
from notebake.aws.policies import S3_STORE, Statement
from notebake.errors import CloudError, RunStoreError

CONFLICTS = frozenset(("ConditionalRequestConflict", "OperationAborted", "409"))
"""Another write of the key is in progress: retry (S3 user guide, "Conditional requests")."""
ATTEMPTS = 6
RIGHTS = (
    "A run store needs s3:ListBucket on its bucket, and s3:GetObject, s3:PutObject and"
    " s3:DeleteObject below its prefix. Without s3:ListBucket, S3 answers AccessDenied also"
    " for missing keys. Only `notebake history` needs s3:ListBucketVersions and"
    " s3:GetBucketVersioning."
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


class ServerTime:
    """The offset of a server's clock from this machine's time since boot, within bounds.

    The Date header of a response is truncated to seconds, and was set between request and response;
    each response narrows the bounds. This machine's wall clock, which may be wrong, is not used.
    """

    def __init__(self) -> None:
        self._low, self._high = -math.inf, math.inf
        self._lock = threading.Lock()

    @property
    def is_known(self) -> bool:
        return math.isfinite(self._low)

    def learn(self, date: str, sent_at: float) -> None:
        """Update the bounds by the Date header of the response to a request sent at `sent_at`."""
        server_seconds = parsedate_to_datetime(date).timestamp()
        low, high = server_seconds - clock.elapsed_with_sleep(), server_seconds + 1 - sent_at
        with self._lock:
            self._low, self._high = max(low, self._low), min(high, self._high)
            if self._low > self._high:
                # Clocks drift, and may be set: the newest response counts.
                self._low, self._high = low, high

    def now(self) -> float:
        """Return the server's time in seconds since 1970, with an error of at most a second."""
        with self._lock:
            return clock.elapsed_with_sleep() + (self._low + self._high) / 2


class Bucket:
    """A bucket in any region, and S3's clock."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.time = ServerTime()

    @needs("s3:ListBucket", LIST_RUNS, by_check=True)
    def pages(self, prefix: str, **more: Any) -> Iterator[Any]:
        start: dict[str, Any] = {}
        while True:
            page = self.call(
                f"list s3://{self.name}/{prefix}", "list_objects_v2", Prefix=prefix, **start, **more
            )
            yield page
            if not page.get("IsTruncated"):
                return
            start = {"ContinuationToken": page["NextContinuationToken"]}

    def call(
        self, what: str, operation: str, expected: frozenset[str] = frozenset(), **parameters: Any
    ) -> Any:
        """Return S3's response, or None for an expected error code; update S3's clock."""
        # botocore follows S3's redirect to the bucket's region; only outside of the partition `aws`
        # (China, GovCloud) the environment must name one.
        region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
        for number in range(1, ATTEMPTS + 1):
            sent_at = clock.elapsed_with_sleep()
            try:
                with calling(what):
                    client = connect("s3", region or "us-east-1")
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
                self.time.learn(answer["ResponseMetadata"]["HTTPHeaders"]["date"], sent_at)
                return answer
        raise AssertionError("the last attempt returns or raises")
