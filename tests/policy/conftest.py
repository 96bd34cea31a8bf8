from collections.abc import Iterator
from pathlib import Path

import pytest

from notebake import clock
from tests.cloud_world import CloudWorld, cloud_world
from tests.policy.judge import Judge, judging, why_not
from tests.quick_clock import QuickClock


@pytest.fixture(scope="session")
def judge() -> Iterator[Judge]:
    """The outside evaluator; without it the test is skipped, with the reason."""
    if reason := why_not():
        pytest.skip(reason)
    with judging() as running:
        yield running


@pytest.fixture
def world(tmp_path: Path) -> Iterator[CloudWorld]:
    """An empty cloud, in which our own waiting is sixty times quicker than it would be."""
    with cloud_world(tmp_path) as opened, clock.replaced(QuickClock(60)):
        yield opened
