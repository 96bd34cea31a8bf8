"""docs/verify_record.py: it needs nothing of ours, and finds what our own verification finds."""

import ast
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from notebake.ledger.checkpoint import parse_note
from notebake.runs.checkpoints import make_checkpoint
from notebake.runs.record_key import fingerprint
from notebake.runs.run_record import record_place
from tests.docs.markdown import ROOT
from tests.limits import HANG_SECONDS
from tests.recorded_runs import write_sealed

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


def test_an_anchor_and_a_key_are_compared(record: Path) -> None:
    anchor = str(parse_note(make_checkpoint(str(record.parent)).note).anchor)
    for name in ("00000002.json", "00000003.json"):
        (record / "_checkpoints" / name).unlink(missing_ok=True)

    assert verify(record)
    assert "not a later one, of the anchor" in verify(record, "--anchor", anchor, code=3)
    assert "is signed by the key" in verify(record, "--key", "0" * 64, code=3)


def test_what_is_no_folder_is_refused(tmp_path: Path) -> None:
    verify(tmp_path / "none", code=2)
