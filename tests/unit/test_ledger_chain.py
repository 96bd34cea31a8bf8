"""The chain of entries: numbers, links, and writers who meet."""

import hashlib
import json
import threading
from pathlib import Path

import pytest

from notebake.errors import RunStoreError
from notebake.ledger.chain import Chain, RecordPlace, Writer
from notebake.ledger.entry import Entry
from notebake.store.directory import DirectoryStore
from tests.limits import HANG_SECONDS

RUN = "ocean-20261129-120000-1a2b"


@pytest.fixture
def place(tmp_path: Path) -> RecordPlace:
    return RecordPlace(DirectoryStore(tmp_path), "record/")


def open_chain(place: RecordPlace, who: str = "p-ada") -> Chain:
    return Chain(place, RUN, Writer(who=who, execution="e-1"))


def stored_bytes(place: RecordPlace) -> list[bytes]:
    keys = place.store.list(f"record/{RUN}/")
    return [stored.content for stored in place.store.read_all(keys)]


def assert_linked(contents: list[bytes]) -> None:
    """Check the links with nothing of ours: json and hashlib."""
    previous = ""
    for number, content in enumerate(contents, 1):
        entry = json.loads(content)
        assert (entry["sequence"], entry["previous"]) == (number, previous)
        previous = hashlib.sha256(content).hexdigest()


def test_each_entry_names_the_hash_of_the_stored_bytes_before(place: RecordPlace) -> None:
    chain = open_chain(place)
    for number in range(12):
        chain.append("step", {"step": f"number {number}", "seconds": number / 7})

    contents = stored_bytes(place)
    assert len(contents) == 12
    assert_linked(contents)


def test_an_entry_says_who_wrote_it_and_in_which_execution(place: RecordPlace) -> None:
    entry = open_chain(place).append("step", {"step": "launch"})

    assert (entry.run, entry.who, entry.execution, entry.kind) == (RUN, "p-ada", "e-1", "step")
    assert entry.time.endswith("Z")
    assert open_chain(place).entries() == [entry]


def test_another_process_continues_the_chain(place: RecordPlace) -> None:
    open_chain(place).append("step", {"step": "first"})
    open_chain(place, "p-bo").append("step", {"step": "second"})

    assert_linked(stored_bytes(place))
    assert [entry.who for entry in open_chain(place).entries()] == ["p-ada", "p-bo"]


def test_a_writer_whose_entry_is_refused_links_to_the_one_that_came_first(
    place: RecordPlace,
) -> None:
    ours, theirs = open_chain(place), open_chain(place, "p-bo")
    ours.append("step", {"step": "first"})
    theirs.append("step", {"step": "second"})

    ours.append("step", {"step": "third"})

    contents = stored_bytes(place)
    assert [json.loads(content)["body"]["step"] for content in contents] == [
        "first",
        "second",
        "third",
    ]
    assert_linked(contents)
    assert [entry.body["step"] for entry in ours.entries()] == ["first", "second", "third"]


def test_eight_contenders_lose_nothing(place: RecordPlace) -> None:
    def write(number: int) -> None:
        chain = open_chain(place, f"p-{number}")
        for each in range(10):
            chain.append("step", {"step": f"{number}-{each}"})

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(HANG_SECONDS)

    contents = stored_bytes(place)
    assert_linked(contents)
    steps = {json.loads(content)["body"]["step"] for content in contents}
    assert steps == {f"{number}-{each}" for number in range(8) for each in range(10)}


def test_threads_of_one_execution_share_a_chain(place: RecordPlace) -> None:
    chain = open_chain(place)

    def write(number: int) -> None:
        chain.append("step", {"step": str(number)})

    threads = [threading.Thread(target=write, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(HANG_SECONDS)

    contents = stored_bytes(place)
    assert len(contents) == 20
    assert_linked(contents)


def test_an_entry_that_cannot_be_read_stops_nobody_and_is_not_hidden(
    place: RecordPlace, caplog: pytest.LogCaptureFixture
) -> None:
    open_chain(place).append("step", {"step": "first"})
    place.store.write(f"record/{RUN}/00000001.json", b"not JSON")

    chain = open_chain(place)
    chain.append("step", {"step": "second"})

    second = json.loads(stored_bytes(place)[1])
    assert second["sequence"] == 2
    assert second["previous"] == hashlib.sha256(b"not JSON").hexdigest()
    assert "Entry 1 of the record" in caplog.text


def test_what_lies_beside_the_entries_is_none(place: RecordPlace) -> None:
    place.store.write(f"record/{RUN}/seal.json", b"{}")

    assert open_chain(place).append("step", {}).sequence == 1


def test_two_writers_of_the_same_entry_store_the_same_bytes() -> None:
    fields = {"run": RUN, "sequence": 1, "previous": "", "time": "t", "who": "", "execution": ""}
    first = Entry(kind="step", body={"b": 1, "a": [1.50, "é"]}, **fields)
    second = Entry(kind="step", body={"a": [1.5, "\u00e9"], "b": 1}, **fields)

    assert first.content == second.content
    # RFC 8785: sorted names, no spaces, shortest numbers, UTF-8.
    assert b'"body":{"a":[1.5,"\xc3\xa9"],"b":1}' in first.content


def test_a_store_that_fails_is_an_error_and_no_number_is_lost(
    place: RecordPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = open_chain(place)
    chain.append("step", {"step": "first"})
    with monkeypatch.context() as patch:

        def fail(_self: DirectoryStore, key: str, content: bytes) -> bool:
            raise RunStoreError(f"could not create {key} of {len(content)} bytes")

        patch.setattr(DirectoryStore, "create", fail)
        with pytest.raises(RunStoreError, match="00000002"):
            chain.append("step", {"step": "lost"})

    assert chain.append("step", {"step": "second"}).sequence == 2
    assert_linked(stored_bytes(place))
