from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from notebake import clock
from notebake.aws.clients import connect
from notebake.aws.session import session
from tests.cloud_world import CloudWorld, cloud_world
from tests.quick_clock import QuickClock

CLOCK_TIMES = 60


@pytest.fixture
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[CloudWorld]:
    """An empty cloud, in which our own waiting is sixty times quicker than it would be.

    A file may have another CLOCK_TIMES, where waits end at their limits and nothing expires.
    """
    times = getattr(request.module, "CLOCK_TIMES", CLOCK_TIMES)
    with cloud_world(tmp_path) as opened, clock.replaced(QuickClock(times)):
        yield opened


@pytest.fixture
def become(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Give the function that takes the credentials of another account."""

    def forget() -> None:
        session.cache_clear()
        connect.cache_clear()

    def take(account_id: str) -> None:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", account_id)
        forget()

    yield take
    forget()
