"""Verifies a record of notebake without notebake: this file, Python 3.11 and `cryptography`.

    python verify_record.py RECORD [--anchor SIZE:ROOT] [--key FINGERPRINT]

RECORD is the folder `record` of a run store, or a copy of it. It was written to be read: each check
is a few lines, and the formats are those that docs/record.md names. Exit code 0: nothing was found
to be changed; 3: something was; 2: this is no record.
"""

import argparse
import base64
import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

SEALS, CHECKPOINTS = "_seals", "_checkpoints"
LOGS = ("people-log", "pointer-log", "approval-log")
Leaf = dict[str, Any]


def canonical(value: object) -> bytes:
    """Return RFC 8785's bytes of a value; leaves have no numbers but small integers."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def sha256(content: bytes) -> str:
    """Return the SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def numbered(folder: Path) -> dict[int, bytes]:
    """Return the files 00000001.json and so on of a folder, by number."""
    return {
        int(path.stem): path.read_bytes()
        for path in sorted(folder.glob("*.json"))
        if path.stem.isdecimal()
    }


def check_chain(run: str, entries: dict[int, bytes]) -> Iterator[str]:
    """Check the numbers of a run's entries, and that each names the hash of the one before."""
    previous = ""
    for number in range(1, max(entries) + 1):
        content = entries.get(number)
        if content is None:
            yield f"{run}: entry {number} is missing"
            continue
        try:
            entry = json.loads(content)
            told = (entry["run"], entry["sequence"], entry["previous"])
        except (ValueError, KeyError, TypeError):
            yield f"{run}: entry {number} cannot be read"
        else:
            if told != (run, number, previous):
                yield f"{run}: entry {number} is not linked to the entries before it"
        previous = sha256(content)


def check_seals(record: Path, run: str, entries: dict[int, bytes]) -> Iterator[str]:
    """Check that each copy of a seal is the entry of that number."""
    for number, content in numbered(record / SEALS / run).items():
        if entries.get(number) != content:
            yield f"{run}: the copy of seal {number} differs from the entry"


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
        signature = base64.b64decode(line.rpartition(" ")[2])
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(signature[4:], f"{text}\n".encode())
        except InvalidSignature:
            continue
        return True
    return False


def check_checkpoints(
    record: Path, runs: dict[str, dict[int, bytes]], anchors: list[str], expected_key: str
) -> Iterator[str]:
    """Check the signatures, the tree, and each run that the tree lists; print the last anchor."""
    leaves: list[Leaf] = []
    key, vouching = b"", set[bytes]()
    checkpoints = numbered(record / CHECKPOINTS)
    for number in range(1, max(checkpoints, default=0) + 1):
        if number not in checkpoints:
            yield f"checkpoint {number} is missing"
            continue
        checkpoint = json.loads(checkpoints[number])
        before = key
        for leaf in checkpoint["leaves"]:
            leaves.append(leaf)
            key = public_key(leaf) if leaf["kind"] == "key" else key
        note = checkpoint["note"]
        if ":".join(note.split("\n")[1:3]) != anchor_of(leaves):
            yield f"checkpoint {number} is not the tree of what it lists"
        is_vouched_for = before in (b"", key) or is_signed(note, before)
        if not is_signed(note, key) or not is_vouched_for:
            yield f"checkpoint {number} is not signed by the key that was announced"
        vouching = {key, *(vouching if is_vouched_for else ())}
    if expected_key and expected_key not in map(sha256, vouching):
        yield f"the record is signed by the key {sha256(key)}"
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
    say(f"Checkpoints: {len(checkpoints)}, anchor {anchor_of(leaves)}, key {sha256(key)}")


def say(text: str) -> None:
    """Print a line."""
    sys.stdout.write(f"{text}\n")


def main() -> int:
    """Check everything, and print what was found."""
    parser = argparse.ArgumentParser(description="Verify a record of notebake without notebake.")
    parser.add_argument("record", type=Path, help="the folder `record` of a run store")
    parser.add_argument("--anchor", action="append", default=[], help="SIZE:ROOT, kept elsewhere")
    parser.add_argument(
        "--key", default="", help="the fingerprint of the key that must have signed"
    )
    given = parser.parse_args()
    if not given.record.is_dir():
        parser.error(f"{given.record} is no folder")
    folders = [path for path in sorted(given.record.iterdir()) if path.is_dir()]
    runs = {path.name: numbered(path) for path in folders if not path.name.startswith("_")}
    findings = []
    for run, entries in runs.items():
        findings += [*check_chain(run, entries), *check_seals(given.record, run, entries)]
    findings += check_checkpoints(given.record, runs, given.anchor, given.key)
    for finding in findings:
        say(f"CHANGED  {finding}")
    count = sum(map(len, runs.values()))
    # The erasures of people, and the pointers to current images, have a chain as well.
    of_runs = runs.keys() - {*LOGS}
    say(f"Runs: {len(of_runs)}, entries: {count}; {len(findings) or 'nothing'} found to be changed")
    return 3 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
