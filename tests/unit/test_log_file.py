"""The log file of a run: complete lines, and a run that continues if it cannot be written."""

import logging
import resource
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from flows.terminal.log_file import LogFile

LINE = logging.LogRecord("notebake", logging.INFO, "", 0, "%s", ("x" * 500,), None)
LINE.step = "launch"


@contextmanager
def limit_of_files(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond the size, as a disk that is nearly full does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_reported_once_and_lost_lines_are_counted(tmp_path: Path) -> None:
    messages: list[str] = []
    path = tmp_path / "run" / "log.txt"
    handler = LogFile(path, messages.append)
    handler.handle(LINE)
    with limit_of_files(1200):
        for _ in range(20):
            handler.handle(LINE)
    handler.handle(LINE)
    handler.handle(LINE)
    handler.close()

    assert messages == [
        f"The log {path} cannot be written: File too large. The run goes on without it."
    ]
    lines = path.read_text().splitlines()
    whole = [line for line in lines if line.endswith(" launch " + "x" * 500)]
    assert len(whole) == 2 + 2
    assert [line for line in lines if "missing" in line] == [
        "19 lines are missing here: this file could not be written"
    ]
    assert len(lines) == 4 + 1 + 1, "the torn line stays a line of its own"


@pytest.mark.parametrize("in_the_way", ["run", "run/log.txt"])
def test_a_log_that_cannot_be_opened_is_reported_and_written_later(
    in_the_way: str, tmp_path: Path
) -> None:
    messages: list[str] = []
    path, obstacle = tmp_path / "run" / "log.txt", tmp_path / in_the_way
    if in_the_way == "run":
        obstacle.write_text("a file")
    else:
        obstacle.mkdir(parents=True)
    handler = LogFile(path, messages.append)

    handler.handle(LINE)
    obstacle.rename(tmp_path / "elsewhere")
    handler.handle(LINE)
    handler.close()

    assert len(messages) == 1
    assert "cannot be written" in messages[0]
    assert path.read_text().startswith("1 line is missing here")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_record_that_cannot_be_formatted_raises_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    warnings: list[str] = []
    handler = LogFile(tmp_path / "log.txt", warnings.append)
    wrong = logging.LogRecord("notebake", logging.INFO, "", 0, "%d", ("one",), None)
    wrong.step = ""

    handler.handle(wrong)

    assert "Logging error" in capsys.readouterr().err
