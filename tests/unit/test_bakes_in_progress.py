"""`make down` ends flow runs unasked only where it is certain that there are none."""

import json
import threading

import pytest

from deployments import bakes_in_progress
from deployments.bakes_in_progress import check_may_interrupt, list_active
from notebake.errors import NotebakeError
from tests.limits import HANG_SECONDS
from tests.stub_endpoint import Answer, stub_endpoint


def test_where_nobody_listens_nothing_is_in_progress() -> None:
    check_may_interrupt("http://127.0.0.1:9", "That", agreed=False)
    assert list_active("http://127.0.0.1:9") == []


def test_a_server_with_nothing_in_progress_is_not_asked_about() -> None:
    with stub_endpoint(lambda _: Answer(200, "[]")) as server:
        check_may_interrupt(server.url, "That", agreed=False)
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(503, "busy"), "503"),
        (Answer(500, "database is locked"), "500"),
        (Answer(200, "<html>"), "Expecting value"),
        (Answer(200, json.dumps([{"name": "autumn"}])), "1 flow run in progress: autumn"),
    ],
)
def test_a_server_that_does_not_say_so_may_have_some_in_progress(
    answer: Answer, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with stub_endpoint(lambda _: answer) as server:
        with pytest.raises(NotebakeError, match="Nothing was ended"):
            check_may_interrupt(server.url, "That", agreed=False)
        assert len(server.requests) == 1
        check_may_interrupt(server.url, "That", agreed=True)
    assert said in capsys.readouterr().out


def test_a_busy_server_may_have_some_in_progress(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bakes_in_progress, "PREFECT_ANSWER_SECONDS", 0.1)
    over = threading.Event()

    def answer_late(_: object) -> Answer:
        over.wait(HANG_SECONDS)
        return Answer(200, "[]")

    with stub_endpoint(answer_late) as server:
        try:
            with pytest.raises(NotebakeError, match="Nothing was ended"):
                check_may_interrupt(server.url, "That", agreed=False)
        finally:
            over.set()
        assert len(server.requests) == 1
    said = f"Prefect at {server.url} does not say whether flow runs are in progress (timed out)"
    assert said in capsys.readouterr().out
