"""The kill test forks where it should kill: what it shows is what a real SIGKILL shows."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.limits import HANG_SECONDS

LIMIT_SECONDS = HANG_SECONDS


def outcomes_of(module: str) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", f"tests.kills.{module}"]
    done = subprocess.run(
        command,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_SECONDS,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def killed() -> list[dict[str, Any]]:
    return outcomes_of("true_kills")


def test_a_run_can_be_resumed_after_a_kill_at_each_change(
    killed: list[dict[str, Any]],
) -> None:
    assert {outcome["signal"] for outcome in killed} == {9}
    assert [outcome["killed_after"] for outcome in killed].count("RunInstances") == 3
    assert all(outcome["resumed"] for outcome in killed)
    assert [(outcome["doubled"], outcome["left"]) for outcome in killed] == [([], [])] * len(killed)


def test_a_forked_child_makes_the_same_changes(killed: list[dict[str, Any]]) -> None:
    forked = outcomes_of("forked_kills")
    both = [
        [(outcome["killed_after"], outcome["changes"]) for outcome in outcomes]
        for outcomes in (killed, forked)
    ]
    assert both[0] == both[1]
