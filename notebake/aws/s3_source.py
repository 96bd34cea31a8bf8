"""What S3 says of a dataset without sending it: size, ETag, checksum, time of its last change."""

import hashlib
from typing import Any

from notebake.aws.clients import calling, connect
from notebake.aws.permissions import needs
from notebake.aws.s3_download import LIST_DATA, READ_DATA, split
from notebake.errors import PreflightError
from notebake.record import Record

MOST_PAGES = 2
"""So many pages of 1000 objects are listed of a folder."""
ALGORITHMS = ("SHA256", "CRC64NVME", "SHA1", "CRC32C", "CRC32")
"""The checksums that S3 may have of an object, the best first."""


class ObjectState(Record):
    """A file or a folder on S3 as it is now."""

    size: int
    modified: str
    """UTC; of a folder that of its newest object."""
    etag: str = ""
    """Of a folder, the digest of the names, sizes and ETags of its objects."""
    checksum: str = ""
    """With its algorithm; "" if S3 has none, and for a folder."""
    objects: int | None = None
    """How many objects a folder has; None for a file."""


@needs("s3:GetObject", READ_DATA, by_check=True)
def describe_object(source: str, region: str) -> ObjectState:
    """Return the state of s3://bucket/key; one call.

    Raises:
        CloudError: it is not there, or may not be read.
    """
    bucket, key, _ = split(source)
    with calling(f"check {source}"):
        found = connect("s3", region).head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
    return ObjectState(
        size=int(found["ContentLength"]),
        modified=f"{found['LastModified']:%Y-%m-%dT%H:%M:%SZ}",
        etag=str(found.get("ETag", "")),
        checksum=_checksum_in(found),
    )


@needs("s3:ListBucket", LIST_DATA, by_check=True)
def describe_folder(source: str, region: str) -> ObjectState:
    """Return the state of all objects below s3://bucket/prefix/; at most `MOST_PAGES` calls.

    Raises:
        CloudError: the bucket may not be listed.
        PreflightError: there are no objects, or too many to compare.
    """
    bucket, key, _ = split(source)
    items: list[dict[str, Any]] = []
    with calling(f"list {source}"):
        pages = connect("s3", region).get_paginator("list_objects_v2")
        for number, page in enumerate(pages.paginate(Bucket=bucket, Prefix=key), 1):
            items += [item for item in page.get("Contents", []) if not item["Key"].endswith("/")]
            if number == MOST_PAGES and page.get("IsTruncated"):
                raise PreflightError(f"{source} has more than {MOST_PAGES}000 objects.")
    if not items:
        raise PreflightError(f"There is nothing at {source}.")
    lines = sorted(f"{item['Key']}\0{item['Size']}\0{item['ETag']}" for item in items)
    return ObjectState(
        size=sum(int(item["Size"]) for item in items),
        modified=f"{max(item['LastModified'] for item in items):%Y-%m-%dT%H:%M:%SZ}",
        etag=hashlib.sha256("\n".join(lines).encode()).hexdigest(),
        objects=len(items),
    )


def _checksum_in(found: dict[str, Any]) -> str:
    for algorithm in ALGORITHMS:
        value = found.get(f"Checksum{algorithm}")
        # That of parts depends on their sizes, and so says nothing of the content alone.
        if value and found.get("ChecksumType") != "COMPOSITE" and "-" not in value:
            return f"{algorithm} {value}"
    return ""
