"""Checkpoints over all runs of a record: made, stored in it, and remembered on this machine."""

import logging
import re
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from notebake import clock
from notebake.errors import NextCommand, NotebakeError, RunStoreError
from notebake.ledger.chain import RecordPlace
from notebake.ledger.checkpoint import (
    FIRST,
    Anchor,
    Checkpoint,
    Leaf,
    TreeHead,
    key_of,
    new_leaves,
    parse_note,
    tree_head,
)
from notebake.ledger.entry import CHECKPOINTS, KEY, SEAL_KEY, format_time, hash_of
from notebake.ledger.signed_note import NoteKey, parse_key, sign_note
from notebake.local.atomic_files import write_file
from notebake.local.home import HomeError, home
from notebake.record import digest_of
from notebake.runs.record_key import earlier_key, signing_key
from notebake.runs.run_record import record_place, recorded_chains, usual_place
from notebake.runs.seal_index import latest_seals

log = logging.getLogger(__name__)
CHECKPOINT_KEY = re.compile(CHECKPOINTS + r"/(?P<number>[0-9]{8})\.json")


def make_checkpoint(location: str, *, is_key_lost: bool = False) -> Checkpoint:
    """Sign the present heads of all runs, and store that; return the checkpoint.

    If the key was changed, the first checkpoint that the new one signs is signed by both, unless
    the old one is said to be lost.

    Raises:
        RunStoreError: the store failed, or an earlier checkpoint is damaged.
        NotebakeError: there is no record, or the key cannot be read.
    """
    place = record_place(location)
    while True:
        earlier = _read_earlier(place)
        leaves = [leaf for checkpoint in earlier for leaf in checkpoint.leaves]
        _check_memory(location, len(leaves))
        check_there_is_a_record(place)
        private = signing_key()
        origin = parse_note(earlier[-1].note).origin if earlier else new_origin()
        key = NoteKey(origin, private.public_key().public_bytes_raw())
        at = format_time(clock.now())
        heads = {leaf.run: leaf for leaf in find_heads(place, leaves, at)}
        added = new_leaves(heads, leaves, str(key), at)
        head = tree_head(origin, [*leaves, *added])
        note = sign_note(head.text, origin, private, *_key_before(key, leaves, is_lost=is_key_lost))
        checkpoint = Checkpoint(number=FIRST + len(earlier), leaves=added, note=note)
        if place.store.create(place.prefix + key_of(checkpoint.number), checkpoint.content):
            remember(head, location)
            return checkpoint


def check_there_is_a_record(place: RecordPlace) -> None:
    """Raise NotebakeError if there is nothing to seal: then no key is made or changed either."""
    if not recorded_chains(place):
        raise NotebakeError(
            f"{place.root} has no entry of any run, so there is nothing to seal.",
            "Name the run store: notebake --store PLACE history seal",
        )


def _check_memory(location: str, size: int) -> None:
    """Raise RunStoreError if a larger tree of these runs, or in their place, was seen here."""
    larger = {path: seen for path, seen in _seen_here(location).items() if seen.size > size}
    if larger:
        place = record_place(location)
        most = max(seen.size for seen in larger.values())
        raise RunStoreError(
            f"This machine has seen checkpoints with {most} leaves of the runs in {location}, and"
            f" only {size} are in {place.store.where(place.prefix + CHECKPOINTS)}: some were"
            " removed, an older copy was put back, or the record is looked for in another place"
            " than before. None was made.",
            "Put them back from a copy of the record. If the record was made anew on purpose,"
            f" delete {' and '.join(map(str, larger))}",
        ).with_next(NextCommand(("history", "verify"), "To see what else was changed"))


def _key_before(key: NoteKey, leaves: Sequence[Leaf], *, is_lost: bool) -> list[Ed25519PrivateKey]:
    """Return the key that signed before, if it is another one; none if it is said to be lost."""
    announced = [parse_key(leaf.key) for leaf in leaves if leaf.kind == "key"]
    if is_lost or not announced or announced[-1] == key:
        return []
    if found := earlier_key(announced[-1].fingerprint):
        return [found]
    raise NotebakeError(
        f"The record is signed by the key {announced[-1].fingerprint}, which is not here, so it"
        " cannot vouch for another one; no checkpoint was made.",
        "Put the key back where it was. If it is lost: notebake history seal --lost-key; from then"
        " on `history verify` says that the key has changed.",
    )


def new_origin() -> str:
    """Return a name for a record, which no other record has."""
    return f"notebake/record/{secrets.token_hex(8)}"


def read_all(place: RecordPlace) -> dict[int, bytes]:
    """Return the stored checkpoints by number, in their order."""
    return {
        int(found["number"]): content
        for key, content in place.read_below(CHECKPOINTS).items()
        if (found := CHECKPOINT_KEY.fullmatch(key))
    }


def _read_earlier(place: RecordPlace) -> list[Checkpoint]:
    """Return all checkpoints; raise RunStoreError if one of them is missing or cannot be read."""
    contents = read_all(place)
    earlier = []
    for number in range(FIRST, max(contents, default=FIRST - 1) + 1):
        if number not in contents:
            raise _damaged(place, number, "is missing, though there are later ones")
        try:
            checkpoint = Checkpoint.model_validate_json(contents[number])
            parse_note(checkpoint.note)
        except ValueError as error:
            reason = str(error).splitlines()[0]
            raise _damaged(place, number, f"cannot be read: {reason}") from error
        earlier.append(checkpoint)
    return earlier


def _damaged(place: RecordPlace, number: int, what: str) -> RunStoreError:
    return RunStoreError(
        f"Checkpoint {number} {what}. It is {place.store.where(place.prefix + key_of(number))}",
        "A checkpoint is never changed, and the next one has to contain it, so none was made. Put"
        " the file back from a copy of the record; on S3 an earlier version of it may be there.",
    ).with_next(NextCommand(("history", "verify"), "To see what else was changed"))


def find_heads(place: RecordPlace, known: list[Leaf], at: str) -> Iterator[Leaf]:
    """Yield the present head of each chain: of the runs, and of the logs.

    What an earlier leaf says of a sealed run is not read.
    """
    before = {leaf.run: leaf for leaf in known if leaf.is_sealed}
    sealed = {}
    for key in latest_seals(place):
        if found := SEAL_KEY.fullmatch(key):
            sealed[found["run"]] = (int(found["sequence"]), key)
    for run in sorted(recorded_chains(place)):
        count, key = sealed.get(run, (0, ""))
        leaf = before.get(run)
        if count and leaf and leaf.count == count:
            yield leaf
        elif count and (stored := place.store.read(place.prefix + key)):
            head = hash_of(stored.content)
            yield Leaf(run=run, count=count, head=head, is_sealed=True, at=at)
        else:
            yield from _head_of_chain(place, run, at)


def _head_of_chain(place: RecordPlace, run: str, at: str) -> Iterator[Leaf]:
    keys = [key.removeprefix(place.prefix) for key in place.store.list(f"{place.prefix}{run}/")]
    entries = [found for key in keys if (found := KEY.fullmatch(key))]
    stored = place.store.read(place.prefix + entries[-1][0]) if entries else None
    if stored:
        count = int(entries[-1]["sequence"])
        yield Leaf(run=run, count=count, head=hash_of(stored.content), at=at)


def remember(head: TreeHead, location: str) -> None:
    """Remember on this machine the largest tree that was seen: by record, place and run store."""
    for path in (_memory(head.origin), *_memories_of(location)):
        earlier = _recall(path)
        if earlier is None or earlier.size <= head.size:
            try:
                write_file(path, head.model_dump_json().encode())
            except (OSError, HomeError) as error:
                log.warning("The checkpoint could not be remembered on this machine: %s", error)


def recall(origin: str) -> TreeHead | None:
    """Return the largest tree of a record that this machine has seen, wherever that lay.

    Raises:
        NotebakeError: what was remembered cannot be read.
    """
    return _recall(_memory(origin))


def recall_here(location: str) -> set[Anchor]:
    """Return the largest trees that were seen here of a run store, and in its record's place.

    They differ if the record is looked for in another place than before. Raises as `recall` does.
    """
    return {seen.anchor for seen in _seen_here(location).values()}


def _seen_here(location: str) -> dict[Path, TreeHead]:
    """Return what is remembered of a run store and of its record's place, by the files."""
    return {path: seen for path in _memories_of(location) if (seen := _recall(path))}


def _recall(path: Path) -> TreeHead | None:
    try:
        return TreeHead.model_validate_json(path.read_bytes()) if path.exists() else None
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise NotebakeError(
            f"{path} should say which checkpoint this machine has seen last; it says {reason}.",
            "Delete it, and compare the record with an anchor that was kept elsewhere:"
            " notebake history verify --anchor SIZE:ROOT",
        ) from error


def _memory(origin: str) -> Path:
    return home() / "checkpoints" / f"{digest_of(origin)}.json"


def _memories_of(location: str) -> list[Path]:
    """Return the file of the record's place, and that of the run store if it is another one."""
    places = (record_place(location), usual_place(location))
    digests = [digest_of("place", place.store.location, place.prefix) for place in places]
    return [home() / "checkpoints" / f"{digest}.json" for digest in dict.fromkeys(digests)]
