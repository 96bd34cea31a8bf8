"""What runs have created, by their seals: always what reading each of the runs would say."""

import gzip
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random
from threading import Barrier, Thread

import pytest

from notebake.aws.model import Account
from notebake.errors import RunStoreError
from notebake.ledger.entry import SEALS
from notebake.local.home import home
from notebake.runs.history import list_rows
from notebake.runs.open_store import open_store
from notebake.runs.sealed_claims import CLAIMS, read_claims, share_rows
from notebake.runs.shared_rows import SharedRows
from notebake.runs.summaries import UNREADABLE, RunSummary, summarize_runs
from notebake.store.directory import DirectoryStore
from tests.draw import fix_seed
from tests.sealed_store import (
    as_remote,
    begin,
    claims_in,
    execute,
    finish,
    finish_as_before,
    happened,
)

MOVES = 25
RUNS = ("ocean-1", "ocean-2", "ocean-3", "tide-4", "tide-5")
FOLDER = f"summaries/{CLAIMS.name}-{CLAIMS.format}"


@pytest.fixture
def location(tmp_path: Path) -> str:
    return str(tmp_path / "runs")


@pytest.fixture
def store(location: str) -> DirectoryStore:
    """A store with sealed runs."""
    for run_id in RUNS:
        begin(location, run_id)
        finish(location, run_id, seeded(run_id), execution="e-1")
    found = open_store(location)
    assert isinstance(found, DirectoryStore)
    return found


def seeded(seed: str) -> Random:
    """Return what draws the same again for the same seed."""
    return Random(seed)  # noqa: S311 - not a secret


def forget() -> None:
    """Let this machine know no rows, as another one."""
    shutil.rmtree(home() / "cache", ignore_errors=True)


def check(location: str) -> None:
    """Compare what the index says with what each run says that is read."""
    wanted = claims_in({**summarize_runs(open_store(location))})
    assert claims_in(read_claims(location)) == wanted


def do_something(location: str, draw: Random, number: int, runs: list[str]) -> None:
    """Do one thing that may happen to a store with these runs, drawn at random.

    The id of a run whose record was removed is not used again: another run takes its place.
    """
    place, execution = draw.randrange(len(runs)), f"e-{number}"
    run_id = runs[place]
    folder = Path(location, run_id)
    if not folder.exists():
        account = draw.choice((None, Account(id="210987654321", partition="aws")))
        begin(location, run_id, account)
    what = draw.choice(("finish", "finish", "before", "go on", "go on", "remove", "forget", "tear"))
    if what == "finish":
        finish(location, run_id, draw, execution=execution)
    elif what == "before":
        finish_as_before(location, run_id, draw, execution=execution)
    elif what == "go on":
        execute(location, run_id, happened(draw, number), execution=execution)
    elif what == "remove":
        shutil.rmtree(folder)
        if draw.random() < 0.5:
            shutil.rmtree(Path(location, "record", run_id), ignore_errors=True)
            shutil.rmtree(Path(location, "record", SEALS, run_id), ignore_errors=True)
            runs[place] = f"{run_id.partition('-')[0]}-{10 + number}"
    elif what == "forget":
        forget()
    for path in Path(location).glob("summaries/*/*") if what == "tear" else ():
        path.write_bytes(path.read_bytes()[: draw.randrange(60)])


@pytest.mark.parametrize("is_remote", [False, True], ids=["directory", "remote"])
@pytest.mark.parametrize("number", range(4))
def test_drawn_histories_give_what_reading_all_runs_gives(
    location: str, monkeypatch: pytest.MonkeyPatch, number: int, is_remote: bool
) -> None:
    if is_remote:
        as_remote(monkeypatch)
    draw = seeded(f"{fix_seed()} {number} {is_remote}")
    runs = [*RUNS]

    for move in range(MOVES):
        do_something(location, draw, move, runs)
        check(location)

    forget()
    check(location)


def test_a_run_of_before_the_ledger_is_read_whole(location: str, store: DirectoryStore) -> None:
    begin(location, "old-1")
    key = "old-1/attempts/builder-1/0001"
    earlier = {"key": key, "at": 1.0, "sent_until": 2.0, "detail": {}, "made": ["i-0a", "i-0b"]}
    store.write(f"{key}.json", json.dumps(earlier | {"state": "made"}).encode())
    began = ("began", {"digest": "d", "recipe": {"name": "ocean"}, "is_continued": True})
    execute(location, "old-1", [began], execution="e-1")
    finish(location, "old-1", seeded("1"), execution="e-1")

    for _ in range(2):
        assert read_claims(location)["old-1"].made_ids >= {"i-0a", "i-0b"}
        check(location)


def test_a_sealed_run_that_cannot_be_read_says_so_each_time(
    location: str, store: DirectoryStore
) -> None:
    store.write("ocean-2/account.json", b"not JSON")

    for _ in range(2):
        found = read_claims(location)["ocean-2"]
        assert isinstance(found, RunSummary)
        assert found.holder == UNREADABLE


def test_a_run_without_an_account_is_read_again_as_it_may_get_one(
    location: str, store: DirectoryStore
) -> None:
    store.delete("ocean-2/account.json")
    assert read_claims(location)["ocean-2"].account is None
    account = Account(id="210987654321", partition="aws")

    store.write("ocean-2/account.json", account.model_dump_json().encode())

    assert read_claims(location)["ocean-2"].account == account


def other_fields(content: bytes) -> bytes:
    """Return rows as another version may write them without another number."""
    text = gzip.decompress(content).decode().replace('"made_ids"', '"made"')
    return gzip.compress(text.encode())


@pytest.mark.parametrize(
    "damage",
    [
        lambda _content: b"",
        lambda content: content[: len(content) // 2],
        lambda content: content[:-1],
        lambda content: content[:20] + bytes(5) + content[25:],
        lambda _content: b"not compressed",
        lambda _content: gzip.compress(b"no row\n\xff"),
        other_fields,
    ],
    ids=["empty", "half", "cut", "changed", "other", "no text", "fields"],
)
def test_damaged_shared_rows_change_nothing_and_are_made_again(
    location: str,
    store: DirectoryStore,
    monkeypatch: pytest.MonkeyPatch,
    damage: Callable[[bytes], bytes],
) -> None:
    as_remote(monkeypatch)
    share_rows(location)
    (key,) = store.list(f"{FOLDER}/")
    stored = store.read(key)
    assert stored
    store.write(key, damage(stored.content))
    forget()

    check(location)
    forget()
    reads = watch_reads(monkeypatch)
    check_names = set(read_claims(location))

    assert check_names == set(RUNS)
    assert [key for key in reads if SEALS in key] == [], "others read the rows that were made again"


def watch_reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list of the keys that are read from now on."""
    reads: list[str] = []
    to_store = DirectoryStore.read

    def watch(store: DirectoryStore, key: str) -> object:
        reads.append(key)
        return to_store(store, key)

    monkeypatch.setattr(DirectoryStore, "read", watch)
    return reads


@pytest.mark.usefixtures("store")
def test_another_machine_reads_the_shared_rows_alone(
    location: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_remote(monkeypatch)
    share_rows(location)
    forget()
    reads = watch_reads(monkeypatch)

    read_claims(location)
    rows, _ = list_rows(location)

    assert len(rows) == len(RUNS)
    read = [key for key in reads if key.startswith(RUNS) or key.startswith("record/")]
    assert read in ([], ["record/place"])


@pytest.mark.usefixtures("store")
def test_who_may_read_the_record_alone_has_the_same_answer(
    location: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_remote(monkeypatch)
    share_rows(location)
    forget()
    to_store = DirectoryStore.read

    def refuse(store: DirectoryStore, key: str) -> object:
        if key.startswith("summaries/"):
            raise RunStoreError(f"AccessDenied: {key}")
        return to_store(store, key)

    monkeypatch.setattr(DirectoryStore, "read", refuse)

    check(location)


@pytest.mark.usefixtures("store")
def test_who_may_only_read_has_the_same_answer(
    location: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_remote(monkeypatch)

    def refuse(_store: DirectoryStore, key: str, *_: object, **__: object) -> bool:
        raise RunStoreError(f"AccessDenied: {key}")

    for verb in ("create", "replace", "write"):
        monkeypatch.setattr(DirectoryStore, verb, refuse)

    check(location)


def test_whoever_is_killed_at_a_write_leaves_nothing_that_misleads(
    location: str, store: DirectoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_remote(monkeypatch)
    to_store, killed = {verb: getattr(DirectoryStore, verb) for verb in ("create", "replace")}, 0
    monkeypatch.setattr("notebake.runs.seal_index.ROWS_IN_OBJECT", 2)
    monkeypatch.setattr("notebake.runs.shared_rows.ROWS_IN_OBJECT", 3)
    for moment in range(20):
        waiting = iter(range(moment))

        def write(store: DirectoryStore, key: str, *given: object, **named: object) -> object:
            verb = "replace" if "version" in named else "create"
            before = next(waiting, None)  # noqa: B023 - it is called within its turn
            if before is None and os.urandom(1)[0] % 2:
                to_store[verb](store, key, *given, **named)
            if before is None:
                raise KeyboardInterrupt
            return to_store[verb](store, key, *given, **named)

        for verb in to_store:
            monkeypatch.setattr(DirectoryStore, verb, write)
        for key in store.list("summaries/"):
            store.delete(key)
        forget()
        try:
            read_claims(location)
            share_rows(location)
        except KeyboardInterrupt:
            killed += 1
        else:
            break
        for verb, kept in to_store.items():
            monkeypatch.setattr(DirectoryStore, verb, kept)
        forget()
        check(location)

    assert killed > 2


def test_two_machines_that_share_rows_at_once_leave_whole_objects(
    store: DirectoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_remote(monkeypatch)
    monkeypatch.setattr("notebake.runs.shared_rows.ROWS_IN_OBJECT", 7)
    barrier, turns = Barrier(4), 6

    def share(number: int) -> None:
        for turn in range(turns):
            barrier.wait()
            rows = {f"{SEALS}/r-{number}-{turn}-{each}": f'"{each}"' for each in range(3)}
            SharedRows(store, "claims", 0).add(rows)

    threads = [Thread(target=share, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    keys, found = store.list("summaries/claims-0/"), SharedRows(store, "claims", 0).read()
    assert [key[-7:] for key in keys] == [f"{n:04}.gz" for n in range(1, len(keys) + 1)]
    assert turns * 3 <= len(found) <= 4 * turns * 3
    assert all(row == f'"{seal[-1]}"' for seal, row in found.items())
