"""The run store on S3: a prefix of a bucket, with S3's conditional writes.

The metadata of each object identifies the write that created it: if a response is lost and botocore
repeats the write, S3 refuses the second one, and the metadata show that the first one was ours.
"""

import functools
import mimetypes
import re
import uuid
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

from notebake.aws.clients import calling
from notebake.aws.permissions import needs
from notebake.aws.policies import S3_STORE, Statement
from notebake.aws.s3_bucket import Bucket
from notebake.aws.s3_versions import versioning_of, versions_below
from notebake.errors import CloudError, RunStoreError
from notebake.store.interface import KEY, Stored, check_key
from notebake.store.versions import Version, Versioning

LOCATION = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])((?:/[A-Za-z0-9._=-]+)*)/?")
KEEP_RUNS = Statement(
    S3_STORE,
    "KeepRuns",
    "the files of runs; all users of the store share them",
    ("arn:*:s3:::BUCKET/PREFIX/*",),
)
DROP_SECRETS = Statement(
    S3_STORE,
    "DropKeysAndProbes",
    "the note of a private key that is gone, and preflight's probe; nothing of the record",
    ("arn:*:s3:::BUCKET/PREFIX/*/keys/*", "arn:*:s3:::BUCKET/PREFIX/*/preflight"),
)
ABSENT = frozenset(("NoSuchKey", "404"))
REFUSED = ABSENT | {"PreconditionFailed", "412"}
READS = 6
READERS = 16
"""The number of parallel reads: S3 takes some 30 ms even for a small object."""


@functools.cache
def s3_store(location: str) -> "S3Store":
    """Return the process's store at `s3://bucket/prefix`; all its users share S3's clock.

    Raises:
        RunStoreError: the name of the bucket or the prefix is invalid.
    """
    found = LOCATION.fullmatch(location)
    if found is None:
        raise RunStoreError(
            f"Not a valid location for a run store on S3: {location}",
            hint="It is s3://BUCKET or s3://BUCKET/PREFIX, in letters, digits and . _ = -",
        )
    return S3Store(found[1], found[2].strip("/"))


class S3Store:
    """A RunStore in a prefix of a bucket; S3 is strongly consistent."""

    def __init__(self, bucket: str, prefix: str) -> None:
        self._bucket, self._prefix = Bucket(bucket), f"{prefix}/" if prefix else ""

    @property
    def location(self) -> str:
        return f"s3://{self._bucket.name}/{self._prefix}".removesuffix("/")

    @needs("s3:GetObject", KEEP_RUNS, by_check=True)
    def read(self, key: str) -> Stored | None:
        what, name = self._described("read", key)
        # botocore does not retry if the connection breaks within the body of a response.
        for _ in range(READS):
            answer = self._bucket.call(what, "get_object", ABSENT, Key=name)
            if answer is None:
                return None
            with suppress(CloudError), calling(what):
                return Stored(answer["Body"].read(), answer["ETag"])
        raise RunStoreError(f"Tried to {what}; each response broke off.", "Check the network.")

    def read_all(self, keys: Iterable[str]) -> list[Stored]:
        with ThreadPoolExecutor(READERS) as pool:
            return [stored for stored in pool.map(self.read, keys) if stored]

    def create(self, key: str, content: bytes) -> bool:
        return self._put("create", key, content, IfNoneMatch="*")

    def replace(self, key: str, content: bytes, *, version: str) -> bool:
        return self._put("replace", key, content, IfMatch=version)

    def write(self, key: str, content: bytes) -> None:
        self._put("write", key, content)

    def list(self, prefix: str) -> list[str]:
        if prefix:
            check_key(prefix.removesuffix("/"))
        keys = [
            item["Key"]
            for page in self._bucket.pages(self._prefix + prefix)
            for item in page.get("Contents", [])
        ]
        names = [key.removeprefix(self._prefix) for key in keys]
        # The console's folders are keys, too, and other programs may use the bucket.
        return sorted(name for name in names if KEY.fullmatch(name))

    def list_top_level(self, prefix: str = "") -> tuple[str, ...]:
        below = self._prefix + prefix
        pages = self._bucket.pages(below, Delimiter="/")
        found = [prefix["Prefix"] for page in pages for prefix in page.get("CommonPrefixes", [])]
        names = (key.removeprefix(below).removesuffix("/") for key in found)
        return tuple(sorted(name for name in names if KEY.fullmatch(name)))

    @needs("s3:DeleteObject", DROP_SECRETS, by_check=True)
    def delete(self, key: str) -> None:
        what, name = self._described("delete", key)
        self._bucket.call(what, "delete_object", ABSENT, Key=name)

    def local_path(self, key: str) -> None:
        check_key(key)

    def where(self, key: str) -> str:
        return f"{self.location}/{check_key(key)}"

    def clock(self) -> float:
        if not self._bucket.time.is_known:
            next(self._bucket.pages(self._prefix, MaxKeys=1))
        return self._bucket.time.now()

    def versioning(self) -> Versioning:
        return versioning_of(self._bucket)

    def versions(self, prefix: str) -> Iterator[tuple[Version, ...]]:
        for group in versions_below(self._bucket, self._prefix + prefix):
            name = group[0].key.removeprefix(self._prefix)
            if KEY.fullmatch(name):
                yield tuple(replace(version, key=name) for version in group)

    @needs("s3:PutObject", KEEP_RUNS, by_check=True)
    def _put(self, verb: str, key: str, content: bytes, **condition: str) -> bool:
        """Write an object under a condition; return True also if a lost response hid our write."""
        what, name = self._described(verb, key)
        writer = uuid.uuid4().hex
        answer = self._bucket.call(
            what,
            "put_object",
            REFUSED if condition else frozenset(),
            Key=name,
            Body=content,
            ContentType=mimetypes.guess_type(key)[0] or "application/octet-stream",
            Metadata={"writer": writer},
            **condition,
        )
        if answer is not None:
            return True
        head = self._bucket.call(what, "head_object", ABSENT, Key=name)
        return head is not None and head["Metadata"].get("writer") == writer

    def _described(self, verb: str, key: str) -> tuple[str, str]:
        """Return what is tried, for error messages, and the name of the key's object."""
        return f"{verb} {self.where(key)}", self._prefix + key
