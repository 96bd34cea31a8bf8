"""The picture of JupyterLab on a server, as the test that uses it in a browser has seen it."""

import os
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[1]
TEST = "tests/sandbox/test_notebook_server.py"


def picture_jupyterlab(path: Path) -> None:
    """Bake, start a server, run the notebook in Chromium, and take a picture of its figure."""
    command = [sys.executable, "-m", "pytest", "--quiet", TEST]
    environment = os.environ | {"NOTEBAKE_PICTURE": str(path), "NOTEBAKE_TEST_ALL": "1"}
    subprocess.run(command, cwd=PROJECT, env=environment, check=True)
