"""What `history verify` says of a record on S3 whose entries were replaced, by their versions."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flows.cli.main import main
from notebake.aws.clients import connect
from notebake.runs.people import Person, pseudonym_of
from notebake.runs.reserved_ids import LOGS
from notebake.runs.run_record import record_place
from tests.cloud_world import REGION, CloudWorld
from tests.json_documents import document
from tests.recorded_runs import write_sealed
from tests.store_world import (
    BUCKET,
    LOCATION,
    RefusedObject,
    requests_in,
    set_versioning,
    world_with_bucket,
)

RUNS = ("ocean-1", "ocean-2", "tide-1")
RECORD = "bakes/record"
ENTRY = f"{RECORD}/ocean-1/00000007.json"
VERIFY = ["--store", LOCATION, "history", "verify"]


@pytest.fixture
def world(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[CloudWorld]:
    """A record of three sealed runs, in a bucket that keeps versions unless a test wants it not."""
    monkeypatch.setenv("NOTEBAKE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "1000")
    with world_with_bucket(tmp_path) as opened:
        if status := getattr(request, "param", "Enabled"):
            set_versioning(status)
        for run in RUNS:
            write_sealed(record_place(LOCATION), run)
        yield opened


@pytest.fixture
def s3(world: CloudWorld) -> Any:
    del world
    return connect("s3", REGION)


def delete(s3: Any, key: str) -> str:
    """Delete an object, and return the id of the mark of that."""
    return str(s3.delete_object(Bucket=BUCKET, Key=key)["VersionId"])


def replace(s3: Any, key: str) -> tuple[str, str, str]:
    """Write an object again after a deletion, as the record itself would write it.

    Returns the ids of the new version, of the mark of the deletion, and of the version before.
    """
    before = s3.head_object(Bucket=BUCKET, Key=key)["VersionId"]
    mark = delete(s3, key)
    content = b'{"forged": true}'
    new = s3.put_object(Bucket=BUCKET, Key=key, Body=content, IfNoneMatch="*")["VersionId"]
    return new, mark, before


def states(found: dict[str, Any]) -> dict[str, str]:
    return {row["run_id"]: row["state"] for row in found["runs"]}


def verified(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = document([*VERIFY, *words], capsys, code=code)
    return found


@pytest.mark.usefixtures("world")
def test_an_honest_record_with_versions_is_intact(capsys: pytest.CaptureFixture[str]) -> None:
    found = verified(capsys)

    assert states(found) == dict.fromkeys(RUNS, "intact")
    assert (found["findings"], found["not_checked"]) == ([], [])


def test_an_entry_written_over_its_deletion_is_named_with_its_versions(
    s3: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = replace(s3, ENTRY)

    found = verified(capsys, code=3)
    assert states(found) == {"ocean-1": "tampered", "ocean-2": "intact", "tide-1": "intact"}
    (finding,) = [each for each in found["runs"][0]["findings"] if "written again" in each]
    assert finding.startswith("record/ocean-1/00000007.json was deleted and written again: version")
    positions = [finding.index(each) for each in ids]
    assert positions == sorted(positions), "the newest comes first"
    assert finding.count(" of 20") == 3, "each with its time"
    assert verified(capsys, "ocean-1", code=3)["runs"][0]["state"] == "tampered"
    assert verified(capsys, "ocean-2")["runs"][0]["state"] == "intact"


def test_an_entry_that_was_overwritten_with_itself_is_named(
    s3: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    content = s3.get_object(Bucket=BUCKET, Key=ENTRY)["Body"].read()
    s3.put_object(Bucket=BUCKET, Key=ENTRY, Body=content)

    (finding,) = verified(capsys, code=3)["runs"][0]["findings"]
    assert finding.startswith("record/ocean-1/00000007.json was overwritten: version ")


def test_a_run_that_was_deleted_with_its_seals_is_named_without_a_checkpoint(
    s3: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in ("tide-1", "_seals/tide-1"):
        listed = s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{RECORD}/{folder}/")["Contents"]
        for item in listed:
            delete(s3, item["Key"])

    assert main(VERIFY) == 3
    output = capsys.readouterr().out
    assert "  record/tide-1/00000001.json was deleted: deletion " in output
    assert "  record/_seals/tide-1/" in output
    assert verified(capsys, "tide-1", code=3)["runs"][0]["state"] == "tampered"


@pytest.mark.usefixtures("world")
def test_a_checkpoint_written_again_is_a_finding_of_the_whole_record(
    s3: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--store", LOCATION, "history", "seal"]) == 0
    key = f"{RECORD}/_checkpoints/00000001.json"
    content = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    delete(s3, key)
    s3.put_object(Bucket=BUCKET, Key=key, Body=content, IfNoneMatch="*")
    capsys.readouterr()

    found = verified(capsys, code=3)
    assert states(found) == dict.fromkeys(RUNS, "intact")
    (finding,) = found["findings"]
    assert finding.startswith("record/_checkpoints/00000001.json was deleted and written again")
    assert verified(capsys, "ocean-1", code=3)["findings"] == [finding]


@pytest.mark.usefixtures("world")
def test_the_file_of_people_is_meant_to_change(capsys: pytest.CaptureFixture[str]) -> None:
    for login in ("ada", "bo", "cy"):
        pseudonym_of(Person(login=login, host_name="laptop"), record_place(LOCATION))

    assert verified(capsys)["findings"] == []


@pytest.mark.parametrize(
    ("world", "words"),
    [
        ("", "the bucket keeps no versions"),
        ("Suspended", "while the versioning of the bucket was suspended"),
    ],
    indirect=["world"],
)
@pytest.mark.usefixtures("world")
def test_without_versioning_it_is_said_that_this_is_not_checked(
    words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(VERIFY) == 0
    output = capsys.readouterr().out
    assert "Not checked: " in output
    assert words in output
    assert "aws s3api put-bucket-versioning" in output
    (sentence,) = verified(capsys)["not_checked"]
    assert sentence in output


@pytest.mark.parametrize("part", ["?versioning", "?versions"])
def test_versions_that_may_not_be_read_are_not_checked(
    world: CloudWorld, part: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with world.intercepting(RefusedObject("GET", part, 9)) as refuses:
        found = verified(capsys)

    assert refuses.fired
    assert states(found) == dict.fromkeys(RUNS, "intact")
    (sentence,) = found["not_checked"]
    assert "may not read the versions of the bucket" in sentence
    assert "s3:ListBucketVersions" in sentence


def test_what_can_be_listed_is_checked_though_the_state_may_not_be_read(
    world: CloudWorld, s3: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    replace(s3, ENTRY)

    with world.intercepting(RefusedObject("GET", "?versioning", 9)):
        found = verified(capsys, code=3)

    assert states(found)["ocean-1"] == "tampered"
    assert len(found["not_checked"]) == 1


def test_a_list_of_versions_that_fails_is_unreadable(
    world: CloudWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    with world.intercepting(RefusedObject("GET", "?versions", 99, code="SlowDown", status=503)):
        assert main(VERIFY) == 5
    assert "SlowDown" in capsys.readouterr().err


@pytest.mark.parametrize("world", [""], indirect=True)
@pytest.mark.usefixtures("world")
def test_what_was_written_before_versioning_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    set_versioning("Enabled")
    write_sealed(record_place(LOCATION), "tide-2")

    found = verified(capsys)
    count = 3 * (found["runs"][0]["entries"] + 1)
    assert states(found) == dict.fromkeys((*RUNS, "tide-2"), "intact")
    assert found["not_checked"][0].startswith(f"Not checked: whether {count} of the objects")


def test_versions_are_read_page_by_page(
    world: CloudWorld,
    s3: Any,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "2")
    for _ in range(3):
        ids = replace(s3, ENTRY)

    before = len(world.sandbox.calls())
    (finding,) = [
        each for each in verified(capsys, code=3)["runs"][0]["findings"] if "written again" in each
    ]
    asked = Counter(call.action for call in world.sandbox.calls()[before:])
    assert asked[f"GET /{BUCKET}?versions"] > 30
    assert all(each in finding for each in ids)
    assert finding.endswith("1 more")


def test_a_list_reads_an_object_for_each_sealed_run_once(world: CloudWorld) -> None:
    first, again = requests_of(world, "list"), requests_of(world, "list")

    assert first["GetObject"] - again["GetObject"] == len(RUNS)
    assert again["GetObject"] <= 2, "the people, and whether the record is elsewhere"
    assert again["ListObjectsV2"] <= 4
    write_sealed(record_place(LOCATION), "tide-2")
    assert requests_of(world, "list")["GetObject"] == again["GetObject"] + 1
    assert first.keys() == {"GetObject", "ListObjectsV2"}, "no versions are listed"


def test_verification_lists_versions_and_reads_each_entry_once(
    world: CloudWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    entries = sum(row["entries"] for row in verified(capsys)["runs"])
    found = requests_of(world, "verify")

    copies, others = len(RUNS), 2
    assert entries + copies <= found["GetObject"] <= entries + copies + others
    assert (found["ListObjectVersions"], found["GetBucketVersioning"]) == (1, 1)
    assert found["ListObjectsV2"] <= 2 * len(RUNS) + 3 * len(LOGS)


def requests_of(world: CloudWorld, command: str) -> Counter[str]:
    """Return how often a command asks S3 what."""
    with requests_in(world) as found:
        assert main(["--store", LOCATION, "history", command]) == 0
    return found
