"""The machine to which these tests open servers."""

from collections.abc import Iterator

import pytest

from tests.servers.world import Machine, machine_running, why_none


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    if reason := why_none():
        pytest.skip(reason)
    with machine_running(tmp_path_factory.mktemp("net") / "machine") as running:
        yield running
