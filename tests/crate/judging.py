"""What the validator of the profiles says of crates, without a network."""

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from tests.clients.install import INSTALLED, LOCKS, is_installed
from tests.limits import HANG_SECONDS

NAME = "crate-judge"
PROGRAM = Path(__file__).parent / "judge/judge.py"


def why_not() -> str:
    """Return why the validator cannot be asked; "" if it can."""
    if is_installed(NAME, LOCKS[NAME]):
        return ""
    return f"the validator of run crates is not installed: make {NAME}"


def judge(*crates: Path) -> dict[str, dict[str, Any]]:
    """Return what it says of each crate, by the name of the crate."""
    python = INSTALLED / NAME / "bin/python"
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        words = [str(python), "-I", str(PROGRAM), str(report), *map(str, crates)]
        done = subprocess.run(
            words, capture_output=True, text=True, timeout=HANG_SECONDS, check=False
        )
        assert done.returncode == 0, done.stderr
        verdicts = json.loads(report.read_text())
    return {Path(crate).name: verdict for crate, verdict in verdicts.items()}
