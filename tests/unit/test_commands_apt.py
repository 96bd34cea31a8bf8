import shutil
import subprocess
from pathlib import Path

import pytest

from notebake.commands.apt import PROGRAMS, package_manager_runs


def is_busy() -> bool:
    return subprocess.run(["bash", "-c", package_manager_runs()], check=False).returncode == 0


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_running_package_manager_is_seen(name: str, tmp_path: Path) -> None:
    program = tmp_path / name
    shutil.copy(shutil.which("sleep") or "", program)
    running = subprocess.Popen([program, "30"])
    try:
        assert is_busy()
    finally:
        running.kill()
        running.wait()


def test_the_names_fit_what_the_kernel_keeps_of_a_name() -> None:
    assert all(len(name) <= 15 for name in PROGRAMS)
