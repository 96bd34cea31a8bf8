"""The conformance suite in its AWS mode, led to a sandbox by AWS_ENDPOINT_URL."""

import os
import subprocess
import sys
from pathlib import Path

from tests.conformance import settings
from tests.limits import HANG_SECONDS

PROJECT = Path(__file__).parents[3]
ON_AWS = {settings.WHERE: "aws", settings.REGION: "us-west-2", settings.CAP: "1.00"}


def run_suite(endpoint_url: str, *tests: str, **variables: str) -> tuple[int, str]:
    """Run tests of the suite in a process of its own; return its exit code and what it said."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    credentials = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    endpoint = {"AWS_ENDPOINT_URL": endpoint_url}
    chosen = [f"tests/conformance/{test}" for test in tests] or ["tests/conformance"]
    words = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *chosen]
    done = subprocess.run(
        words,
        cwd=PROJECT,
        env={**kept, **credentials, **endpoint, **variables},
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr
