"""Automations are installed also where the server's database is busy: it then answers 503."""

import httpx
import pytest

from deployments import automations
from tests.stub_endpoint import Answer, ReceivedRequest, StubEndpoint, stub_endpoint

WANTED = {"name": "Ours", "enabled": True}
PAUSED = '[{"id": "1", "name": "Ours", "enabled": false}]'
BUSY = Answer(503, "", {"Retry-After": "0"})


def installed(busy: int, server: list[StubEndpoint]) -> list[str]:
    """Install it on a server that is busy so many times; return the methods that were asked."""
    answers = [BUSY] * busy

    def answer(_: ReceivedRequest) -> Answer:
        return answers.pop() if answers else Answer(200, PAUSED)

    with stub_endpoint(answer) as endpoint:
        server.append(endpoint)
        automations.install(endpoint.url, WANTED)
    return [request.method for request in endpoint.requests]


def test_a_busy_server_is_asked_again() -> None:
    assert installed(1, []) == ["POST", "POST", "PUT"]


def test_a_server_that_stays_busy_is_an_error() -> None:
    server: list[StubEndpoint] = []
    with pytest.raises(httpx.HTTPError, match="503"):
        installed(99, server)
    assert 1 < len(server[0].requests) < 20
