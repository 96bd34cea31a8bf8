from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cloud_world import CloudWorld, cloud_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[CloudWorld]:
    with cloud_world(tmp_path) as opened:
        yield opened
