import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cloud_world import CloudWorld, cloud_world
from tests.limits import HANG_SECONDS

# Prefect reads this once, when it is first imported.
PREFECT_HOME = os.environ["PREFECT_HOME"] = tempfile.mkdtemp(prefix="notebake-prefect-")


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=HANG_SECONDS):
        yield


def pytest_unconfigure() -> None:
    shutil.rmtree(PREFECT_HOME, ignore_errors=True)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[CloudWorld]:
    with cloud_world(tmp_path) as opened:
        yield opened
