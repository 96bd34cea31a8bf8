"""docs/verify_record.py: it needs nothing of ours, and finds what our own verification finds."""

import ast
import hashlib
import json
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from notebake.ledger.checkpoint import parse_note
from notebake.runs.checkpoints import make_checkpoint
from notebake.runs.record_check import RecordState, check_all_runs
from notebake.runs.record_key import fingerprint
from notebake.runs.reserved_ids import LOGS
from notebake.runs.run_record import record_place
from tests.docs.markdown import ROOT
from tests.limits import HANG_SECONDS
from tests.recorded_runs import executing, write, write_sealed

VERIFIER = ROOT / "docs" / "verify_record.py"
OCEAN, TIDE = "ocean-20261101-120000-0001", "tide-20261102-120000-0002"


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a record with two sealed runs under two checkpoints."""
    monkeypatch.setenv("NOTEBAKE_HOME", str(tmp_path / "home"))
    store = str(tmp_path / "runs")
    for run in (OCEAN, TIDE):
        write_sealed(record_place(store), run)
        make_checkpoint(store)
    return tmp_path / "runs" / "record"


def verify(record: Path, *options: str, code: int = 0) -> str:
    """Run the verifier where nothing of ours can be imported; return what it prints."""
    done = subprocess.run(
        [sys.executable, "-I", str(VERIFIER), str(record), *options],
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        cwd="/",
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


def test_it_imports_the_standard_library_and_cryptography_only() -> None:
    imported = {
        (node.module or "") if isinstance(node, ast.ImportFrom) else alias.name
        for node in ast.walk(ast.parse(VERIFIER.read_text(encoding="utf-8")))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    }
    outside = {name.split(".")[0] for name in imported} - set(sys.stdlib_module_names)
    assert outside == {"cryptography"}


def test_an_honest_record_is_found_unchanged(record: Path) -> None:
    store = str(record.parent)
    anchor = str(parse_note(make_checkpoint(store).note).anchor)

    output = verify(record, "--anchor", anchor, "--key", fingerprint())
    assert f"anchor {anchor}, key {fingerprint()}" in output
    count = sum(1 for run in (OCEAN, TIDE) for _ in (record / run).iterdir())
    assert f"Runs: 2, entries: {count}; nothing found to be changed" in output


def flip(record: Path) -> None:
    path = record / OCEAN / "00000005.json"
    path.write_bytes(path.read_bytes().replace(b"p-ada", b"p-eve"))


def drop(record: Path) -> None:
    (record / OCEAN / "00000005.json").unlink()


def cut(record: Path) -> None:
    entries = sorted((record / OCEAN).glob("*.json"))
    entries[-1].unlink()
    (record / "_seals" / OCEAN / entries[-1].name).unlink()


def remove(record: Path) -> None:
    for path in (record / OCEAN).glob("*.json"):
        path.unlink()
    (record / OCEAN).rmdir()


def rechain(record: Path) -> None:
    remove(record)
    for path in (record / "_seals" / OCEAN).glob("*.json"):
        path.unlink()
    write_sealed(record_place(str(record.parent)), OCEAN, who="p-eve")


def forge_checkpoint(record: Path) -> None:
    path = record / "_checkpoints" / "00000002.json"
    path.write_bytes(path.read_bytes().replace(b'"is_sealed":true', b'"is_sealed":false'))


@pytest.mark.parametrize(
    ("tamper", "named"),
    [
        (flip, f"{OCEAN}: entry 6 is not linked"),
        (drop, f"{OCEAN}: entry 5 is missing"),
        (cut, f"{OCEAN}: entry "),
        (remove, f"{OCEAN}: the run was removed"),
        (rechain, "is not the one that was signed"),
        (forge_checkpoint, "checkpoint 2 is not the tree of what it lists"),
    ],
)
def test_tampering_is_named(record: Path, tamper: Callable[[Path], None], named: str) -> None:
    tamper(record)

    assert named in verify(record, code=3)


def take_out_of_the_middle(record: Path) -> None:
    reopen(record)
    sorted((record / "_seals" / OCEAN).glob("*.json"))[0].unlink()


def unmark(record: Path) -> None:
    reopen(record)
    (mark,) = (record / "_seals" / OCEAN).glob("*-open.json")
    mark.unlink()


def add_after_the_seal(record: Path) -> None:
    last = sorted((record / OCEAN).glob("*.json"))[-1]
    number = int(last.stem) + 1
    entry = json.loads(last.read_bytes())
    added = entry | {"sequence": number, "kind": "step", "previous": sha256(last), "body": {}}
    (record / OCEAN / f"{number:08}.json").write_text(json.dumps(added))


def miscount(record: Path) -> None:
    last = sorted((record / OCEAN).glob("*.json"))[-1]
    entry = json.loads(last.read_bytes())
    entry["body"]["count"] -= 1
    last.write_text(json.dumps(entry))
    shutil.copy(last, record / "_seals" / OCEAN / last.name)


def leave_only_the_seals(record: Path) -> None:
    for run in (OCEAN, TIDE):
        shutil.rmtree(record / run)


def empty_a_folder(record: Path) -> None:
    remove(record)
    (record / OCEAN).mkdir()


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def reopen(record: Path) -> None:
    write(record_place(str(record.parent)), [executing()], OCEAN, execution="e-2")


@pytest.mark.parametrize(
    ("tamper", "named"),
    [
        (flip, f"{OCEAN}: entry 6 is not linked"),
        (drop, f"{OCEAN}: entry 5 is missing"),
        (remove, f"{OCEAN}: the copy of seal"),
        (empty_a_folder, f"{OCEAN}: the copy of seal"),
        (leave_only_the_seals, f"{TIDE}: the copy of seal"),
        (take_out_of_the_middle, "has no copy"),
        (unmark, "is not marked as open"),
        (add_after_the_seal, "follows a seal"),
        (miscount, "does not fit the entries before it"),
    ],
)
def test_tampering_is_named_without_a_checkpoint(
    record: Path, tamper: Callable[[Path], None], named: str
) -> None:
    shutil.rmtree(record / "_checkpoints")
    tamper(record)

    assert named in verify(record, code=3)
    checked = check_all_runs(str(record.parent))
    assert RecordState.TAMPERED in {each.state for each in checked}, "our own finds it as well"


def test_a_last_seal_without_its_copy_is_incomplete_as_after_a_kill(record: Path) -> None:
    shutil.rmtree(record / "_checkpoints")
    sorted((record / "_seals" / OCEAN).glob("*.json"))[-1].unlink()

    assert f"INCOMPLETE  {OCEAN}: the last seal has no copy" in verify(record, code=4)
    checked = check_all_runs(str(record.parent))
    assert RecordState.INCOMPLETE in {each.state for each in checked}


def test_a_reopened_run_is_found_unchanged(record: Path) -> None:
    reopen(record)

    assert "nothing found to be changed" in verify(record)


def without_key(checkpoint: dict[str, Any]) -> None:
    checkpoint["leaves"] = [leaf for leaf in checkpoint["leaves"] if leaf["kind"] != "key"]


def with_another_signature(checkpoint: dict[str, Any]) -> None:
    checkpoint["note"] = checkpoint["note"].rstrip("\n") + "A\n"


def with_a_wrong_key(checkpoint: dict[str, Any]) -> None:
    checkpoint["leaves"][0]["key"] = "no key"


def with_another_number(checkpoint: dict[str, Any]) -> None:
    checkpoint["number"] = 7


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (without_key, "checkpoint 1 is not signed"),
        (with_another_signature, "checkpoint 1 is not signed"),
        (with_a_wrong_key, "checkpoint 1 cannot be read"),
        (with_another_number, "checkpoint 1 has the number of another one"),
        (lambda checkpoint: checkpoint.pop("note"), "checkpoint 1 cannot be read"),
        (lambda checkpoint: checkpoint["leaves"].append(3), "checkpoint 1 cannot be read"),
        (lambda checkpoint: checkpoint["leaves"][1].pop("head"), "checkpoint 1 cannot be read"),
    ],
)
def test_a_damaged_checkpoint_is_named(
    record: Path, damage: Callable[[dict[str, Any]], None], named: str
) -> None:
    path = record / "_checkpoints" / "00000001.json"
    checkpoint = json.loads(path.read_bytes())
    damage(checkpoint)
    path.write_text(json.dumps(checkpoint))

    assert named in verify(record, code=3)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"number": 1}'])
def test_a_checkpoint_that_is_none_is_named(record: Path, content: bytes) -> None:
    (record / "_checkpoints" / "00000001.json").write_bytes(content)

    assert "checkpoint 1 cannot be read" in verify(record, code=3)


def test_what_holds_no_record_is_refused(record: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    verify(tmp_path / "empty", code=2)
    verify(record.parent, code=2)
    verify(record, "--anchor", "3", code=2)


def test_its_logs_are_those_of_the_record() -> None:
    assert {*runpy.run_path(str(VERIFIER))["LOGS"]} == LOGS


def test_an_anchor_and_a_key_are_compared(record: Path) -> None:
    anchor = str(parse_note(make_checkpoint(str(record.parent)).note).anchor)
    for name in ("00000002.json", "00000003.json"):
        (record / "_checkpoints" / name).unlink(missing_ok=True)

    assert verify(record)
    assert "not a later one, of the anchor" in verify(record, "--anchor", anchor, code=3)
    assert "is signed by the key" in verify(record, "--key", "0" * 64, code=3)


def test_what_is_no_folder_is_refused(tmp_path: Path) -> None:
    verify(tmp_path / "none", code=2)
