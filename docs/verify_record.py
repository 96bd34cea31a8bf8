"""Verifies a record of notebake without notebake: this file, Python 3.11 and `cryptography`.

    python verify_record.py RECORD [--anchor SIZE:ROOT] [--key FINGERPRINT]

RECORD is the folder `record` of a run store, or a copy of it. It was written to be read: each check
is a few lines, and the formats are those that docs/record.md names.

Exit code 0: nothing was found to be changed; 3: something was; 4: a last seal lacks its copy, as
after a kill; 2: this is no record.
"""

import argparse
import base64
import hashlib
import json
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

SEALS, CHECKPOINTS = "_seals", "_checkpoints"
LOGS = ("people-log", "pointer-log", "prune-log", "approval-log")
NOT_READABLE = (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError)
"""What Python says of content that is not as this file expects it."""
Leaf = dict[str, Any]
Entries = dict[int, bytes]


def canonical(value: object) -> bytes:
    """Return RFC 8785's bytes of a value; leaves have no numbers but small integers."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def sha256(content: bytes) -> str:
    """Return the SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def numbered(folder: Path) -> Entries:
    """Return the files 00000001.json and so on of a folder, by number."""
    return {
        int(path.stem): path.read_bytes()
        for path in sorted(folder.glob("*.json"))
        if re.fullmatch("[0-9]{8}", path.stem)
    }


def check_chain(run: str, entries: Entries) -> Iterator[str]:
    """Check the numbers of a run's entries, and that each names the hash of the one before."""
    previous = ""
    for number in range(1, max(entries, default=0) + 1):
        content = entries.get(number)
        if content is None:
            yield f"{run}: entry {number} is missing"
            continue
        try:
            entry = json.loads(content)
            told = (entry["run"], entry["sequence"], entry["previous"])
        except NOT_READABLE:
            yield f"{run}: entry {number} cannot be read"
        else:
            if told != (run, number, previous):
                yield f"{run}: entry {number} is not linked to the entries before it"
        previous = sha256(content)


def kinds_of(entries: Entries) -> dict[int, str]:
    """Return what kind of entry each is, of those that can be read."""
    kinds = {}
    for number, content in entries.items():
        with suppress(*NOT_READABLE):
            kinds[number] = str(json.loads(content)["kind"])
    return kinds


def check_seals(record: Path, run: str, entries: Entries) -> Iterator[str]:
    """Check that the seals and their copies are the same, and that only a reopening follows one.

    The last seal may lack its copy: see `lacks_last_copy`.
    """
    copies, kinds = numbered(record / SEALS / run), kinds_of(entries)
    for number, content in copies.items():
        if entries.get(number) != content or kinds.get(number) != "sealed":
            yield f"{run}: the copy of seal {number} differs from the entry"
    for number, kind in kinds.items():
        before = kinds.get(number - 1, "")
        if kind == "sealed" and not is_right_seal(number, entries[number]):
            yield f"{run}: seal {number} does not fit the entries before it"
        if kind == "sealed" and number not in copies and number != max(entries):
            yield f"{run}: seal {number} has no copy"
        if before == "sealed" and kind != "reopened":
            yield f"{run}: entry {number} follows a seal"
        if kind == "reopened" and before not in ("", "sealed"):
            yield f"{run}: entry {number} reopens a run that was not sealed"
        if kind == "reopened" and not (record / SEALS / run / f"{number:08}-open.json").is_file():
            yield f"{run}: entry {number} is not marked as open beside the copies of the seals"


def is_right_seal(number: int, content: bytes) -> bool:
    """Return whether a seal counts the entries before it, and names the hash of the last one."""
    entry = json.loads(content)
    body = entry.get("body")
    told = (body.get("count"), body.get("head")) if isinstance(body, dict) else ()
    return told == (number - 1, entry.get("previous"))


def lacks_last_copy(record: Path, run: str, entries: Entries) -> bool:
    """Return whether the last entry is a seal without a copy, as a killed process leaves it."""
    last = max(entries, default=0)
    is_sealed = kinds_of({last: entries.get(last, b"")}).get(last) == "sealed"
    return is_sealed and last not in numbered(record / SEALS / run)


def root_of(leaves: list[bytes]) -> bytes:
    """Return the Merkle tree hash of RFC 6962, section 2.1."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + root_of(leaves[:half]) + root_of(leaves[half:])).digest()


def anchor_of(leaves: list[Leaf]) -> str:
    """Return the size and the root of the tree, as `notebake history seal` prints them."""
    root = base64.b64encode(root_of([canonical(leaf) for leaf in leaves])).decode()
    return f"{len(leaves)}:{root}"


def public_key(leaf: Leaf) -> bytes:
    """Return the 32 bytes of the key that a leaf announces."""
    return base64.b64decode(leaf["key"].split("+", 2)[2])[1:]


def is_signed(note: str, key: bytes) -> bool:
    """Return whether a signed note (C2SP) carries a valid signature of an Ed25519 key."""
    text, _, signatures = note.rpartition("\n\n")
    for line in signatures.splitlines():
        try:
            signature = base64.b64decode(line.rpartition(" ")[2], validate=True)
            Ed25519PublicKey.from_public_bytes(key).verify(signature[4:], f"{text}\n".encode())
        except (InvalidSignature, ValueError):
            continue
        return True
    return False


def read_checkpoint(content: bytes) -> tuple[object, list[Leaf], str]:
    """Return the number, the leaves and the note of a checkpoint.

    Raises one of NOT_READABLE: it has not what a checkpoint has.
    """
    checkpoint = json.loads(content)
    leaves, note = checkpoint["leaves"], checkpoint["note"]
    for leaf in leaves:
        texts = (leaf["kind"], leaf["run"], leaf["head"], note)
        if not all(isinstance(text, str) for text in texts) or not isinstance(leaf["count"], int):
            raise TypeError(leaf)
        if leaf["kind"] == "key":
            Ed25519PublicKey.from_public_bytes(public_key(leaf))
        canonical(leaf)
    return checkpoint.get("number"), leaves, note.encode().decode()


def check_checkpoints(
    record: Path, runs: dict[str, Entries], anchors: list[str], expected_key: str
) -> Iterator[str]:
    """Check the signatures, the tree, and each run that the tree lists; print the last anchor."""
    leaves: list[Leaf] = []
    key, vouching = b"", set[bytes]()
    checkpoints = numbered(record / CHECKPOINTS)
    for number in range(1, max(checkpoints, default=0) + 1):
        if number not in checkpoints:
            yield f"checkpoint {number} is missing"
            continue
        try:
            named, added, note = read_checkpoint(checkpoints[number])
        except NOT_READABLE:
            yield f"checkpoint {number} cannot be read"
            continue
        if named != number:
            yield f"checkpoint {number} has the number of another one"
        before = key
        for leaf in added:
            leaves.append(leaf)
            key = public_key(leaf) if leaf["kind"] == "key" else key
        if ":".join(note.split("\n")[1:3]) != anchor_of(leaves):
            yield f"checkpoint {number} is not the tree of what it lists"
        is_vouched_for = before in (b"", key) or is_signed(note, before)
        if not is_signed(note, key) or not is_vouched_for:
            yield f"checkpoint {number} is not signed by the key that was announced"
        vouching = {key, *(vouching if is_vouched_for else ())}
    shown_key = sha256(key) if key else "-"
    if expected_key and expected_key not in map(sha256, vouching):
        yield f"the record is signed by the key {shown_key}"
    for leaf in leaves:
        entries = runs.get(leaf["run"], {})
        if leaf["kind"] == "run" and not entries:
            yield f"{leaf['run']}: the run was removed"
        elif leaf["kind"] == "run" and sha256(entries.get(leaf["count"], b"")) != leaf["head"]:
            yield f"{leaf['run']}: entry {leaf['count']} is not the one that was signed"
    for anchor in anchors:
        size = int(anchor.partition(":")[0])
        if size > len(leaves) or anchor_of(leaves[:size]) != anchor:
            yield f"the record is not the one, or not a later one, of the anchor {anchor}"
    say(f"Checkpoints: {len(checkpoints)}, anchor {anchor_of(leaves)}, key {shown_key}")


def say(text: str) -> None:
    """Print a line."""
    sys.stdout.write(f"{text}\n")


def anchor(text: str) -> str:
    """Return an anchor from the command line."""
    size, separator, root = text.partition(":")
    if not (re.fullmatch("[0-9]+", size) and separator and root):
        raise argparse.ArgumentTypeError(f"not SIZE:ROOT: {text}")
    return text


def main() -> int:
    """Check everything, and print what was found."""
    parser = argparse.ArgumentParser(description="Verify a record of notebake without notebake.")
    parser.add_argument("record", type=Path, help="the folder `record` of a run store")
    parser.add_argument(
        "--anchor", action="append", default=[], type=anchor, help="SIZE:ROOT, kept elsewhere"
    )
    parser.add_argument(
        "--key", default="", help="the fingerprint of the key that must have signed"
    )
    given = parser.parse_args()
    if not given.record.is_dir():
        parser.error(f"{given.record} is no folder")
    # A run that was removed may have left the copies of its seals.
    folders = [path for path in (*given.record.iterdir(), *given.record.glob(f"{SEALS}/*"))]
    names = {path.name for path in folders if path.is_dir() and path.name[0] not in "._"}
    runs = {name: numbered(given.record / name) for name in sorted(names)}
    findings = []
    for run, entries in runs.items():
        findings += [*check_chain(run, entries), *check_seals(given.record, run, entries)]
    findings += check_checkpoints(given.record, runs, given.anchor, given.key.lower())
    count = sum(map(len, runs.values()))
    if not (findings or count or numbered(given.record / CHECKPOINTS)):
        parser.error(f"{given.record} has no entry of any run, and no checkpoint: no record")
    for finding in findings:
        say(f"CHANGED  {finding}")
    incomplete = [run for run in runs if lacks_last_copy(given.record, run, runs[run])]
    for run in incomplete:
        say(f"INCOMPLETE  {run}: the last seal has no copy")
    # The erasures of people, and the pointers to current images, have a chain as well.
    of_runs = {run for run, entries in runs.items() if entries} - {*LOGS}
    say(f"Runs: {len(of_runs)}, entries: {count}; {len(findings) or 'nothing'} found to be changed")
    if findings:
        return 3
    return 4 if incomplete else 0


if __name__ == "__main__":
    sys.exit(main())
