"""How many requests to S3 the commands make for some sealed runs, in the sandbox's S3."""

import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path
from unittest import mock

from benchmarks.section import Table
from flows.cli.main import main
from notebake.runs.run_record import record_place
from tests.cloud_world import CloudWorld
from tests.recorded_runs import bake, write_sealed
from tests.store_world import LOCATION, requests_in, set_versioning, world_with_bucket

RUNS = 10
OPERATIONS = ("GetObject", "ListObjectsV2", "ListObjectVersions", "GetBucketVersioning")
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "sandbox", "AWS_SECRET_ACCESS_KEY": "sandbox"}


def measure_requests() -> Table:
    """Make the runs in a bucket that keeps versions, and count what each command asks."""
    with _record_on_s3() as world:
        rows = [
            ("list without an index, which it makes", _requests_of(world, "list")),
            ("list", _requests_of(world, "list")),
            ("verify all entries", _requests_of(world, "verify")),
        ]
    figures = tuple((name, *(str(found[each]) for each in OPERATIONS)) for name, found in rows)
    heading = f"Requests to S3, {RUNS} sealed runs of {len(bake()) + 1} entries"
    return Table(("command", *OPERATIONS), figures, heading)


@contextmanager
def _record_on_s3() -> Iterator[CloudWorld]:
    with tempfile.TemporaryDirectory(prefix="notebake-bench-") as name:
        own = CREDENTIALS | {"NOTEBAKE_HOME": str(Path(name) / "home")}
        with mock.patch.dict(os.environ, own), world_with_bucket(Path(name)) as world:
            set_versioning("Enabled")
            for number in range(RUNS):
                write_sealed(record_place(LOCATION), f"ocean-{number}")
            yield world


def _requests_of(world: CloudWorld, command: str) -> Counter[str]:
    with redirect_stdout(StringIO()), requests_in(world) as found:
        if code := main(["--store", LOCATION, "history", command]):
            raise RuntimeError(f"history {command} on S3 ended with {code}")
    return found
