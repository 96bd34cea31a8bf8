"""The key that signs the record as a SecureString, shared by machines."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from notebake.aws.clients import connect
from notebake.errors import CloudError
from notebake.ledger.checkpoint import parse_note
from notebake.runs.checkpoint_check import check_checkpoints
from notebake.runs.checkpoints import make_checkpoint
from notebake.runs.record_key import change_key, fingerprint
from notebake.runs.run_record import record_place
from tests.cloud_world import REGION, CloudWorld, RefusedCall
from tests.recorded_runs import write_sealed
from tests.store_world import LOCATION, forget_process, world_with_bucket


@pytest.fixture(autouse=True)
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CloudWorld]:
    monkeypatch.setenv("NOTEBAKE_RECORD_KEY", f"ssm:{REGION}")
    with world_with_bucket(tmp_path) as opened:
        write_sealed(record_place(LOCATION))
        yield opened


def move_to_another_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "another"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("NOTEBAKE_HOME", str(home / "notebake"))
    forget_process()
    return home


def test_two_machines_sign_with_one_key_that_lies_on_neither(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_checkpoint(LOCATION)
    first = fingerprint()
    home = move_to_another_machine(tmp_path, monkeypatch)
    make_checkpoint(LOCATION)

    report = check_checkpoints(LOCATION, expected_key=first)
    assert (report.count, report.findings) == (2, ())
    assert not [path for path in home.rglob("*.pem")]
    stored = connect("ssm", REGION).get_parameter(Name="/notebake-record/record-key.pem")
    assert stored["Parameter"]["Type"] == "SecureString"


def test_a_changed_key_is_signed_for_by_the_old_one_on_another_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_checkpoint(LOCATION)
    change_key()
    move_to_another_machine(tmp_path, monkeypatch)

    checkpoint = make_checkpoint(LOCATION)

    assert parse_note(checkpoint.note).size == 3, "the old key, the run, the new key"
    report = check_checkpoints(LOCATION, expected_key=fingerprint())
    assert report.findings == ()


def test_nothing_is_signed_if_the_key_may_not_be_read(world: CloudWorld) -> None:
    with world.intercepting(RefusedCall("GetParameter", "AccessDeniedException")) as refuses:
        with pytest.raises(CloudError, match=r"/notebake-record/record-key\.pem"):
            make_checkpoint(LOCATION)
        assert refuses.fired
    assert check_checkpoints(LOCATION).count == 0


def test_a_key_that_moves_from_the_home_to_systems_manager_is_vouched_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("NOTEBAKE_RECORD_KEY")
    make_checkpoint(LOCATION)
    monkeypatch.setenv("NOTEBAKE_RECORD_KEY", f"ssm:{REGION}")

    make_checkpoint(LOCATION)

    assert check_checkpoints(LOCATION, expected_key=fingerprint()).findings == ()
