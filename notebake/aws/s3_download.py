"""Downloads objects from S3 to this worker with this worker's credentials."""

from pathlib import Path

from notebake.aws.clients import calling, connect
from notebake.aws.permissions import needs
from notebake.aws.policies import DATASETS, Statement
from notebake.errors import CloudError, PreflightError

LIST_DATA = Statement(
    DATASETS, "ListData", "folders, and that a key is not there", ("arn:*:s3:::DATA_BUCKET",)
)
READ_DATA = Statement(
    DATASETS,
    "ReadData",
    "the data, by the worker: no credential reaches a machine",
    ("arn:*:s3:::DATA_BUCKET/*",),
)
MISSING_CODES = {"404", "NoSuchBucket", "NoSuchKey", "NotFound"}


@needs("s3:ListBucket", LIST_DATA, by_check=True)
@needs("s3:GetObject", READ_DATA, by_check=True)
def download_objects(source: str, into: Path, region: str) -> Path:
    """Download a file (s3://bucket/key) or a folder (…/prefix/), and return its path below `into`.

    Raises:
        PreflightError: there is no such object or prefix.
    """
    bucket, key, is_object = split(source)
    s3 = connect("s3", region)
    if is_object:
        target = into / Path(key).name
        try:
            with calling(f"download {source}"):
                s3.download_file(bucket, key, str(target))
        except CloudError as error:
            if error.code in MISSING_CODES:
                hint = f"The address of a folder ends with /: {source}/"
                raise PreflightError(f"There is nothing at {source}.", hint) from error
            raise
        return target
    with calling(f"download {source}"):
        folder = into / "folder"
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key)
        for page in pages:
            for item in page.get("Contents", []):
                if item["Key"].endswith("/"):
                    continue
                target = folder / item["Key"].removeprefix(key)
                if not target.resolve().is_relative_to(folder.resolve()):
                    raise PreflightError(f"{source} holds a key that leaves it: {item['Key']}")
                target.parent.mkdir(parents=True, exist_ok=True)
                s3.download_file(bucket, item["Key"], str(target))
    if not folder.exists():
        raise PreflightError(f"There is nothing at {source}.")
    return folder


def has_object(source: str, region: str) -> bool:
    """Return whether s3://bucket/key, or an object below s3://bucket/prefix/, exists.

    Raises:
        CloudError: access is denied. Without the permission to list the bucket, S3 sends this for
            missing keys, too.
    """
    bucket, key, is_object = split(source)
    s3 = connect("s3", region)
    try:
        with calling(f"check {source}"):
            if is_object:
                s3.head_object(Bucket=bucket, Key=key)
                return True
            answer = s3.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=2)
            # The console creates folders as keys of their own.
            return any(not item["Key"].endswith("/") for item in answer.get("Contents", []))
    except CloudError as error:
        if error.code in MISSING_CODES:
            return False
        raise


def split(source: str) -> tuple[str, str, bool]:
    """Return the bucket and the key of s3://bucket/key, and whether it names one object."""
    bucket, _, key = source.removeprefix("s3://").partition("/")
    return bucket, key, bool(key) and not key.endswith("/")
