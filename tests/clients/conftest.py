"""One sandbox of its own for each outside client, in which nothing may be left."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.bakes import left_for_good
from tests.sandbox.bake_world import Cloud, cloud_opened


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with cloud_opened(tmp_path_factory.mktemp("cloud") / "home") as opened:
        yield opened


@pytest.fixture
def clean_cloud(cloud: Cloud) -> Iterator[Cloud]:
    """The sandbox, looked through after the test."""
    yield cloud
    assert left_for_good(cloud) == []


@pytest.fixture
def settings(cloud: Cloud, tmp_path: Path) -> dict[str, str]:
    """What points a client at the sandbox, and away from whatever the person has set."""
    return {
        **cloud.environment,
        "AWS_CONFIG_FILE": str(tmp_path / "no-config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "no-credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_PAGER": "",
    }
