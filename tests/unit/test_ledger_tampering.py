"""Twelve kinds of tampering, each many times at random: what is named, and what needs an anchor.

The attacker writes the store. But for the last kind he lacks the key. The runs are sealed and under
the last checkpoint.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from notebake.aws.clients import connect
from notebake.ledger.chain import Chain, RecordPlace, Writer
from notebake.ledger.checkpoint import (
    Anchor,
    Checkpoint,
    Leaf,
    TreeHead,
    key_of,
    new_leaves,
    tree_head,
)
from notebake.ledger.closing import close_if_finished
from notebake.ledger.entry import Entry, hash_of
from notebake.ledger.signed_note import NoteKey, sign_note
from notebake.ledger.verify import verify_run
from notebake.ledger.verify_checkpoints import verify_checkpoints
from notebake.ledger.verify_versions import VersionFinding, verify_versions
from notebake.runs.checkpoints import find_heads, read_all
from notebake.runs.open_store import open_store
from notebake.runs.people import KEY as PEOPLE
from tests.cloud_world import REGION
from tests.draw import fix_seed, has_everything
from tests.memory_store import MemoryStore
from tests.recorded_runs import bake
from tests.store_world import BUCKET, LOCATION, set_versioning, world_with_bucket

RUNS = ("ocean-1", "ocean-2", "river-1")
ORIGIN = "notebake/record/test"
AT = "2026-11-29T15:00:00.000000Z"
TIMES = 200 if has_everything() else 12
Contents = dict[str, bytes]
OWN = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


@dataclass
class Attack:
    """What an attacker has: the store as it is, as it was yesterday, and a source of chance."""

    store: Contents
    yesterday: Contents
    random: Random
    run: str = ""
    keys: list[str] = field(default_factory=list)
    """Of the entries of the run under attack, the seal last."""

    def __post_init__(self) -> None:
        self.run = self.random.choice(RUNS)
        self.keys = sorted(key for key in self.store if key.startswith(f"{self.run}/"))

    def middle(self) -> int:
        """Return the place of an entry that is neither the first nor one of the last two."""
        return self.random.randrange(1, len(self.keys) - 2)


def write_runs(place: RecordPlace, runs: Iterable[str], *, who: str = "p-ada") -> None:
    for run in runs:
        chain = Chain(place, run, Writer(who=who, execution=f"e-{run}"))
        for kind, body in bake():
            chain.append(kind, body)
        assert close_if_finished(chain)


def write_checkpoint(place: RecordPlace, key: Ed25519PrivateKey = OWN) -> TreeHead:
    earlier = [Checkpoint.model_validate_json(each) for each in read_all(place).values()]
    leaves: list[Leaf] = [leaf for checkpoint in earlier for leaf in checkpoint.leaves]
    heads = {leaf.run: leaf for leaf in find_heads(place, leaves, AT)}
    public = str(NoteKey(ORIGIN, key.public_key().public_bytes_raw()))
    added = new_leaves(heads, leaves, public, AT)
    head = tree_head(ORIGIN, [*leaves, *added])
    note = sign_note(head.text, ORIGIN, key)
    checkpoint = Checkpoint(number=len(earlier) + 1, leaves=added, note=note)
    assert place.store.create(key_of(checkpoint.number), checkpoint.content)
    return head


@pytest.fixture(scope="module")
def honest() -> tuple[Contents, Contents, TreeHead]:
    """The record of yesterday and of today, and today's tree head."""
    store = MemoryStore()
    place = RecordPlace(store)
    write_runs(place, RUNS[:2])
    write_checkpoint(place)
    yesterday = dict(store.contents)
    write_runs(place, RUNS[2:])
    anchor = write_checkpoint(place)
    return dict(store.contents), yesterday, anchor


def flip_a_byte(attack: Attack) -> None:
    key = attack.random.choice(attack.keys)
    content = bytearray(attack.store[key])
    content[attack.random.randrange(len(content))] ^= 1 << attack.random.randrange(8)
    attack.store[key] = bytes(content)


def drop_an_entry(attack: Attack) -> None:
    del attack.store[attack.keys[attack.middle()]]


def swap_two(attack: Attack) -> None:
    one, other = attack.random.sample(attack.keys[:-1], 2)
    attack.store[one], attack.store[other] = attack.store[other], attack.store[one]


def insert_an_entry(attack: Attack) -> None:
    """Move all later entries up by one, numbers included, and link nothing anew."""
    place = attack.middle()
    moved = [attack.store[key] for key in attack.keys[place:]]
    forged = json.loads(attack.store[attack.keys[place]]) | {"body": {"step": "never happened"}}
    for offset, content in enumerate([json.dumps(forged).encode(), *moved]):
        sequence = place + 1 + offset
        entry = Entry.model_validate_json(content).model_copy(update={"sequence": sequence})
        attack.store[f"{attack.run}/{sequence:08}.json"] = entry.content


def double_a_number(attack: Attack) -> None:
    place = attack.middle()
    attack.store[attack.keys[place + 1]] = attack.store[attack.keys[place]]


def cut_the_end(attack: Attack) -> None:
    """Cut off some entries, and the copy of the seal with them."""
    for key in attack.keys[-attack.random.randrange(1, 6) :]:
        del attack.store[key]
    remove_seals(attack)


def remove_the_seal(attack: Attack) -> None:
    del attack.store[attack.keys[-1]]


def remove_the_run(attack: Attack) -> None:
    for key in attack.keys:
        del attack.store[key]
    remove_seals(attack)


def chain_the_run_anew(attack: Attack) -> None:
    """Write all entries of a run again, with another person, links and seal right."""
    remove_the_run(attack)
    write_runs(RecordPlace(MemoryStore(attack.store)), [attack.run], who="p-eve")


def put_yesterday_back(attack: Attack) -> None:
    attack.store.clear()
    attack.store.update(attack.yesterday)


def rewrite_everything(attack: Attack) -> None:
    """With the key: another history of all runs, and checkpoints that fit it."""
    attack.store.clear()
    place = RecordPlace(MemoryStore(attack.store))
    write_runs(place, RUNS, who="p-eve")
    write_checkpoint(place)


def remove_seals(attack: Attack) -> None:
    for key in [key for key in attack.store if key.startswith(f"_seals/{attack.run}/")]:
        del attack.store[key]


KINDS: dict[str, tuple[Callable[[Attack], None], str]] = {
    "byte flipped": (
        flip_a_byte,
        "cannot be read|hash of the entry before|differs from its copy|another hash of an entry"
        "|belongs to another run|number of another|seal that does not fit|no seal in the chain"
        "|no copy among the seals|follows a seal",
    ),
    "entry dropped": (drop_an_entry, "is missing"),
    "two swapped": (swap_two, "has the number of another entry"),
    "entry inserted": (insert_an_entry, "does not name the hash of the entry before it"),
    "number doubled": (double_a_number, "has the number of another entry"),
    "tail cut": (cut_the_end, "lists more entries of a run than are there"),
    "seal removed": (remove_the_seal, "has a copy among the seals, but is no seal in the chain"),
    "run removed": (remove_the_run, "lists a run that is not there any more"),
    "run chained anew": (chain_the_run_anew, "lists another hash of an entry"),
}
"""What is named without an anchor, and by which words. What S3's versions show is below."""


def findings_of(contents: Contents, anchors: tuple[Anchor, ...] = ()) -> list[str]:
    """Return all that the verification says of a record."""
    place = RecordPlace(MemoryStore(contents))
    runs = {*place.store.list_top_level(), *place.store.list_top_level("_seals/")}
    found = [
        str(finding)
        for run in sorted(runs - {"_seals", "_checkpoints"})
        for finding in verify_run(place, run).findings
    ]

    def head_at(run: str, sequence: int) -> str | None:
        stored = place.store.read(place.key(run, sequence))
        return hash_of(stored.content) if stored else None

    report = verify_checkpoints(read_all(place), head_at, anchors)
    return found + [str(finding) for finding in report.findings]


def attacks(honest: tuple[Contents, Contents, TreeHead], kind: str) -> Iterable[Attack]:
    today, yesterday, _ = honest
    for number in range(TIMES):
        random = Random(f"{fix_seed()} {kind} {number}")  # noqa: S311
        yield Attack(dict(today), dict(yesterday), random)


def test_an_honest_record_gives_no_alarm(honest: tuple[Contents, Contents, TreeHead]) -> None:
    today, yesterday, anchor = honest

    assert findings_of(today, (anchor.anchor,)) == []
    assert findings_of(yesterday) == []


@pytest.mark.parametrize("kind", KINDS)
def test_tampering_is_named_without_an_anchor(
    honest: tuple[Contents, Contents, TreeHead], kind: str
) -> None:
    tamper, words = KINDS[kind]
    tried = 0
    for attack in attacks(honest, kind):
        tamper(attack)
        findings = "\n".join(findings_of(attack.store))
        assert any(word in findings for word in words.split("|")), f"{attack.run}: {findings}"
        assert attack.run in findings
        tried += 1
    assert tried == TIMES


def test_an_older_copy_is_named_by_an_anchor_only(
    honest: tuple[Contents, Contents, TreeHead],
) -> None:
    for attack in attacks(honest, "yesterday"):
        put_yesterday_back(attack)

        assert findings_of(attack.store) == []
        (finding,) = findings_of(attack.store, (honest[2].anchor,))
        assert "a later one was seen before: an older copy was put back" in finding


def test_what_is_rewritten_with_the_key_is_named_by_an_anchor_only(
    honest: tuple[Contents, Contents, TreeHead],
) -> None:
    for attack in attacks(honest, "rewritten"):
        rewrite_everything(attack)

        assert findings_of(attack.store) == []
        assert any(
            "another history" in each for each in findings_of(attack.store, (honest[2].anchor,))
        )


def test_a_key_of_the_attacker_s_own_is_named(
    honest: tuple[Contents, Contents, TreeHead],
) -> None:
    attack = next(iter(attacks(honest, "own key")))
    chain_the_run_anew(attack)
    theirs = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
    write_checkpoint(RecordPlace(MemoryStore(attack.store)), theirs)

    findings = "\n".join(findings_of(attack.store))
    assert "announces another key, and the key before has not signed it" in findings
    assert "lists another hash of an entry" in findings


def test_a_checkpoint_that_was_changed_or_removed_is_named(
    honest: tuple[Contents, Contents, TreeHead],
) -> None:
    today, _, anchor = honest
    stored = json.loads(today[key_of(2)])
    forged = stored | {"leaves": [leaf | {"count": 1} for leaf in stored["leaves"]]}
    changed = today | {key_of(2): json.dumps(forged).encode()}
    first_gone = {key: content for key, content in today.items() if key != key_of(1)}
    last_gone = {key: content for key, content in today.items() if key != key_of(2)}

    assert any("is not the tree of the runs" in each for each in findings_of(changed))
    assert "Checkpoint 1 is missing" in findings_of(first_gone)
    assert any("an older copy" in each for each in findings_of(last_gone, (anchor.anchor,)))


def write_the_end_anew(attack: Attack) -> None:
    """Write a run again from some entry on, so that the chain and its seal fit together."""
    place = attack.middle()
    for key in attack.keys[place:]:
        del attack.store[key]
    remove_seals(attack)
    writer = Writer(who="p-eve", execution=f"e-{attack.run}")
    chain = Chain(RecordPlace(MemoryStore(attack.store)), attack.run, writer)
    for kind, body in bake()[place:]:
        chain.append(kind, body)
    assert close_if_finished(chain)


def forge_an_object(attack: Attack) -> None:
    """Forge an entry, a seal or a checkpoint, whatever else may show that."""
    key = attack.random.choice([*attack.store])
    attack.store[key] = attack.store[key] + b" "


def replace_on_s3(s3: Any, changed: Contents) -> dict[str, list[str]]:
    """Delete objects and create them again; return the ids that each has now, the newest first."""
    ids = {}
    for key, content in changed.items():
        name = f"{PREFIX}{key}"
        before = s3.head_object(Bucket=BUCKET, Key=name)["VersionId"]
        mark = s3.delete_object(Bucket=BUCKET, Key=name)["VersionId"]
        new = s3.put_object(Bucket=BUCKET, Key=name, Body=content, IfNoneMatch="*")["VersionId"]
        ids[key] = [new, mark, before]
    return ids


def take_back(s3: Any, ids: dict[str, list[str]]) -> None:
    """Remove what was replaced, for the next attack."""
    for key, (new, mark, _) in ids.items():
        for version in (new, mark):
            s3.delete_object(Bucket=BUCKET, Key=f"{PREFIX}{key}", VersionId=version)


def replaced_in(place: RecordPlace) -> dict[str, VersionFinding]:
    """Return what the versions of a record show, by key."""
    groups = place.store.versions(place.prefix)
    report = verify_versions(groups, place.store.versioning(), place.prefix, PEOPLE)
    return {finding.key.removeprefix(place.prefix): finding for finding in report.findings}


PREFIX = "bakes/record/"


def test_what_is_written_over_its_deletion_is_named_by_its_versions(
    honest: tuple[Contents, Contents, TreeHead], tmp_path: Path
) -> None:
    tried = 0
    with world_with_bucket(tmp_path):
        set_versioning("Enabled")
        place, s3 = RecordPlace(open_store(LOCATION), "record/"), connect("s3", REGION)
        for key, content in honest[0].items():
            assert place.store.create(place.prefix + key, content)
        assert replaced_in(place) == {}
        for attack in attacks(honest, "replaced"):
            tamper = attack.random.choice([write_the_end_anew, forge_an_object])
            tamper(attack)
            changed = {key: new for key, new in attack.store.items() if new != honest[0].get(key)}
            ids = replace_on_s3(s3, changed)
            if tamper is write_the_end_anew:
                chain = verify_run(RecordPlace(MemoryStore(attack.store)), attack.run)
                assert chain.findings == (), "the chain alone does not show it"

            found = replaced_in(place)

            assert found.keys() == changed.keys() > set()
            for key, finding in found.items():
                assert "was deleted and written again" in str(finding)
                shown = [version.split()[1] for version in finding.versions]
                assert shown == ids[key]
                assert finding.run == ("" if key.startswith("_check") else key.split("/")[-2])
            take_back(s3, ids)
            tried += 1
    assert tried == TIMES
