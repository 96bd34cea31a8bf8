"""The run store on S3: a prefix of a bucket, kept by S3's own conditional writes.

Each object says in its metadata of which write it is. Where an answer was lost and botocore wrote
again, S3 refuses the second write, and only this tells that the first one was ours.
"""

import functools
import mimetypes
import re
import uuid
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from notebake.aws.clients import calling
from notebake.aws.permissions import needs
from notebake.aws.policies import S3_STORE, Statement
from notebake.aws.s3_bucket import Bucket
from notebake.errors import CloudError, RunStoreError
from notebake.store.interface import KEY, Stored, check_key

LOCATION = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])((?:/[A-Za-z0-9._=-]+)*)/?")
KEEP_RUNS = Statement(
    S3_STORE,
    "KeepRuns",
    "what a run keeps; whoever shares the store shares these",
    ("arn:*:s3:::BUCKET/PREFIX/*",),
)
ABSENT = frozenset(("NoSuchKey", "404"))
REFUSED = ABSENT | {"PreconditionFailed", "412"}
READS = 6
READERS = 16
"""How many objects are read side by side: S3 takes some 30 ms for each, however small."""


@functools.cache
def s3_store(location: str) -> "S3Store":
    """Return the process's store at `s3://bucket/prefix`: its users learn S3's time together.

    Raises:
        RunStoreError: no bucket or prefix can be called so.
    """
    found = LOCATION.fullmatch(location)
    if found is None:
        raise RunStoreError(
            f"Not a place for a run store on S3: {location}",
            hint="It is s3://BUCKET or s3://BUCKET/PREFIX, in letters, digits and . _ = -",
        )
    return S3Store(found[1], found[2].strip("/"))


class S3Store:
    """A prefix of a bucket. What was written is read everywhere at once."""

    def __init__(self, bucket: str, prefix: str) -> None:
        self._bucket, self._prefix = Bucket(bucket), f"{prefix}/" if prefix else ""

    @property
    def location(self) -> str:
        """`s3://bucket/prefix`."""
        return f"s3://{self._bucket.name}/{self._prefix}".removesuffix("/")

    @needs("s3:GetObject", KEEP_RUNS, by_check=True)
    def read(self, key: str) -> Stored | None:
        """Return what is kept under the key, or None; its version is the etag."""
        what, name = self._described("read", key)
        # botocore repeats a request, but not one whose answer breaks off in the middle.
        for _ in range(READS):
            answer = self._bucket.ask(what, "get_object", ABSENT, Key=name)
            if answer is None:
                return None
            with suppress(CloudError), calling(what):
                return Stored(answer["Body"].read(), answer["ETag"])
        raise RunStoreError(f"Tried to {what}; each answer broke off.", "Check the network.")

    def read_all(self, keys: Iterable[str]) -> list[Stored]:
        """Return what is kept under many keys, in their order, without those that are not there."""
        with ThreadPoolExecutor(READERS) as pool:
            return [stored for stored in pool.map(self.read, keys) if stored]

    def create(self, key: str, content: bytes) -> bool:
        """Keep the content if nothing is there; say whether it was kept."""
        return self._put("create", key, content, IfNoneMatch="*")

    def replace(self, key: str, content: bytes, *, version: str) -> bool:
        """Keep the content if what is there is unchanged; say whether it was kept."""
        return self._put("replace", key, content, IfMatch=version)

    def write(self, key: str, content: bytes) -> None:
        """Keep the content whatever is there."""
        self._put("write", key, content)

    def list(self, prefix: str) -> list[str]:
        """Return all keys that begin with the prefix, sorted."""
        if prefix:
            check_key(prefix.removesuffix("/"))
        keys = [
            one["Key"]
            for page in self._bucket.pages(self._prefix + prefix)
            for one in page.get("Contents", [])
        ]
        names = [key.removeprefix(self._prefix) for key in keys]
        # The console's "folders" are objects too, and others may have put theirs here.
        return sorted(name for name in names if KEY.fullmatch(name))

    def list_top_level(self) -> tuple[str, ...]:
        """Return what keys begin with before their first slash, sorted."""
        pages = self._bucket.pages(self._prefix, Delimiter="/")
        found = [one["Prefix"] for page in pages for one in page.get("CommonPrefixes", [])]
        names = (key.removeprefix(self._prefix).removesuffix("/") for key in found)
        return tuple(sorted(name for name in names if KEY.fullmatch(name)))

    @needs("s3:DeleteObject", KEEP_RUNS, by_check=True)
    def delete(self, key: str) -> None:
        """Remove what is kept under the key, if anything is."""
        what, name = self._described("delete", key)
        self._bucket.ask(what, "delete_object", ABSENT, Key=name)

    def local_path(self, key: str) -> None:
        """Return None: no program on this machine can open it."""
        check_key(key)

    def where(self, key: str) -> str:
        """Return the object's s3:// name, which `aws s3 cp` takes."""
        return f"{self.location}/{check_key(key)}"

    def clock(self) -> float:
        """Return seconds since 1970 as S3 counts them: the same on all machines."""
        if not self._bucket.time.is_known:
            next(self._bucket.pages(self._prefix, MaxKeys=1))
        return self._bucket.time.now()

    @needs("s3:PutObject", KEEP_RUNS, by_check=True)
    def _put(self, verb: str, key: str, content: bytes, **condition: str) -> bool:
        """Write on a condition; True also where the answer to our own first write was lost."""
        what, name = self._described(verb, key)
        writer = uuid.uuid4().hex
        answer = self._bucket.ask(
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
        head = self._bucket.ask(what, "head_object", ABSENT, Key=name)
        return head is not None and head["Metadata"].get("writer") == writer

    def _described(self, verb: str, key: str) -> tuple[str, str]:
        """Return what is tried, for people, and the name of the key's object."""
        return f"{verb} {self.where(key)}", self._prefix + key
