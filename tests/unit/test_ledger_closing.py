"""How a run is sealed and reopened, whenever a process is killed or another one writes."""

import json
from pathlib import Path
from typing import Any

import pytest

from notebake.ledger import kinds
from notebake.ledger.chain import Chain, RecordPlace, Writer
from notebake.ledger.chain_report import Gap
from notebake.ledger.closing import close_if_finished
from notebake.ledger.verify import verify_run
from notebake.store.directory import DirectoryStore
from tests import recorded_runs as runs
from tests.recorded_runs import RUN, bake, write, write_sealed

LAST = len(bake()) + 1
SEAL = f"record/_seals/{RUN}/{LAST:08}.json"
MARK = f"record/_seals/{RUN}/{LAST + 1:08}-open.json"


class Killed(BaseException):
    """The process is killed."""


class KillingStore(DirectoryStore):
    """A store that kills its process before or after a write."""

    def __init__(self, root: Path, count: int, *, is_after: bool) -> None:
        super().__init__(root)
        self.left, self.is_after = count, is_after

    def create(self, key: str, content: bytes) -> bool:
        self.left -= 1
        if self.left == 0 and not self.is_after:
            raise Killed
        created = super().create(key, content)
        if self.left == 0:
            raise Killed
        return created


@pytest.fixture
def place(tmp_path: Path) -> RecordPlace:
    return RecordPlace(DirectoryStore(tmp_path), "record/")


def kinds_of(place: RecordPlace) -> list[str]:
    return [entry.kind for entry in Chain(place, RUN, Writer()).entries()]


def test_a_seal_ends_the_chain_and_its_copy_has_the_same_bytes(place: RecordPlace) -> None:
    write_sealed(place)

    entry = place.store.read(place.key(RUN, LAST))
    copy = place.store.read(SEAL)
    assert entry
    assert copy
    assert entry.content == copy.content
    body = json.loads(entry.content)["body"]
    assert (body["count"], body["summary"]["result"]) == (LAST - 1, "accepted")
    assert body["head"] == json.loads(entry.content)["previous"]


@pytest.mark.parametrize(
    "happened",
    [
        [],
        bake()[:-1],
        [*bake()[:-2], runs.ended()],
        [*bake(), runs.step("late")],
        [*bake()[:-1], *runs.call("RunInstances", "i-1", name="x"), runs.ended()],
    ],
    ids=["empty", "not ended", "no outcome", "goes on", "creates something"],
)
def test_a_run_that_is_not_finished_is_not_sealed(
    place: RecordPlace, happened: list[runs.Happened]
) -> None:
    assert close_if_finished(write(place, happened)) is None

    assert place.store.list("record/_seals/") == []


def test_who_did_not_finish_a_run_does_not_seal_it(place: RecordPlace) -> None:
    write(place, bake())

    assert close_if_finished(Chain(place, RUN, Writer(execution="e-2"))) is None


def test_an_entry_of_another_writer_prevents_the_seal(place: RecordPlace) -> None:
    ours = write(place, bake())
    assert ours.entries()
    write(place, [runs.executing("sweep")], execution="e-2")

    assert close_if_finished(ours) is None
    assert kinds_of(place)[-1] == kinds.EXECUTING


def test_whatever_follows_a_seal_reopens_the_run_before(place: RecordPlace) -> None:
    write_sealed(place)

    write(place, [runs.executing("Prefect flow Build an image"), runs.step("a")], execution="e-2")

    assert kinds_of(place)[-4:] == ["sealed", "reopened", "executing", "step"]
    assert place.store.list("record/_seals/") == sorted([SEAL, MARK])


def test_two_that_reopen_a_run_reopen_it_once(place: RecordPlace) -> None:
    write_sealed(place)
    first, second = (Chain(place, RUN, Writer(execution=f"e-{number}")) for number in (2, 3))
    assert len(first.entries()) == len(second.entries())

    first.append(*runs.executing())
    second.append(*runs.executing())

    assert kinds_of(place).count("reopened") == 1
    assert verify_run(place, RUN).findings == ()


def reopen_and_seal_again(place: RecordPlace, execution: str) -> None:
    again = [runs.executing("Prefect flow Tear down"), runs.outcome(), runs.ended()]
    chain = write(place, again, execution=execution)
    assert close_if_finished(chain)


@pytest.mark.parametrize("is_after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("count", range(1, 9))
def test_a_kill_at_any_write_leaves_a_record_that_can_be_continued(
    tmp_path: Path, place: RecordPlace, count: int, is_after: bool
) -> None:
    write_sealed(place)
    killing = KillingStore(tmp_path, count, is_after=is_after)
    was_killed = False
    try:
        reopen_and_seal_again(RecordPlace(killing, "record/"), "e-2")
    except Killed:
        was_killed = True

    assert was_killed == (count <= 8)
    halfway = verify_run(place, RUN)
    assert halfway.findings == ()
    assert {gap.fault for gap in halfway.gaps} <= {Gap.NO_COPY}

    reopen_and_seal_again(place, "e-3")
    finally_found = verify_run(place, RUN)
    assert finally_found.findings == ()
    assert {gap.fault for gap in finally_found.gaps} <= {Gap.NO_END}
    assert finally_found.is_sealed


@pytest.mark.parametrize("count", [1, 2, 3])
def test_who_lists_the_seals_knows_that_a_run_is_open_before_it_has_an_entry(
    tmp_path: Path, place: RecordPlace, count: int
) -> None:
    write_sealed(place)
    killing = KillingStore(tmp_path, count, is_after=False)
    with pytest.raises(Killed):
        write(RecordPlace(killing, "record/"), [runs.executing()], execution="e-2")

    has_more = kinds_of(place)[-1] != "sealed"
    is_marked = MARK in place.store.list("record/_seals/")
    assert is_marked or not has_more


def test_nothing_is_written_that_the_seal_does_not_count(place: RecordPlace) -> None:
    chain = write(place, bake())
    counted: list[Any] = []

    def summary(entries: Any) -> dict[str, Any] | None:
        if not counted:
            counted.append(len(entries))
            write(place, [runs.step("of another")], execution="e-2")
            return {}
        counted.append(len(entries))
        return None

    assert chain.close(summary) is None
    assert counted == [LAST - 1, LAST]
