"""The JSON output of the runs of a store."""

import os
from pathlib import Path

import pytest

from notebake.aws.model import Account
from notebake.recipe import Recipe
from notebake.runs.account import record_account
from notebake.runs.events import record_outcome
from notebake.runs.lock import hold_run
from notebake.runs.open_store import open_store
from notebake.runs.registry import new_run
from tests.json_documents import document, is_utc_time

RECIPE = Recipe(name="ocean")


def test_a_run_shows_its_account_process_and_last_event(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = open_store(str(tmp_path))
    held, failed, fresh = (new_run(RECIPE, "ocean.yaml", store) for _ in range(3))
    record_account(failed, Account(id="123456789012", partition="aws"))
    record_outcome(failed, "launch_instance", "failed")
    with hold_run(held):
        found = document(["--store", str(tmp_path), "history", "list", "--open"], capsys)

    rows = {row["run_id"]: row for row in found["runs"]}
    assert [*rows] == [held.id, failed.id, fresh.id], "the oldest comes first"
    assert f"process {os.getpid()} on " in rows[held.id]["executed_by"]
    assert rows[failed.id]["account_id"] == "123456789012"
    assert rows[failed.id]["last_step"] == "launch_instance"
    assert rows[failed.id]["last_outcome"] == "failed"
    assert is_utc_time(rows[failed.id]["last_at"])
    assert is_utc_time(rows[fresh.id]["started_at"])
    unknown = ("account_id", "executed_by", "last_step", "last_outcome", "last_at", "error")
    assert [rows[fresh.id][name] for name in unknown] == [None] * len(unknown)
    assert (found["store"], found["older_runs"]) == (str(tmp_path), 0)


def test_an_unreadable_run_is_listed_with_its_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = open_store(str(tmp_path))
    broken, sound = (new_run(RECIPE, "ocean.yaml", store) for _ in range(2))
    store.write(f"{broken.id}/recipes/0001.yaml", b"name: [ocean")

    rows = document(["--store", str(tmp_path), "history", "list", "--open"], capsys)["runs"]

    assert [row["run_id"] for row in rows] == [broken.id, sound.id]
    assert rows[0]["error"]
    assert (rows[0]["recipe"], rows[1]["recipe"]) == (None, "ocean")


def test_an_empty_store_is_an_empty_list(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert document(["--store", str(tmp_path), "history", "list", "--open"], capsys)["runs"] == []


def test_older_runs_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = open_store(str(tmp_path))
    for _ in range(32):
        new_run(RECIPE, "ocean.yaml", store)

    assert (
        document(["--store", str(tmp_path), "history", "list", "--open"], capsys)["older_runs"] == 2
    )
    assert (
        len(
            document(["--store", str(tmp_path), "history", "list", "--open", "--all"], capsys)[
                "runs"
            ]
        )
        == 32
    )
