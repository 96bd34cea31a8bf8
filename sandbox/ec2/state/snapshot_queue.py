"""What EBS has been asked to copy of each volume, and when it will have copied it."""

from collections import defaultdict


class SnapshotQueue:
    """The snapshots of volumes in the order of their requests. Hold the cloud's lock.

    "When multiple snapshots are running concurrently, newer snapshots remain in the pending state
    until the pending snapshot with the oldest "Started" time moves to the completed state"; and
    "the deleted snapshot progress will continue until it's 100% complete":
    https://repost.aws/knowledge-center/ebs-snapshot-stuck
    """

    def __init__(self) -> None:
        self._requested_at: dict[str, float] = {}
        self._copied_until: dict[str, float] = {}
        self._unfinished: defaultdict[str, set[str]] = defaultdict(set)

    def seconds_since_request(self, volume_id: str, now: float) -> float:
        """Return how long ago the last snapshot of the volume was requested."""
        return now - self._requested_at.get(volume_id, float("-inf"))

    def count_unfinished(self, volume_id: str) -> int:
        """Return how many snapshots of the volume are not complete, deleted ones included."""
        return len(self._unfinished[volume_id])

    def add(self, volume_id: str, snapshot_id: str, now: float) -> None:
        self._requested_at[volume_id] = now
        self._unfinished[volume_id].add(snapshot_id)

    def finish(self, volume_id: str, snapshot_id: str) -> None:
        """Count the snapshot no more. May be repeated."""
        self._unfinished[volume_id].discard(snapshot_id)

    def copied_until(self, volume_id: str) -> float:
        """Return when all that was requested of the volume will be copied; 0: it is."""
        return self._copied_until.get(volume_id, 0)

    def copies_until(self, volume_id: str, end: float) -> None:
        self._copied_until[volume_id] = end
