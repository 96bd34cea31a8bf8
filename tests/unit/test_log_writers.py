"""The search for the processes that write to logs, among processes that come and go."""

import os
from pathlib import Path
from typing import Any

import pytest

from notebake.commands.clean_logs import STOP_WRITERS


def test_a_process_that_ends_during_the_search_is_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    search, marker, _ = STOP_WRITERS.partition("def unit_of")
    assert marker
    defined: dict[str, Any] = {}
    exec(search, defined)  # noqa: S102 - our own program
    own = f"/proc/{os.getpid()}/fd"
    scan = os.scandir
    ended: list[str] = []
    scanned: list[str] = []

    def scandir(path: Any = ".") -> Any:
        if Path(path).match("/proc/*/fd") and str(path) != own and not ended:
            ended.append(str(path))
            raise FileNotFoundError(2, "No such file or directory", str(path))
        scanned.append(str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert isinstance(defined["writers"](), dict)

    assert ended, "a process was made to end"
    assert own in scanned, "the others are still searched"
