"""A tour of the tests in a process of its own, which writes what came of it to a file."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

LIMIT_SECONDS = 4 * 3600
"""Only what hangs takes so long: a trial has a limit of its own."""


def report_of(module: str, *options: str, report: Path) -> dict[str, Any]:
    """Run a module of the tests and return its report; a missing one fails with what it said."""
    done = subprocess.run(
        [sys.executable, "-m", module, *options, "--report", str(report)],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_SECONDS,
    )
    assert report.exists(), done.stdout[-3000:] + done.stderr[-3000:]
    found: dict[str, Any] = json.loads(report.read_text())
    return found
