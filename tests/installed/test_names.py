"""What is installed takes no name but its own, and nobody else's takes one of ours."""

import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.installed_copy import FOREIGN, ROOT, InstalledCopy

BESIDE = {"deployments", "flows", "notebooks", "prefect.yaml", "sandbox", "tasks"}
WHOSE = "import {name}; print({name}.WHOSE)"
OURS = """
import sys
from notebake.project import PROJECT
sys.path.insert(0, str(PROJECT))
from flows.build_plan import BUILD
import deployments, sandbox, tasks
for module in (deployments, sandbox, tasks):
    print(module.__file__)
"""


def test_the_wheel_takes_no_name_but_notebake(installed: InstalledCopy) -> None:
    with zipfile.ZipFile(installed.wheel) as wheel:
        tops = {name.partition("/")[0] for name in wheel.namelist()}

    assert {name for name in tops if not name.endswith(".dist-info")} == {"notebake"}


def test_the_wheel_has_every_file_of_the_checkout(installed: InstalledCopy) -> None:
    with zipfile.ZipFile(installed.wheel) as wheel:
        held = set(wheel.namelist())
    words = ["git", "ls-files", "notebake", *BESIDE]
    listed = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("this is no clone")
    files = listed.stdout.splitlines()

    assert len(files) > 300
    wanted = {f"notebake/_project/{file}" if is_beside(file) else file for file in files}
    assert wanted - held == set()


def is_beside(file: str) -> bool:
    return file.partition("/")[0] in BESIDE


def test_a_program_of_the_sandbox_s_hosts_stays_one(installed: InstalledCopy) -> None:
    programs = installed.packages / "notebake/_project/sandbox/base/files/usr/lib/notebake-sandbox"

    assert (programs / "devices").stat().st_mode & 0o111
    assert not (programs / "hypervisor-uuid").stat().st_mode & 0o111


@pytest.mark.parametrize("name", FOREIGN)
def test_a_foreign_package_of_the_same_name_is_found_by_its_own_users(
    name: str, installed: InstalledCopy, tmp_path: Path
) -> None:
    output = installed.run(
        "python",
        "-c",
        f"import notebake.project, notebake.recipe; {WHOSE.format(name=name)}",
        folder=tmp_path,
    )

    assert output.printed == "somebody else's\n"


def test_our_programs_find_our_own_folders_first(installed: InstalledCopy, tmp_path: Path) -> None:
    output = installed.run("python", "-c", OURS, folder=tmp_path)

    project = installed.packages / "notebake" / "_project"
    assert output.printed.splitlines() == [
        str(project / name / "__init__.py") for name in ("deployments", "sandbox", "tasks")
    ]
