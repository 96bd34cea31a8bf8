"""Erasing people while others write: no line is lost, in a directory and on S3."""

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from flows.cli.main import main
from notebake.aws.clients import connect
from notebake.ledger.chain import Chain, RecordPlace, Writer
from notebake.ledger.verify import verify_run
from notebake.runs.erasure import erase, read_erasures
from notebake.runs.people import Person, pseudonym_of, read_people
from notebake.runs.run_record import record_place
from tests.cloud_world import REGION
from tests.draw import has_everything
from tests.policy.judge import DEPLOYMENTS
from tests.store_world import BUCKET, LOCATION, set_versioning, world_with_bucket

WRITERS = 8
EACH = 6 if has_everything() else 3


@pytest.fixture(params=["directory", "S3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RecordPlace]:
    with ExitStack() as stack:
        if request.param == "S3":
            stack.enter_context(world_with_bucket(tmp_path))
        yield record_place(LOCATION if request.param == "S3" else str(tmp_path / "runs"))


def person(writer: int, number: int) -> Person:
    return Person(login=f"user-{writer}-{number}", host_name="laptop")


def test_concurrent_writers_lose_no_line_and_no_erasure(place: RecordPlace) -> None:
    leaving = [person(99, number) for number in range(WRITERS)]
    gone = [pseudonym_of(each, place) for each in leaving]
    known: list[dict[str, Person]] = [{} for _ in range(WRITERS)]
    failures: list[BaseException] = []
    start = threading.Barrier(WRITERS)

    def work(writer: int) -> None:
        try:
            start.wait()
            for number in range(EACH):
                added = person(writer, number)
                known[writer][pseudonym_of(added, place)] = added
                if number == 1:
                    erase({gone[writer]: leaving[writer]}, place, f"asked, {writer}")
        except BaseException as error:  # noqa: BLE001 - shown below
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    stored = read_people(place)
    for mine in known:
        assert len(mine) == EACH
        assert mine.items() <= stored.items()
    assert stored.keys().isdisjoint(gone)
    assert {*read_erasures(place)} == {*gone}
    assert len(Chain(place, "people-log", Writer()).entries()) == WRITERS
    assert verify_run(place, "people-log").findings == ()


def test_on_s3_it_is_said_that_earlier_versions_have_the_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "1000")
    with world_with_bucket(tmp_path):
        set_versioning("Enabled")
        place = record_place(LOCATION)
        pseudonym_of(person(1, 1), place)
        words = ["--store", LOCATION, "history", "people", "--erase", "user-1-1", "--yes"]
        assert main(words) == 0
        output = capsys.readouterr().out
        assert f"Earlier versions of {LOCATION}/record/people.json have the names" in output
        assert "aws s3api put-bucket-lifecycle-configuration" in output
        assert main(["--store", LOCATION, "history", "verify"]) == 0
        set_versioning("Suspended")
        kept = list(place.store.versions("record/people.json"))
        assert len(kept[0]) > 1, "S3 has the name still"


def test_the_lifecycle_rule_is_for_the_file_of_people_alone(tmp_path: Path) -> None:
    text = (DEPLOYMENTS / "record-lifecycle.json").read_text(encoding="utf-8")
    rules = json.loads(text.replace("PREFIX", "bakes"))
    with world_with_bucket(tmp_path):
        s3 = connect("s3", REGION)
        s3.put_bucket_lifecycle_configuration(Bucket=BUCKET, LifecycleConfiguration=rules)
        (rule,) = s3.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]
        place = record_place(LOCATION)
        erase({pseudonym_of(person(1, 1), place): person(1, 1)}, place, "")
        keys = [f"bakes/{key}" for key in place.store.list("")]

    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 1}
    assert "Expiration" not in rule, "what is there now stays"
    assert [key for key in keys if key.startswith(rule["Filter"]["Prefix"])] == [
        "bakes/record/people.json"
    ]
    assert len(keys) > 1
