from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cloud_world import CloudWorld, cloud_world
from tests.installed_copy import InstalledCopy, install_copy


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> InstalledCopy:
    return install_copy(tmp_path_factory.mktemp("installed"))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[CloudWorld]:
    with cloud_world(tmp_path) as opened:
        yield opened
