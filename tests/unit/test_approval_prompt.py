"""What somebody reads and types who is asked in a terminal."""

import io
from types import SimpleNamespace
from typing import Any

import pytest

from flows.terminal import approval_prompt

PRICE = "The price: The build costs about $0.24 on AWS, and its image at most about $0.50 a month."


class Log:
    """Stands for the log of approvals."""

    answers: tuple[Any, ...] = ()

    def __init__(self, _location: str) -> None:
        """Keep nothing."""

    def read_shown(self, _question: object) -> str:
        return ""

    def answer(self, number: int, **given: str) -> None:
        Log.answers = (*Log.answers, (number, given["decision"], given["name"]))


@pytest.fixture(autouse=True)
def log(monkeypatch: pytest.MonkeyPatch) -> type[Log]:
    monkeypatch.setattr(approval_prompt, "ApprovalLog", Log)
    monkeypatch.setattr(Log, "answers", ())
    monkeypatch.setattr(approval_prompt, "lines_of", lambda *_, **__: ["  run  ocean-1", PRICE])
    return Log


def asked(monkeypatch: pytest.MonkeyPatch, *lines: str) -> bool:
    stdin = io.StringIO("".join(f"{line}\n" for line in lines))
    stdin.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr("sys.stdin", stdin)
    question: Any = SimpleNamespace(number=3, digest="d")
    return approval_prompt.ask_in_terminal(question, "runs")


def test_a_slip_is_asked_again(monkeypatch: pytest.MonkeyPatch, log: type[Log]) -> None:
    assert asked(monkeypatch, "aprove", "yes", "Approve ", "Ada", "it is due")
    assert log.answers == ((3, "approve", "Ada"),)


@pytest.mark.parametrize("lines", [(), ("",), ("aprove", ""), ("approve", "Ada", "")])
def test_nothing_leaves_it_open(
    monkeypatch: pytest.MonkeyPatch, log: type[Log], lines: tuple[str, ...]
) -> None:
    assert not asked(monkeypatch, *lines)
    assert log.answers == ()


def test_no_word_is_broken_at_the_edge_of_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("NO_COLOR", "1")

    asked(monkeypatch)

    printed = [line.rstrip() for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert printed[0] == "  run  ocean-1"
    assert max(map(len, printed)) <= 60
    assert " ".join(printed[1:]) == PRICE


def test_in_a_pipe_a_line_stays_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.delenv("FORCE_COLOR", raising=False)

    asked(monkeypatch)

    assert PRICE in capsys.readouterr().out.splitlines()
