"""One Prefect server with its services for all tests of notices."""

from collections.abc import Iterator

import pytest

from tests.notices.notice_world import BLOCK, Prefect, Receiver, receiver_started
from tests.sandbox.bake_world import prefect_started, wait_for_prefect


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prefect]:
    folder = tmp_path_factory.mktemp("prefect")
    with prefect_started(folder) as url:
        wait_for_prefect(url)
        yield Prefect(url.removesuffix("/api"), folder / "client")


@pytest.fixture(scope="session")
def webhook(server: Prefect) -> Iterator[Receiver]:
    """What the block of the server posts to."""
    with receiver_started() as receiver:
        content = {"subject": "{{subject}}", "text": "{{body}}"}
        server.make_block(BLOCK, name="lab", url=receiver.url, json_data=content)
        yield receiver


@pytest.fixture
def receiver(server: Prefect, webhook: Receiver) -> Receiver:
    """The same, with all notices installed and none received."""
    done = server.notices(BLOCK)
    assert done.returncode == 0, done.stderr
    webhook.notices.clear()
    return webhook
