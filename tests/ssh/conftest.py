"""An sshd for each test that asks for it; skipped, with the reason, where there can be none."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from notebake.ssh import connection, login
from tests.ssh.own_sshd import Sshd, sshd_running, why_none

Start = Callable[..., Sshd]
reason_for_none = cache(why_none)


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Give the function that starts an sshd, to which notebake then speaks."""
    if reason := reason_for_none():
        pytest.skip(f"No sshd here: {reason}")
    with ExitStack() as started:

        def start_one(*options: str, **more: Any) -> Sshd:
            running: AbstractContextManager[Sshd] = sshd_running(
                tmp_path / "sshd", *options, **more
            )
            sshd = started.enter_context(running)
            started.callback(connection.disconnect, sshd.host)
            monkeypatch.setattr(login, "SSH_PORT", sshd.port)
            return sshd

        yield start_one
