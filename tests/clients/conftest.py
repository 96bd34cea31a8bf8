"""One sandbox of its own for each outside client, in which nothing may be left."""

from collections.abc import Iterator

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


@pytest.fixture(scope="module")
def settings(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What points a client at the sandbox, and away from whatever the person has set."""
    nowhere = tmp_path_factory.mktemp("settings")
    return {
        **cloud.environment,
        "AWS_CONFIG_FILE": str(nowhere / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(nowhere / "credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_PAGER": "",
    }
