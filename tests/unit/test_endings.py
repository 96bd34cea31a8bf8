import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONFTEST = """
import time
from pathlib import Path

import pytest

{told}


@pytest.fixture(scope="session")
def host():
    started = Path(__file__).with_name("started")
    started.touch()
    yield
    time.sleep(1)
    started.rename(started.with_name("cleared up"))
"""
TEST = """
import time


def test_of_a_host(host):
    time.sleep(600)
"""


@pytest.mark.parametrize("workers", ["0", "1"])
def test_a_cancelled_job_leaves_nothing_running(tmp_path: Path, workers: str) -> None:
    told = "from tests.endings import end_in_order; end_in_order()"
    assert cancelled(tmp_path, workers, CONFTEST.format(told=told)) == ["cleared up"]


def test_without_that_it_would(tmp_path: Path) -> None:
    assert cancelled(tmp_path, "0", CONFTEST.format(told="")) == ["started"]


def cancelled(folder: Path, workers: str, conftest: str) -> list[str]:
    """Return what is left of tests that are told to end when the first one has its host."""
    (folder / "conftest.py").write_text(conftest)
    (folder / "test_of_a_host.py").write_text(TEST)
    options = ("-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", folder, "-n", workers)
    with subprocess.Popen(
        [sys.executable, "-m", "pytest", *options, folder],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
    ) as tests:
        while tests.poll() is None and not (folder / "started").exists():
            time.sleep(0.05)
        tests.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        tests.send_signal(signal.SIGTERM)
        tests.communicate()
    return [path.name for path in folder.iterdir() if path.name in ("started", "cleared up")]
