"""How many requests to S3 the commands make for sealed runs, in the sandbox's S3."""

import os
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path
from unittest import mock

from benchmarks.record_account import CREDENTIALS, FullAccount, put_in_bucket
from benchmarks.record_runs import objects_of_runs
from benchmarks.section import Table
from flows.cli.main import main
from notebake.runs.run_record import record_place
from tests.cloud_world import CloudWorld
from tests.recorded_runs import bake, write_sealed
from tests.store_world import LOCATION, requests_in, set_versioning, world_with_bucket

RUNS = 10
OPERATIONS = ("GetObject", "ListObjectsV2", "ListObjectVersions", "GetBucketVersioning")


def measure_requests() -> Table:
    """Make the runs in a bucket that keeps versions, and count what each command asks."""
    with _record_on_s3() as world:
        rows = [
            ("list without an index, which it makes", _requests_of(world, "history list")),
            ("list", _requests_of(world, "history list")),
            ("verify all entries", _requests_of(world, "history verify")),
        ]
    figures = tuple((name, *(str(found[each]) for each in OPERATIONS)) for name, found in rows)
    heading = f"Requests to S3, {RUNS} sealed runs of {len(bake()) + 1} entries"
    return Table(("command", *OPERATIONS), figures, heading)


def measure_growth(account: FullAccount, folder: Path, looks: Sequence[str]) -> dict[str, int]:
    """Put ten thousand runs into the bucket, and count what each command asks of S3.

    On a machine that has not looked at it before, and again there.
    """
    for key, content in objects_of_runs(account.image_ids, is_whole=False):
        put_in_bucket(key, content)
    for key, content in account.open_run():
        put_in_bucket(key, content)
    _requests_of(account.world, "survey")
    _requests_of(account.world, "history list")
    found = {}
    for number, words in enumerate(looks):
        home = {"NOTEBAKE_HOME": str(folder / f"home-{number}")}
        with mock.patch.dict(os.environ, home):
            for again in ("on a new machine", "again"):
                found[f"{words}, {again}"] = _requests_of(account.world, words).total()
    return found


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
        if code := main(["--store", LOCATION, *command.split()]):
            raise RuntimeError(f"{command} on S3 ended with {code}")
    return found
