"""A check for updates asks the sources of datasets, and compares with what the run has kept."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from notebake.aws.clients import connect
from notebake.images.updates import datasets, source_state
from notebake.images.updates.datasets import MOST_ON_S3, check_datasets
from notebake.images.updates.finding import CauseFinding
from notebake.images.updates.kept_states import keep_states
from notebake.images.updates.source_state import FILE
from notebake.recipe import Dataset, Recipe
from notebake.runs import files
from notebake.runs.run import Run
from tests.cloud_world import RECIPE, REGION, CloudWorld, cloud_world
from tests.update_images import current_image
from tests.web_source import WebSource, named, web_source

SHA256 = "0" * 64
MONDAY, TUESDAY = "Mon, 23 Nov 2026 12:00:00 GMT", "Tue, 24 Nov 2026 12:00:00 GMT"


def dataset(source: str, *, sha256: str | None = None, name: str = "profiles") -> Dataset:
    # Without TLS a recipe's dataset needs a checksum; what a server says is the same with it.
    wanted = Dataset(name=name, source="https://example.org/x", path=f"/data/{name}")
    return wanted.model_copy(update={"source": source, "sha256": sha256})


def recipe_with(*wanted: Dataset) -> Recipe:
    return RECIPE.model_copy(update={"datasets": wanted})


def bake(world: CloudWorld, recipe: Recipe) -> Run:
    """Keep of the sources what a bake keeps."""
    run = world.new_run(RECIPE).model_copy(update={"recipe": recipe})
    keep_states(run, recipe.datasets)
    return run


def check(run: Run, recipe: Recipe | None = None) -> CauseFinding:
    content = files.get_file(run, FILE)
    kept = {FILE: content} if content else {}
    found = current_image(run.recipe, run.store, run_id=run.id, files=kept)
    return check_datasets(found, recipe or run.recipe)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[CloudWorld]:
    """An empty cloud, in which a minute is a minute: the servers are real ones."""
    with cloud_world(tmp_path) as opened:
        yield opened


@pytest.fixture
def server() -> Iterator[WebSource]:
    with web_source(Content_Length="2048", ETag='"a1"', Last_Modified=MONDAY) as source:
        yield source


Headers = dict[str, str | None]
CHANGED: dict[str, tuple[Headers, Headers]] = {
    "larger": ({}, {"Content-Length": "4096", "ETag": '"b2"'}),
    "smaller, by size alone": ({"ETag": None, "Last-Modified": None}, {"Content-Length": "1"}),
    "larger, with the same ETag": ({}, {"Content-Length": "4096"}),
    "larger, with the same date": ({"ETag": None}, {"Content-Length": "4096"}),
    "empty": ({}, {"Content-Length": "0"}),
    "another ETag and date": ({}, {"ETag": '"b2"', "Last-Modified": TUESDAY}),
    "another ETag, without dates": ({"Last-Modified": None}, {"ETag": '"b2"'}),
    "another weak ETag, without dates": (
        {"Last-Modified": None, "ETag": 'W/"a1"'},
        {"ETag": 'W/"b2"'},
    ),
    "another compressed ETag": (
        {"Last-Modified": None, "ETag": '"a1-gzip"'},
        {"ETag": '"b2-gzip"'},
    ),
    "a date in place of an ETag": ({"ETag": None}, {"Last-Modified": TUESDAY}),
    "an older date": ({"ETag": None, "Last-Modified": TUESDAY}, {"Last-Modified": MONDAY}),
    "another digest, with the same ETag": (
        {"Repr-Digest": "sha-256=:AAAA:"},
        {"Repr-Digest": "sha-256=:BBBB:"},
    ),
    "another ETag, of unknown size": ({"Content-Length": None}, {"ETag": '"b2"'}),
}


def set_headers(source: WebSource, changes: Headers) -> None:
    for name, value in changes.items():
        source.headers.pop(name, None)
        source.headers |= {} if value is None else {name: value}


@pytest.mark.parametrize("name", CHANGED)
def test_another_file_on_a_web_server_is_named(
    name: str, server: WebSource, world: CloudWorld
) -> None:
    before, after = CHANGED[name]
    set_headers(server, before)
    run = bake(world, recipe_with(dataset(f"{server.url}/p.nc")))
    set_headers(server, after)

    found = check(run)

    assert found.state == "changed"
    (change,) = found.changes
    assert change.name == "profiles"
    assert change.old != change.new


SAME: dict[str, tuple[Headers, Headers]] = {
    "nothing": ({}, {}),
    "a weak ETag of the same": ({}, {"ETag": 'W/"a1"'}),
    "a compressed ETag of the same": ({}, {"ETag": '"a1-gzip"'}),
    "an ETag marked twice": ({"ETag": 'W/"a1--gzip"'}, {"ETag": '"a1"'}),
    "another date, the same ETag": ({}, {"Last-Modified": TUESDAY}),
    "another ETag and date, the same digest": (
        {"Repr-Digest": "sha-256=:AAAA:"},
        {"ETag": '"b2"', "Last-Modified": TUESDAY},
    ),
    "another ETag, the same hash at Google": ({"x-goog-hash": "md5=A=="}, {"ETag": '"b2"'}),
    "no date any more": ({}, {"Last-Modified": None}),
    "no ETag any more": ({}, {"ETag": None}),
    "the same date, never an ETag": ({"ETag": None}, {}),
    "no size, the same ETag": ({}, {"Content-Length": None}),
}


@pytest.mark.parametrize("name", SAME)
def test_the_same_file_told_otherwise_is_unchanged(
    name: str, server: WebSource, world: CloudWorld
) -> None:
    before, after = SAME[name]
    set_headers(server, before)
    run = bake(world, recipe_with(dataset(f"{server.url}/p.nc")))
    set_headers(server, after)

    found = check(run)

    assert (found.state, found.changes, found.reason) == ("unchanged", (), "")
    assert set(server.requests) == {"HEAD identity"}


UNKNOWN: dict[str, tuple[Headers, Headers, str]] = {
    "another ETag of the same size and date": ({}, {"ETag": '"b2"'}, "the same size and date"),
    "a server that tells the size only": (
        {"ETag": None, "Last-Modified": None},
        {},
        "neither ETag nor size and date",
    ),
    "a server that told nothing": (
        {"ETag": None, "Last-Modified": None, "Content-Length": None},
        {"ETag": '"a1"'},
        "neither ETag nor size and date",
    ),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_a_server_does_not_tell_is_not_checked(
    name: str, server: WebSource, world: CloudWorld
) -> None:
    before, after, reason = UNKNOWN[name]
    set_headers(server, before)
    run = bake(world, recipe_with(dataset(f"{server.url}/p.nc")))
    set_headers(server, after)

    found = check(run)

    assert found.state == "not checked"
    assert reason in found.reason


def test_a_checksum_in_the_recipe_fixes_the_content(server: WebSource, world: CloudWorld) -> None:
    run = bake(world, recipe_with(dataset(f"{server.url}/p.nc", sha256=SHA256)))

    server.headers |= named({"ETag": '"b2"', "Last_Modified": TUESDAY})
    assert check(run).state == "unchanged"

    server.headers |= {"Content-Length": "4096"}
    (change,) = check(run).changes
    assert "a build would fail" in change.detail


def test_a_server_that_refuses_head_is_asked_for_a_byte(
    server: WebSource, world: CloudWorld
) -> None:
    server.head_status, server.status = 405, 206
    server.headers |= {"Content-Range": "bytes 0-0/2048", "Content-Length": "0"}
    run = bake(world, recipe_with(dataset(f"{server.url}/p.nc")))
    assert check(run).state == "unchanged"

    server.headers |= {"Content-Range": "bytes 0-0/2049"}
    (change,) = check(run).changes
    assert (change.old, change.new) == (
        "2 048 bytes, 2026-11-23T12:00:00Z",
        "2 049 bytes, 2026-11-23T12:00:00Z",
    )


@pytest.mark.parametrize(
    ("status", "reason"), [(404, "answers 404"), (503, "answers 503"), (403, "answers 403")]
)
def test_a_source_that_refuses_is_not_checked_and_fetched_all_the_same(
    status: int, reason: str, server: WebSource, world: CloudWorld
) -> None:
    run = bake(world, recipe_with(dataset(f"{server.url}/p.nc")))
    server.status = server.head_status = status

    found = check(run)
    assert found.state == "not checked"
    assert reason in found.reason

    later = bake(world, run.recipe)
    server.status = server.head_status = 200
    assert "too little" in check(later).reason


def test_a_server_that_hangs_is_left(
    server: WebSource, world: CloudWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = bake(world, recipe_with(dataset(f"{server.url}/p.nc")))
    monkeypatch.setattr(source_state, "SOURCE_SECONDS", 0.2)
    server.hang_seconds = 2
    began = time.monotonic()

    assert "does not answer" in check(run).reason
    assert time.monotonic() - began < 60


def test_a_server_that_sends_letter_by_letter_is_left(
    server: WebSource, world: CloudWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = bake(world, recipe_with(dataset(f"{server.url}/p.nc")))
    monkeypatch.setattr(datasets, "SOURCE_SECONDS", 0.5)
    server.drips = True

    assert check(run).reason == "There was no answer within 1 s."
    assert len(server.requests) == 2


def test_an_older_run_that_kept_nothing_is_not_checked(
    world: CloudWorld, server: WebSource
) -> None:
    run = world.new_run().model_copy(update={"recipe": recipe_with(dataset(f"{server.url}/p.nc"))})

    found = check(run)

    assert found.state == "not checked"
    assert f"has kept no {FILE}" in found.reason
    assert server.requests == []


def test_datasets_that_only_one_recipe_names_are_changes(
    server: WebSource, world: CloudWorld
) -> None:
    old, new = dataset(f"{server.url}/p.nc"), dataset(f"{server.url}/q.nc", name="maps")
    run = bake(world, recipe_with(old))

    added = check(run, recipe_with(old, new)).changes
    removed = check(run, RECIPE).changes

    assert [(each.name, each.old, each.new) for each in added] == [("maps", None, new.source)]
    assert [(each.name, each.old, each.new) for each in removed] == [("profiles", old.source, None)]
    assert check(bake(world, RECIPE)).state == "unchanged"


@pytest.fixture
def bucket(world: CloudWorld) -> str:
    del world
    place = {"LocationConstraint": REGION}
    connect("s3", REGION).create_bucket(Bucket="ocean-data", CreateBucketConfiguration=place)
    for key in ("p.nc", "folder/a.nc", "folder/b/c.nc"):
        put(key, b"first")
    return "s3://ocean-data"


def put(key: str, content: bytes, **more: str) -> None:
    connect("s3", REGION).put_object(Bucket="ocean-data", Key=key, Body=content, **more)


@pytest.mark.parametrize(
    ("source", "key", "content"),
    [
        ("p.nc", "p.nc", b"other"),
        ("p.nc", "p.nc", b"longer than before"),
        ("folder/", "folder/a.nc", b"other"),
        ("folder/", "folder/b/d.nc", b"new"),
        ("folder/", "folder/b/c.nc", b""),
    ],
)
def test_another_object_on_s3_is_named(
    source: str, key: str, content: bytes, bucket: str, world: CloudWorld
) -> None:
    run = bake(world, recipe_with(dataset(f"{bucket}/{source}")))
    put(key, content)

    found = check(run)

    assert found.state == "changed"
    (change,) = found.changes
    assert change.old != change.new


def test_a_removed_object_of_a_folder_is_a_change(bucket: str, world: CloudWorld) -> None:
    run = bake(world, recipe_with(dataset(f"{bucket}/folder/")))
    connect("s3", REGION).delete_object(Bucket="ocean-data", Key="folder/a.nc")

    (change,) = check(run).changes
    assert "2 objects" in str(change.old)
    assert "1 objects" in str(change.new)


@pytest.mark.parametrize("source", ["p.nc", "folder/"])
def test_the_same_content_put_again_is_unchanged(
    source: str, bucket: str, world: CloudWorld
) -> None:
    run = bake(world, recipe_with(dataset(f"{bucket}/{source}")))
    put("p.nc", b"first", Metadata={"who": "ada"})  # type: ignore[arg-type]
    put("folder/a.nc", b"first")
    put("elsewhere.nc", b"new")

    assert (check(run).state, check(run).changes) == ("unchanged", ())


def test_another_etag_with_the_same_checksum_is_unchanged(bucket: str, world: CloudWorld) -> None:
    content = b"x" * (5 * 2**20 + 1)
    put("big.nc", content, ChecksumAlgorithm="SHA256")
    run = bake(world, recipe_with(dataset(f"{bucket}/big.nc")))
    kept = files.get_file(run, FILE) or b""
    assert b'"checksum": "SHA256 ' in kept
    files.put_file(run, FILE, kept.replace(b'"etag": "\\"', b'"etag": "\\"0'))

    assert check(run).state == "unchanged"


def test_only_so_many_sources_on_s3_are_asked(bucket: str, world: CloudWorld) -> None:
    several = [dataset(f"{bucket}/p.nc?{each}", name=f"d{each}") for each in range(MOST_ON_S3 + 1)]
    for each in several:
        put(each.source.removeprefix(f"{bucket}/"), b"first")
    run = bake(world, recipe_with(*several))
    before = len(world.actions())

    found = check(run)

    assert found.state == "not checked"
    assert f"only the first {MOST_ON_S3}" in found.reason
    assert len(world.actions()) - before == MOST_ON_S3
    assert Path(run.store).exists()
