"""Whether there is something in S3, asked with this computer's credentials."""

from notebake.aws.clients import calling, connect
from notebake.errors import CloudError

MISSING_CODES = {"404", "NoSuchBucket", "NoSuchKey", "NotFound"}


def has_object(source: str, region: str) -> bool:
    """Tell whether s3://bucket/key, or anything below s3://bucket/prefix/, is there.

    Raises:
        CloudError: it may not be read. S3 says so, too, of a key that is not there, to those who
            may not list the bucket.
    """
    bucket, _, key = source.removeprefix("s3://").partition("/")
    s3 = connect("s3", region)
    try:
        with calling(f"look for {source}"):
            if key and not key.endswith("/"):
                s3.head_object(Bucket=bucket, Key=key)
                return True
            answer = s3.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=2)
            # A folder that somebody made by hand is a key of its own.
            return any(not one["Key"].endswith("/") for one in answer.get("Contents", []))
    except CloudError as error:
        if error.code in MISSING_CODES:
            return False
        raise
