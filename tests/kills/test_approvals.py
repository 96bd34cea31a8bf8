"""A run that a person has to approve: unanswered, and killed around its questions and answers."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.draw import has_everything
from tests.kills.choice import BETWEEN_STEPS
from tests.kills.test_kills import line, sweep_to
from tests.limits import HANG_SECONDS


def test_unanswered_nothing_runs_after_the_lease_and_a_quarter_of_an_hour() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.kills.unanswered"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
        timeout=HANG_SECONDS,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    before_bake, before_share = json.loads(done.stdout)

    nothing: dict[str, object] = {"left": [], "left_later": []}
    assert before_bake == nothing | {"asked": "bake", "machines": 0, "images": 0}
    assert before_share == nothing | {"asked": "share", "machines": 3, "images": 1}


@pytest.mark.parametrize(
    ("step", "every", "all_of_them"), [("share_image", 9, 1), (BETWEEN_STEPS, 70, 4)]
)
def test_an_approved_run_survives_a_kill_around_its_answers(
    tmp_path: Path, step: str, every: int, all_of_them: int
) -> None:
    each = str(all_of_them if has_everything() else every)

    found = sweep_to(tmp_path / "report.json", "--approve", "--step", step, "--every", each)

    assert not found["failed"], "\n".join(found["failed"])
    total = line(found, "all")
    assert total["cases"] == total["completed"] > 3
    assert (total["doubled"], total["left"], total["record"]) == (0, 0, 0)
