"""Honest records give no alarm: thousands, drawn at random, in a directory and on S3."""

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from notebake.ledger.chain_report import Gap
from notebake.runs import record_check
from notebake.runs.checkpoint_check import check_checkpoints
from notebake.runs.record_check import (
    CheckedRun,
    RecordState,
    check_all_runs,
    check_logs,
)
from notebake.runs.version_check import check_versions
from tests.draw import fix_seed, has_everything
from tests.honest_records import HonestRecord, gaps_in, in_threads
from tests.store_world import LOCATION, set_versioning, world_with_bucket

RECORDS, ON_S3 = (10_000, 150) if has_everything() else (80, 3)
WATCHED = 100 if has_everything() else 6
CONTENDED = 20
"""In one of so many records, eight processes contend for a run."""
HONEST = {RecordState.INTACT, RecordState.INCOMPLETE, RecordState.NOT_RECORDED}


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTEBAKE_HOME", str(tmp_path / "home"))
    # Processes are killed here, and no power is cut: what is written need not reach the disk.
    monkeypatch.setattr(os, "fsync", lambda _: None)


def lived(location: str, number: int) -> HonestRecord:
    """Return a record in which some things have happened."""
    random = Random(f"{fix_seed()} honest {number}")  # noqa: S311
    record = HonestRecord(location, random)
    for _ in range(random.randrange(1, 8)):
        record.live()
    if number % CONTENDED == 0:
        assert record.contend()
        record.live()
    return record


def check(record: HonestRecord) -> Counter[str]:
    """Verify all that there is to verify; return how many runs are in which state."""
    checkpoints = check_checkpoints(record.location, anchors=record.anchors)
    versions = check_versions(record.location)
    told = f"{record.location}: {record.done}"
    assert checkpoints.findings == (), told
    assert versions.findings == (), told
    assert {each.state for each in check_logs(record.location)} <= HONEST, told
    found: Counter[str] = Counter()
    for checked in check_all_runs(record.location):
        assert checked.state in HONEST, f"{told}: {checked}"
        assert shown_gaps(checked) == stored_gaps(record, checked.run_id), told
        assert not shown_gaps(checked) or checked.run_id in record.killed, told
        found[checked.state] += 1
    return found


def shown_gaps(checked: CheckedRun) -> set[str]:
    """Return what the verification calls incomplete."""
    gaps = checked.report.gaps if checked.report else ()
    assert (checked.state == RecordState.INCOMPLETE) == bool(gaps)
    return {"no copy" if each.fault == Gap.NO_COPY else f"entry {each.sequence}" for each in gaps}


def stored_gaps(record: HonestRecord, run: str) -> set[str]:
    place = record.place
    return gaps_in([*place.read_below(run).values()], place.read_below(f"_seals/{run}"))


def test_records_of_honest_people_give_no_alarm(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    states: Counter[str] = Counter()
    happened: Counter[str] = Counter()
    for number in range(RECORDS):
        record = lived(str(tmp_path / str(number)), number)
        states += check(record)
        happened.update(record.done)

    assert states[RecordState.INTACT] > RECORDS / 2
    assert states[RecordState.INCOMPLETE] > 0
    assert min(happened.values()) > 0
    record_property("table", f"{RECORDS} records: {dict(states)}; {dict(happened)}")


def test_on_s3_with_versions_they_give_none_either(tmp_path: Path) -> None:
    states: Counter[str] = Counter()
    with world_with_bucket(tmp_path):
        set_versioning("Enabled")
        for number in range(ON_S3):
            record = lived(f"{LOCATION}/{number}", number)
            assert check_versions(record.location).unversioned == 0
            states += check(record)
    assert states[RecordState.INTACT] > 0


@pytest.mark.parametrize("writers", [1, 6], ids=["in turn", "at once"])
def test_a_record_that_is_verified_while_it_is_written_gives_no_alarm(
    tmp_path: Path, writers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six executions of one run, one after the other, or at once as if none knew of the lock."""
    # The writer gets an eighth of a machine that may be busy.
    monkeypatch.setattr(record_check, "SETTLING_SECONDS", 1.0)
    found: Counter[str] = Counter()
    for number in range(WATCHED):
        found += verified_meanwhile(str(tmp_path / str(number)), number, writers)

    assert found["intact"]
    # If several go on at once, one seals the run while the execution of another has no end yet.
    honest = {"intact", "not recorded"} | ({"incomplete"} if writers > 1 else set())
    assert found.keys() <= honest, found


def verified_meanwhile(location: str, number: int, writers: int) -> Counter[str]:
    """Return what verifications say while so many threads carry out six executions of a run."""
    found: Counter[str] = Counter()
    record = HonestRecord(location, Random(f"{fix_seed()} {number}"))  # noqa: S311
    run = record.runs[0].id
    plans = [(record.new_chain(record.place, run), record.events()) for _ in range(6)]

    def work(thread: int) -> None:
        if thread < writers:
            for chain, events in plans[thread::writers]:
                record.write_execution(chain, events)
            return
        for _ in range(8 * writers):
            found.update(str(checked.state) for checked in check_all_runs(location))

    in_threads(work)
    assert check(record)[RecordState.INTACT]
    return found


def test_checkpoints_that_are_verified_while_others_are_made_give_no_alarm(tmp_path: Path) -> None:
    record = HonestRecord(str(tmp_path / "runs"), Random(fix_seed()))  # noqa: S311
    record.execute()
    record.seal()
    found: list[str] = []

    def work(thread: int) -> None:
        for _ in range(WATCHED):
            if thread == 0:
                record.execute()
                record.seal()
            else:
                checked = check_checkpoints(record.location)
                found.extend(str(finding) for finding in checked.findings)

    in_threads(work)
    assert found == []
    assert len(record.anchors) == WATCHED + 1
    assert check(record)[RecordState.INTACT]
