"""Checkpoints and their signed notes."""

import base64
import hashlib
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from notebake.ledger.checkpoint import (
    Checkpoint,
    Leaf,
    new_leaves,
    parse_note,
    tree_head,
)
from notebake.ledger.signed_note import NoteKey, is_signed_by, sign_note, text_of_note

NAME = "notebake/record/1a2b"
AT = "2026-11-29T15:00:00.000000Z"
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = NoteKey(NAME, PRIVATE.public_key().public_bytes_raw())


def head(run: str, count: int, digit: str = "a") -> Leaf:
    return Leaf(run=run, count=count, head=digit * 64, at=AT)


def test_a_note_is_as_the_specification_of_signed_notes_says() -> None:
    note = sign_note("first\nsecond\n", NAME, PRIVATE)

    text, signatures = note.split("\n\n")
    assert text == "first\nsecond"
    dash, name, signature = signatures.strip().split(" ")
    raw = base64.b64decode(signature)
    assert (dash, name) == ("\N{EM DASH}", NAME)
    key_id = hashlib.sha256(NAME.encode() + b"\n\x01" + KEY.public).digest()[:4]
    assert raw[:4] == key_id
    Ed25519PublicKey.from_public_bytes(KEY.public).verify(raw[4:], b"first\nsecond\n")


def test_the_public_key_is_written_as_verifiers_take_it() -> None:
    name, key_id, public = str(KEY).split("+", 2)

    assert name == NAME
    assert base64.b64decode(public) == b"\x01" + KEY.public
    assert key_id == hashlib.sha256(NAME.encode() + b"\n\x01" + KEY.public).digest()[:4].hex()


@pytest.mark.parametrize(
    "change",
    [
        lambda note: note.replace("second", "Second"),
        lambda note: note.replace("first\n", ""),
        lambda note: note[:-6] + note[-2:],
        lambda note: note.replace(NAME, "notebake/record/other"),
        lambda note: note.replace("\N{EM DASH}", "-"),
        lambda _note: "",
        lambda _note: "no signature\n",
    ],
)
def test_a_changed_note_is_not_signed(change: object) -> None:
    note = sign_note("first\nsecond\n", NAME, PRIVATE)
    assert is_signed_by(note, KEY)

    assert callable(change)
    assert not is_signed_by(change(note), KEY)


def test_the_signature_of_another_key_is_none() -> None:
    other = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
    note = sign_note("first\n", NAME, other)

    assert not is_signed_by(note, KEY)


def test_a_text_without_a_newline_and_a_name_with_a_space_are_refused() -> None:
    with pytest.raises(ValueError, match="newline"):
        sign_note("first", NAME, PRIVATE)
    with pytest.raises(ValueError, match="name"):
        sign_note("first\n", "two words", PRIVATE)


def test_a_checkpoint_says_its_size_and_root() -> None:
    leaves = (head("a-1", 3), head("b-2", 7))
    found = tree_head(NAME, leaves)

    note = sign_note(found.text, NAME, PRIVATE)
    assert parse_note(note) == found
    assert (found.origin, found.size) == (NAME, 2)
    assert len(base64.b64decode(found.root)) == 32


def test_a_changed_leaf_changes_the_root() -> None:
    one = tree_head(NAME, (head("a-1", 3), head("b-2", 7)))

    assert tree_head(NAME, (head("a-1", 3), head("b-2", 7, "b"))).root != one.root
    assert tree_head(NAME, (head("b-2", 7), head("a-1", 3))).root != one.root


def test_only_what_has_changed_is_added_and_each_key_once() -> None:
    first = new_leaves({"b-2": head("b-2", 7), "a-1": head("a-1", 3)}, (), str(KEY), AT)
    assert [leaf.kind for leaf in first] == ["key", "run", "run"]
    assert [leaf.run for leaf in first[1:]] == ["a-1", "b-2"]

    again = {"b-2": head("b-2", 9, "c"), "a-1": head("a-1", 3)}
    second = new_leaves(again, first, str(KEY), AT)
    assert [(leaf.run, leaf.count) for leaf in second] == [("b-2", 9)]

    third = new_leaves(again, (*first, *second), "another key", AT)
    assert [leaf.key for leaf in third] == ["another key"]


def test_a_checkpoint_is_stored_as_canonical_json() -> None:
    checkpoint = Checkpoint(number=1, leaves=(head("a-1", 3),), note="x")

    assert Checkpoint.model_validate_json(checkpoint.content) == checkpoint
    parsed = json.loads(checkpoint.content)
    canonical = json.dumps(parsed, sort_keys=True, separators=(",", ":")).encode()
    assert checkpoint.content == canonical


@pytest.mark.parametrize("note", ["", "origin\n\n— x y\n", "origin\nmany\nroot\n\n— x y\n"])
def test_what_is_no_checkpoint_is_refused(note: str) -> None:
    with pytest.raises(ValueError, match=r"a (signed note|checkpoint) has"):
        parse_note(note)


def test_the_text_of_a_note_is_all_before_the_last_blank_line() -> None:
    assert text_of_note(sign_note("a\n\nb\n", NAME, PRIVATE)) == "a\n\nb\n"
