"""The crates conform to the profiles, says the validator of those who made the profiles."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.crate.judging import judge, why_not
from tests.crate.reading import crate_of, export
from tests.crate.runs import KINDS, Runs

ROOT = Path(__file__).parents[2]
FEWEST_CHECKS = 80
"""The profile and those that it builds on have so many at least."""


@pytest.fixture(scope="module")
def crates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A crate of a run of each kind, by kind; and one in a zip file."""
    world = Runs(tmp_path_factory.mktemp("world"))
    made = {kind: crate_of(world, make(world)).folder for kind, make in KINDS.items()}
    zipped = made["accepted"].parent / "zipped.zip"
    assert export(world, "ocean-accepted", zipped) == 0
    return {**made, "zipped": zipped}


@pytest.fixture(scope="module")
def verdicts(crates: dict[str, Path]) -> dict[str, dict[str, Any]]:
    """What the validator says, by the name of the crate."""
    if reason := why_not():
        pytest.skip(reason)
    return judge(*crates.values())


@pytest.mark.parametrize("kind", [*KINDS, "zipped"])
def test_a_crate_conforms_to_the_profiles(
    kind: str, crates: dict[str, Path], verdicts: dict[str, dict[str, Any]]
) -> None:
    verdict = verdicts[crates[kind].name]

    assert verdict["profile"] == "provenance-run-crate-0.5"
    assert verdict["checks"] > FEWEST_CHECKS
    assert (verdict["skipped"], verdict["issues"]) == ([], [])


def change(crate: Path, copy: Path, **changes: Any) -> Path:
    """Copy a crate, and change its metadata: properties of the root, or the context."""
    shutil.copytree(crate, copy)
    path = copy / "ro-crate-metadata.json"
    document = json.loads(path.read_text())
    document["@context"] = changes.pop("context", document["@context"])
    (root,) = [each for each in document["@graph"] if each["@id"] == "./"]
    root.update(changes)
    path.write_text(json.dumps(document))
    return copy


def test_the_judge_names_what_is_wrong_and_what_it_could_not_check(
    crates: dict[str, Path], verdicts: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    assert verdicts, "the validator is there"
    wrong = change(crates["failed"], tmp_path / "wrong", license=[], conformsTo=[])
    unknown = change(crates["failed"], tmp_path / "unknown", context="https://w3id.org/other")

    found = judge(wrong, unknown)

    issues = " ".join(found["wrong"]["issues"])
    assert "MUST have a `license` property" in issues
    assert "Provenance Run Crate profile" in issues
    assert found["unknown"]["skipped"], "a context that is not here leaves checks out"


@pytest.mark.parametrize("kind", KINDS)
def test_the_copy_of_the_record_verifies_without_notebake(
    kind: str, crates: dict[str, Path], tmp_path: Path
) -> None:
    record = tmp_path / "record"
    shutil.copytree(crates[kind] / "record", record)
    words = [sys.executable, str(ROOT / "docs/verify_record.py"), str(record)]

    intact = subprocess.run(words, capture_output=True, text=True, check=False)
    (entry, *_) = sorted(record.glob("ocean-*/*.json"))
    entry.write_bytes(entry.read_bytes().replace(b"ocean", b"tides", 1))
    changed = subprocess.run(words, capture_output=True, text=True, check=False)

    assert intact.returncode == 0, intact.stdout
    assert "Runs: 1, " in intact.stdout
    assert changed.returncode == 3, changed.stdout
    assert not (crates[kind] / "record/people.json").exists()
