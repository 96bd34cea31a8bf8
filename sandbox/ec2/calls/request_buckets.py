"""How many requests EC2 takes: a bucket of tokens for each action in each region.

Only with the latency `aws`. The numbers are AWS's own; actions that are not here are not limited.
https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html
"""

from dataclasses import dataclass
from datetime import datetime

from sandbox.clock import Clock
from sandbox.messages.call import Call


@dataclass(frozen=True)
class Limit:
    """The tokens that a full bucket holds, and how many come back each second."""

    size: int
    per_second: int


LIMITS = {
    "AuthorizeSecurityGroupIngress": Limit(50, 5),
    "CreateKeyPair": Limit(50, 5),
    "CreateTags": Limit(100, 10),
    "RunInstances": Limit(5, 2),
    "StartInstances": Limit(5, 2),
}
READING = Limit(100, 20)
READING_EVERYTHING = Limit(50, 10)
"""For a Describe call without ids, filters and pages."""
RESOURCES = Limit(1000, 2)
"""For the instances that RunInstances and StartInstances bring to life, however many calls."""
_NARROWING = ("Filter.", "MaxResults", "NextToken")


@dataclass
class _Bucket:
    tokens: float
    filled: datetime


class RequestBuckets:
    """The buckets of each account. Hold the cloud's lock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: dict[tuple[str, str, str, Limit], _Bucket] = {}

    def admit(self, call: Call) -> bool:
        """Take the tokens that a call needs; if there are too few, take none and return False."""
        needed = [(limit, 1) for limit in [limit_of(call)] if limit]
        if count := _instances(call):
            needed.append((RESOURCES, count))
        buckets = [(self._filled(call, limit), tokens) for limit, tokens in needed]
        if any(bucket.tokens < tokens for bucket, tokens in buckets):
            return False
        for bucket, tokens in buckets:
            bucket.tokens -= tokens
        return True

    def _filled(self, call: Call, limit: Limit) -> _Bucket:
        now = self._clock.now()
        key = (call.account_id, call.region, call.action, limit)
        bucket = self._buckets.setdefault(key, _Bucket(limit.size, now))
        seconds = (now - bucket.filled).total_seconds()
        bucket.tokens = min(limit.size, bucket.tokens + seconds * limit.per_second)
        bucket.filled = now
        return bucket


def limit_of(call: Call) -> Limit | None:
    """Return the limit for a call's requests; None if there is none."""
    if not call.action.startswith("Describe"):
        return LIMITS.get(call.action)
    names = call.parameters
    is_narrow = any(name.startswith(_NARROWING) or name.endswith("Id.1") for name in names)
    return READING if is_narrow else READING_EVERYTHING


def _instances(call: Call) -> int:
    if call.action == "RunInstances":
        count = call.parameters.get("MaxCount", "1")
        return int(count) if count.isdigit() else 0
    ids = [name for name in call.parameters if name.startswith("InstanceId.")]
    return len(ids) if call.action == "StartInstances" else 0
