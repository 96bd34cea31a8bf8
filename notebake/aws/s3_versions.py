"""The versions of objects in a bucket: what was replaced or deleted there."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from notebake.aws.permissions import needs
from notebake.aws.policies import S3_STORE, Statement
from notebake.aws.s3_bucket import Bucket
from notebake.errors import VersionsDeniedError
from notebake.store.versions import Version, Versioning

HISTORY = "`notebake history`"
READ_VERSIONS = Statement(
    S3_STORE,
    "ReadVersions",
    "whether an entry of the record was replaced or deleted; without it `notebake history verify`"
    " says that this is not checked",
    ("arn:*:s3:::BUCKET",),
)
DENIED = frozenset(("AccessDenied", "403", "NotImplemented", "MethodNotAllowed"))
"""Also the answers of services like S3 that have no versions."""
STATES = {"Enabled": Versioning.ON, "Suspended": Versioning.SUSPENDED}


@needs("s3:GetBucketVersioning", READ_VERSIONS, only_for=HISTORY, by_check=True)
def versioning_of(bucket: Bucket) -> Versioning:
    """Return whether the bucket keeps what is replaced or deleted in it."""
    what = f"read whether s3://{bucket.name} keeps versions"
    answer = bucket.call(what, "get_bucket_versioning", DENIED)
    if answer is None:
        return Versioning.DENIED
    return STATES.get(answer.get("Status", ""), Versioning.OFF)


def versions_below(bucket: Bucket, prefix: str) -> Iterator[tuple[Version, ...]]:
    """Yield all versions of each key with the prefix, the newest first; one page is in memory.

    Raises:
        VersionsDeniedError: they may not be listed.
    """
    versions = (version for page in _pages(bucket, prefix) for version in _versions_in(page))
    for _, group in groupby(versions, lambda version: version.key):
        yield tuple(group)


@needs("s3:ListBucketVersions", READ_VERSIONS, only_for=HISTORY, by_check=True)
def _pages(bucket: Bucket, prefix: str) -> Iterator[Any]:
    what = f"list the versions in s3://{bucket.name}/{prefix}"
    start: dict[str, Any] = {}
    while True:
        page = bucket.call(what, "list_object_versions", DENIED, Prefix=prefix, **start)
        if page is None:
            raise VersionsDeniedError(f"Tried to {what}; that is not allowed.")
        yield page
        if not page.get("IsTruncated"):
            return
        start = {"KeyMarker": page["NextKeyMarker"]}
        if marker := page.get("NextVersionIdMarker"):
            start["VersionIdMarker"] = marker


def _versions_in(page: Any) -> Iterator[Version]:
    """Yield the versions of a page by key, the newest first: S3 lists deletions apart."""
    listed = [
        (item, is_deletion)
        for name, is_deletion in (("DeleteMarkers", True), ("Versions", False))
        for item in page.get(name, [])
    ]
    for item, is_deletion in sorted(listed, key=_place_in_list):
        yield Version(item["Key"], item["VersionId"], item["LastModified"], is_deletion)


def _place_in_list(listed: tuple[Any, bool]) -> tuple[str, bool, int, bool]:
    """Return what sorts by key, the newest first; within a second a deletion is the later one."""
    item, is_deletion = listed
    seconds = int(item["LastModified"].timestamp())
    return item["Key"], not item["IsLatest"], -seconds, not is_deletion
