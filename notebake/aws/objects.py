"""Objects in S3, brought to this worker with this worker's credentials."""

from pathlib import Path

from notebake.aws.clients import calling, connect
from notebake.errors import PreflightError


def download_objects(source: str, into: Path, region: str) -> Path:
    """Return where a file (s3://bucket/key) or a folder (…/prefix/) now lies below `into`.

    Raises:
        PreflightError: there is nothing under the prefix.
    """
    bucket, _, key = source.removeprefix("s3://").partition("/")
    s3 = connect("s3", region)
    with calling(f"download {source}"):
        if key and not key.endswith("/"):
            target = into / Path(key).name
            s3.download_file(bucket, key, str(target))
            return target
        folder = into / "folder"
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key)
        for page in pages:
            for one in page.get("Contents", []):
                if one["Key"].endswith("/"):
                    continue
                target = folder / one["Key"].removeprefix(key)
                if not target.resolve().is_relative_to(folder.resolve()):
                    raise PreflightError(f"{source} holds a key that leaves it: {one['Key']}")
                target.parent.mkdir(parents=True, exist_ok=True)
                s3.download_file(bucket, one["Key"], str(target))
    if not folder.exists():
        raise PreflightError(f"There is nothing at {source}.")
    return folder
