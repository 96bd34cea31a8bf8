"""What the verification of a run's record finds, and what it cannot find."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from notebake.ledger.chain import RecordPlace
from notebake.ledger.chain_report import Fault, Gap
from notebake.ledger.closing import close_if_finished
from notebake.ledger.entry import Entry, hash_of
from notebake.ledger.verify import verify_run
from notebake.store.directory import DirectoryStore
from tests import recorded_runs as runs
from tests.recorded_runs import RUN, write, write_sealed

Folder = Path
LAST = len(runs.bake()) + 1


@pytest.fixture
def place(tmp_path: Path) -> RecordPlace:
    return RecordPlace(DirectoryStore(tmp_path), "record/")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return tmp_path / "record"


def entry_path(folder: Folder, sequence: int) -> Path:
    return folder / RUN / f"{sequence:08}.json"


def seal_path(folder: Folder, sequence: int = LAST) -> Path:
    return folder / "_seals" / RUN / f"{sequence:08}.json"


def flip_a_byte(folder: Folder) -> None:
    path = entry_path(folder, 5)
    path.write_bytes(path.read_bytes().replace(b"200", b"201"))


def break_an_entry(folder: Folder) -> None:
    path = entry_path(folder, 5)
    path.write_bytes(path.read_bytes()[:-1])


def drop(folder: Folder) -> None:
    entry_path(folder, 5).unlink()


def swap(folder: Folder) -> None:
    first, second = entry_path(folder, 5), entry_path(folder, 6)
    contents = first.read_bytes(), second.read_bytes()
    second.write_bytes(contents[0])
    first.write_bytes(contents[1])


def move_up(folder: Folder) -> None:
    """Make room for an entry before the fifth."""
    for sequence in range(LAST, 4, -1):
        entry_path(folder, sequence).rename(entry_path(folder, sequence + 1))


def insert(folder: Folder) -> None:
    move_up(folder)
    before = entry_path(folder, 4).read_bytes()
    fields = json.loads(before) | {"sequence": 5, "previous": hash_of(before)}
    entry_path(folder, 5).write_bytes(Entry(**fields).content)


def double(folder: Folder) -> None:
    move_up(folder)
    entry_path(folder, 5).write_bytes(entry_path(folder, 4).read_bytes())


def cut_the_tail(folder: Folder) -> None:
    for sequence in range(LAST - 3, LAST + 1):
        entry_path(folder, sequence).unlink()


def cut_all(folder: Folder) -> None:
    for path in (folder / RUN).iterdir():
        path.unlink()


def change_the_copy(folder: Folder) -> None:
    path = seal_path(folder)
    path.write_bytes(path.read_bytes().replace(b"accepted", b"excepted"))


def change_the_last_entry(folder: Folder) -> None:
    path = entry_path(folder, LAST)
    path.write_bytes(
        path.read_bytes().replace(b"torn down", b"accepted").replace(b"p-ada", b"p-bob")
    )


def change_both_seals(folder: Folder) -> None:
    for path in (entry_path(folder, LAST), seal_path(folder)):
        path.write_bytes(path.read_bytes().replace(b'"calls":5', b'"calls":4'))


def put_another_run_in(folder: Folder) -> None:
    path = entry_path(folder, 5)
    path.write_bytes(path.read_bytes().replace(b"ocean-20261129", b"ocean-20261128"))


def go_on_behind_the_seal(folder: Folder) -> None:
    last = entry_path(folder, LAST).read_bytes()
    fields = json.loads(last) | {"sequence": LAST + 1, "previous": hash_of(last), "kind": "step"}
    entry_path(folder, LAST + 1).write_bytes(Entry(**fields).content)


@pytest.mark.parametrize(
    ("tamper", "faults"),
    [
        (flip_a_byte, {(6, Fault.NOT_LINKED)}),
        (break_an_entry, {(5, Fault.UNREADABLE), (6, Fault.NOT_LINKED)}),
        (drop, {(5, Fault.MISSING), (6, Fault.NOT_LINKED)}),
        (
            swap,
            {
                (5, Fault.MISNUMBERED),
                (5, Fault.NOT_LINKED),
                (6, Fault.MISNUMBERED),
                (6, Fault.NOT_LINKED),
                (7, Fault.NOT_LINKED),
            },
        ),
        (insert, {(6, Fault.MISNUMBERED), (6, Fault.NOT_LINKED), (LAST, Fault.NO_SUCH_SEAL)}),
        (double, {(5, Fault.MISNUMBERED), (5, Fault.NOT_LINKED), (6, Fault.MISNUMBERED)}),
        (cut_the_tail, {(LAST, Fault.NO_SUCH_SEAL)}),
        (cut_all, {(LAST, Fault.NO_SUCH_SEAL)}),
        (change_the_copy, {(LAST, Fault.SEAL_DIFFERS)}),
        (change_the_last_entry, {(LAST, Fault.SEAL_DIFFERS)}),
        (change_both_seals, {(LAST, Fault.WRONG_SEAL)}),
        (put_another_run_in, {(5, Fault.OTHER_RUN), (6, Fault.NOT_LINKED)}),
        (go_on_behind_the_seal, {(LAST + 1, Fault.AFTER_SEAL)}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_tampering_is_found(
    place: RecordPlace,
    folder: Folder,
    tamper: Callable[[Folder], None],
    faults: set[tuple[int, Fault]],
) -> None:
    write_sealed(place)
    assert verify_run(place, RUN).findings == ()

    tamper(folder)

    found = {(each.sequence, each.fault) for each in verify_run(place, RUN).findings}
    assert found >= faults


@pytest.mark.parametrize("sequence", range(1, LAST + 1))
def test_each_changed_byte_is_found_wherever_it_stands(
    place: RecordPlace, folder: Folder, sequence: int
) -> None:
    write_sealed(place)
    path = entry_path(folder, sequence)
    content = path.read_bytes()

    missed = []
    for position in range(0, len(content), 37):
        path.write_bytes(
            content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :]
        )
        if not verify_run(place, RUN).findings:
            missed.append(position)

    assert missed == []


def test_an_intact_sealed_run_has_neither_faults_nor_gaps(place: RecordPlace) -> None:
    write_sealed(place)

    report = verify_run(place, RUN)
    assert (report.is_sealed, report.findings, report.gaps) == (True, (), ())
    assert report.count == LAST


def test_a_run_that_was_reopened_and_sealed_again_is_intact(place: RecordPlace) -> None:
    write_sealed(place)
    down = [runs.executing("Prefect flow Tear down"), runs.outcome(), runs.ended()]
    assert close_if_finished(write(place, down, execution="e-2"))

    report = verify_run(place, RUN)
    assert (report.findings, report.gaps, report.count) == ((), (), LAST + 5)


def test_a_removed_seal_of_before_is_found(place: RecordPlace, folder: Folder) -> None:
    write_sealed(place)
    write(place, [runs.executing()], execution="e-2")
    seal_path(folder).unlink()
    (folder / "_seals" / RUN / f"{LAST + 1:08}-open.json").unlink()

    found = [(each.sequence, each.fault) for each in verify_run(place, RUN).findings]
    assert found == [(LAST, Fault.SEAL_REMOVED), (LAST + 1, Fault.SEAL_REMOVED)]


def test_the_last_seal_without_a_copy_is_a_gap(place: RecordPlace, folder: Folder) -> None:
    write_sealed(place)
    seal_path(folder).unlink()

    report = verify_run(place, RUN)
    assert report.findings == ()
    assert [(each.sequence, each.fault) for each in report.gaps] == [(LAST, Gap.NO_COPY)]


def test_what_was_never_recorded_is_a_gap_once_the_run_is_sealed(place: RecordPlace) -> None:
    lost = runs.call("DeleteVolume", VolumeId="vol-1")[0]
    write(place, [runs.began(), runs.executing(), lost])
    assert verify_run(place, RUN).gaps == (), "the run may go on"

    down = [runs.executing("Prefect flow Tear down"), runs.outcome(""), runs.ended()]
    assert close_if_finished(write(place, down, execution="e-2"))

    gaps = verify_run(place, RUN).gaps
    assert [(each.sequence, each.fault) for each in gaps] == [(2, Gap.NO_END), (3, Gap.NO_ANSWER)]
    assert "Entry 3" in str(gaps[1])
    assert "DeleteVolume" in str(gaps[1])


def test_what_a_chain_alone_cannot_show_is_not_promised(place: RecordPlace, folder: Folder) -> None:
    write_sealed(place)
    cut_the_tail(folder)
    seal_path(folder).unlink()

    report = verify_run(place, RUN)
    assert (report.findings, report.is_sealed) == ((), False)
