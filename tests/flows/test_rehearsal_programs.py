"""Programs that the rehearsal starts in one thread, while another one sets variables."""

import os
import subprocess
import threading
from collections.abc import Iterator

import pytest

from deployments.sandbox_program import own_environment

STARTS = 40


@pytest.fixture
def changing_variables() -> Iterator[None]:
    """Let a thread set and remove variables all the time."""
    is_over = threading.Event()

    def change() -> None:
        while not is_over.is_set():
            os.environ.update({f"NOTEBAKE_TEST_{number}": "x" * 100 for number in range(50)})
            for number in range(50):
                del os.environ[f"NOTEBAKE_TEST_{number}"]

    thread = threading.Thread(target=change)
    thread.start()
    yield
    is_over.set()
    thread.join()


@pytest.mark.usefixtures("changing_variables")
def test_a_program_starts_while_another_thread_changes_the_environment() -> None:
    codes = [
        subprocess.run(["/bin/true"], check=False, env=own_environment()).returncode
        for _ in range(STARTS)
    ]

    assert codes == [0] * STARTS
