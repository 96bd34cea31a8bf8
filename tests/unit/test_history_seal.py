"""`history seal`, and what `history verify` says of its checkpoints."""

import hashlib
import json
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from flows.cli.main import main
from notebake.errors import NotebakeError
from notebake.local.home import home
from notebake.recipe import Recipe
from notebake.runs.checkpoint_check import check_checkpoints
from notebake.runs.checkpoints import make_checkpoint
from notebake.runs.open_store import open_store
from notebake.runs.record_key import change_key
from notebake.runs.registry import new_run
from notebake.runs.reserved_ids import POINTER_LOG
from notebake.runs.run_record import record_place
from notebake.store.directory import DirectoryStore
from notebake.store.interface import Stored
from tests.json_documents import document
from tests.recorded_runs import step, write, write_sealed

OCEAN, TIDE = "ocean-20261101-120000-0001", "tide-20261102-120000-0002"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A run store with two sealed runs, and a home of its own."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NOTEBAKE_HOME", str(tmp_path / "home"))
    location = str(tmp_path / "runs")
    for run in (OCEAN, TIDE):
        write_sealed(record_place(location), run)
    return location


def seal(store: str, capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    return document(["--store", store, "history", "seal"], capsys)


def verify(store: str, *options: str) -> int:
    return main(["--store", store, "history", "verify", *options])


def remove_run(store: str, run: str) -> None:
    for folder in (Path(store, "record", run), Path(store, "record", "_seals", run)):
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()


def test_a_checkpoint_prints_what_to_keep_elsewhere(
    store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--store", store, "history", "seal"]) == 0

    output = capsys.readouterr().out
    assert "Checkpoint 1: 2 runs new or changed." in output
    assert "anchor  3:" in output
    assert "key     " in output
    assert max(map(len, output.splitlines())) <= 80


def test_only_changed_runs_are_added(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    first = seal(store, capsys)
    again = seal(store, capsys)
    write(record_place(store), [step("launch_instance")], "river-3")
    third = seal(store, capsys)

    assert [each["number"] for each in (first, again, third)] == [1, 2, 3]
    assert [each["added"] for each in (first, again, third)] == [2, 0, 1]
    assert first["key"] == again["key"] == third["key"]
    assert verify(store) == 0


def test_the_private_key_is_a_private_file_outside_of_the_record(
    store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    seal(store, capsys)

    file = home() / "record-key.pem"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    secret = file.read_text().splitlines()[1]
    for path in Path(store).rglob("*"):
        assert path.is_dir() or secret not in path.read_text()


def test_a_removed_run_is_named(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    seal(store, capsys)
    remove_run(store, TIDE)

    assert verify(store) == 3
    output = " ".join(capsys.readouterr().out.split())
    assert f"lists a run that is not there any more: {TIDE}" in output


def test_without_a_checkpoint_it_is_said_what_cannot_be_seen(
    store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    remove_run(store, TIDE)

    assert verify(store) == 0
    assert "notebake history seal" in " ".join(capsys.readouterr().out.split())


def test_runs_since_the_last_checkpoint_are_counted(
    store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    seal(store, capsys)
    write_sealed(record_place(store), "river-3")

    assert verify(store) == 0
    assert "1 of the runs have changed since the last checkpoint" in " ".join(
        capsys.readouterr().out.split()
    )


def test_this_machine_remembers_and_another_one_needs_the_anchor(
    store: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seal(store, capsys)
    write_sealed(record_place(store), "river-3")
    latest = seal(store, capsys)
    remove_run(store, "river-3")
    Path(store, "record", "_checkpoints", "00000002.json").unlink()

    assert verify(store) == 3
    assert "an older copy was put back" in " ".join(capsys.readouterr().out.split())
    monkeypatch.setenv("NOTEBAKE_HOME", str(Path(store).parent / "another home"))
    assert verify(store) == 0
    assert verify(store, "--anchor", f"{latest['size']}:{latest['root']}") == 3


def test_a_checkpoint_made_while_the_others_are_read_is_no_older_copy(
    store: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seal(store, capsys)
    write_sealed(record_place(store), "river-3")
    files = DirectoryStore.read_all

    def read_all(self: DirectoryStore, keys: Iterable[str]) -> list[Stored]:
        """Read, and let somebody else make a checkpoint before this process goes on."""
        found = files(self, keys)
        if any("_checkpoints" in key for key in keys):
            monkeypatch.setattr(DirectoryStore, "read_all", files)
            make_checkpoint(store)
        return found

    monkeypatch.setattr(DirectoryStore, "read_all", read_all)

    report = check_checkpoints(store)

    assert DirectoryStore.read_all is files, "a checkpoint was made meanwhile"
    assert report.findings == ()
    assert check_checkpoints(store).count == 2


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda path: path.write_bytes(b"{"), "Checkpoint 1 cannot be read"),
        (lambda path: path.write_bytes(b'{"number": 1, "note": "x"}'), "Checkpoint 1 cannot be"),
        (lambda path: path.unlink(), "Checkpoint 1 is missing"),
    ],
    ids=["cut off", "no checkpoint", "missing"],
)
def test_no_checkpoint_is_added_to_damaged_ones(
    store: str,
    damage: Callable[[Path], object],
    words: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "1000")
    seal(store, capsys)
    seal(store, capsys)
    damage(Path(store, "record", "_checkpoints", "00000001.json"))

    assert main(["--store", store, "history", "seal"]) == 1

    said = capsys.readouterr().err
    assert words in said
    assert str(Path(store, "record", "_checkpoints", "00000001.json")) in said
    assert f"notebake --store {store} history verify" in said
    assert "unexpected" not in said
    assert not Path(store, "record", "_checkpoints", "00000003.json").exists()


def test_an_expected_key_is_compared(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    key = str(seal(store, capsys)["key"])

    assert verify(store, "--key", key) == 0
    assert verify(store, "--key", "0" * 64) == 3


def test_an_expected_key_that_has_signed_nothing_is_told(
    store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    key = str(seal(store, capsys)["key"])
    shutil.rmtree(Path(store, "record", "_checkpoints"))

    assert verify(store, "--key", key) == 3

    assert "Checkpoint 1 is missing: the key that is expected has" in capsys.readouterr().out


def test_a_removed_run_is_told_of_by_its_name(
    store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    seal(store, capsys)
    remove_run(store, TIDE)

    assert verify(store, TIDE) == 3
    assert "lists a run that is not there any more" in capsys.readouterr().out
    assert verify(store, "river-20261103-120000-0003") == 1
    assert "There is no run" in capsys.readouterr().err


def test_verify_prints_the_checkpoints_as_json(
    store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    made = seal(store, capsys)

    found = document(["--store", store, "history", "verify"], capsys)
    assert found["checkpoints"] == 1
    assert found["anchor"] == f"{made['size']}:{made['root']}"
    assert found["key"] == made["key"]
    assert found["findings"] == []


@pytest.mark.parametrize("text", ["", "3", "3:x", "x:Of9FdiGNH+RFznlJ9FTsy8sKzpnP6Xu8o4EbNV+G1QQ="])
def test_what_is_no_anchor_is_refused(
    store: str, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    with pytest.raises(SystemExit):
        verify(store, "--anchor", text)
    assert "not an anchor, SIZE:ROOT" in " ".join(capsys.readouterr().err.split())


def test_a_key_file_that_holds_no_key_is_named(
    store: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Wide enough that no long path is broken in the middle of its name.
    monkeypatch.setenv("COLUMNS", "1000")
    home().mkdir(parents=True)
    (home() / "record-key.pem").write_text("not a key")

    assert main(["--store", store, "history", "seal"]) == 1
    assert "record-key.pem should hold the Ed25519 key" in capsys.readouterr().err
    assert not Path(store, "record", "_checkpoints").exists()


def test_a_checkpoint_is_what_outside_verifiers_read(
    store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    made = seal(store, capsys)

    stored = json.loads(Path(store, "record", "_checkpoints", "00000001.json").read_bytes())
    assert stored["note"] == made["note"]
    origin, size, root, blank, signature, end = str(made["note"]).split("\n")
    assert (origin, size, root) == (made["origin"], str(made["size"]), made["root"])
    assert (blank, end) == ("", "")
    assert signature.startswith(f"\N{EM DASH} {origin} ")


def test_a_new_key_is_signed_for_by_the_old_one_in_every_record(
    store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = str(tmp_path / "other-runs")
    write_sealed(record_place(other), OCEAN)
    before = [str(seal(each, capsys)["key"]) for each in (store, other)]

    changed = document(["--store", store, "history", "seal", "--new-key"], capsys)
    later = seal(other, capsys)

    assert before[0] == before[1] != changed["key"] == later["key"]
    for each in (store, other):
        found = document(["--store", each, "history", "verify", "--key", str(later["key"])], capsys)
        assert found["findings"] == []
        judged = subprocess.run(
            [sys.executable, "docs/verify_record.py", str(Path(each, "record"))],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert judged.returncode == 0, judged.stdout
    assert str(changed["note"]).count("\n— ") == 2


def test_a_lost_old_key_is_a_finding(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    key = str(seal(store, capsys)["key"])
    change_key()
    (home() / f"record-key-{key}.pem").unlink()

    assert main(["--store", store, "history", "seal"]) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert f"is signed by the key {key}, which is not here" in said
    assert "history seal --lost-key" in said
    assert verify(store) == 0

    assert main(["--store", store, "history", "seal", "--lost-key"]) == 0
    capsys.readouterr()

    assert verify(store) == 3
    assert "announces another key, and the key before has not signed it" in capsys.readouterr().out


def test_an_anchor_in_the_tag_of_an_image_is_compared(
    store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    place = record_place(store)
    stored = place.store.read(place.key(OCEAN, 7))
    assert stored
    digest = hashlib.sha256(stored.content).hexdigest()

    assert verify(store, OCEAN, "--image-anchor", f"7:{digest}") == 0
    capsys.readouterr()
    assert verify(store, OCEAN, "--image-anchor", f"8:{digest}") == 3
    assert f"Entry 8 of run {OCEAN}, which the anchor names, is another" in capsys.readouterr().out
    assert verify(store, OCEAN, "--image-anchor", f"9999:{digest}") == 3
    assert verify(store, "--image-anchor", f"7:{digest}") == 1


def test_a_wrong_place_for_the_key_is_named(
    store: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTEBAKE_RECORD_KEY", "vault:somewhere")

    assert main(["--store", store, "history", "seal"]) == 1
    assert "'vault:somewhere', and names no place" in " ".join(capsys.readouterr().err.split())


def test_checkpoints_that_were_all_removed_are_missed_on_a_machine_that_has_seen_them(
    store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    seal(store, capsys)
    shutil.rmtree(Path(store, "record", "_checkpoints"))

    assert verify(store) == 3
    assert "an older copy was put back" in capsys.readouterr().out
    assert main(["--store", store, "history", "seal"]) == 1
    assert "and only 0 are in" in " ".join(capsys.readouterr().err.split())


def test_a_record_that_was_sealed_anew_elsewhere_is_another_one(
    store: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seal(store, capsys)
    shutil.rmtree(Path(store, "record", "_checkpoints"))
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("NOTEBAKE_HOME", str(tmp_path / "attacker"))
        seal(store, capsys)
        assert verify(store) == 0

    assert verify(store) == 3
    assert "belongs to another history of the record" in capsys.readouterr().out


def test_a_home_that_cannot_be_written_does_not_keep_anybody_from_verifying(
    store: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seal(store, capsys)
    (tmp_path / "file").write_text("no directory", encoding="utf-8")
    monkeypatch.setenv("NOTEBAKE_HOME", str(tmp_path / "file"))

    assert verify(store) == 0


def test_a_damaged_memory_is_named(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    seal(store, capsys)
    for path in (home() / "checkpoints").iterdir():
        path.write_text("{", encoding="utf-8")

    assert verify(store) == 1
    assert str(home() / "checkpoints") in "".join(capsys.readouterr().err.split())


def test_no_key_is_changed_for_a_record_that_is_not_there(
    store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = seal(store, capsys)["key"]

    assert main(["--store", str(tmp_path / "typo"), "history", "seal", "--new-key"]) == 1
    assert "nothing to seal" in " ".join(capsys.readouterr().err.split())
    assert seal(store, capsys)["key"] == key


def test_nothing_is_sealed_or_verified_in_a_store_without_a_record(
    store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "1000")
    assert store
    typo = tmp_path / "typo"

    assert main(["--store", str(typo), "history", "seal"]) == 1
    said = capsys.readouterr().err
    assert f"{typo / 'record'} has no entry of any run, so there is nothing to seal" in said
    assert "notebake --store PLACE history seal" in said
    with pytest.raises(NotebakeError, match="nothing to seal"):
        make_checkpoint(str(typo))
    assert not typo.exists()
    assert not (home() / "record-key.pem").exists()

    assert verify(str(typo)) == 4
    said = capsys.readouterr().out
    assert f"Nothing was verified: {typo / 'record'} has no entry of any run." in said
    assert "notebake --store PLACE history verify" in said
    found = document(["--store", str(typo), "history", "verify"], capsys, code=4)
    assert found["not_checked"][0].startswith("Nothing was verified: ")


def test_a_record_that_was_removed_is_not_verified_on_another_machine(
    store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for run in (OCEAN, TIDE):
        new_run(Recipe(name="ocean"), "x.yaml", open_store(store), run_id=run)
    seal(store, capsys)
    shutil.rmtree(Path(store, "record"))
    monkeypatch.setenv("NOTEBAKE_HOME", str(tmp_path / "another home"))

    assert verify(store) == 4
    said = " ".join(capsys.readouterr().out.split())
    assert "Runs: 2 not recorded." in said
    assert "Nothing was verified: " in said


def test_a_log_without_runs_is_verified(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    place = record_place(store)
    for run in (OCEAN, TIDE):
        remove_run(store, run)
    write(place, [step("launch_instance")], POINTER_LOG)

    assert verify(store) == 0
    assert "Nothing was verified" not in capsys.readouterr().out
    assert verify(store, "--anchor", f"1:{'A' * 43}=") == 3
