"""The lock file of an image's Pythons, written by this machine's."""

import getpass
import json
import platform
import sys
from pathlib import Path

import pytest

from notebake.commands.python_lock import LOCK_FILE, write_python_lock
from notebake.commands.shell import script, variables
from notebake.commands.uv import DEFINE_LOCKING
from tests.unit.shell_world import ShellWorld, shell_world


@pytest.fixture
def world(tmp_path: Path) -> ShellWorld:
    """A host whose environment has this Python."""
    (tmp_path / "opt/python/bin").mkdir(parents=True)
    (tmp_path / "opt/python/bin/python").symlink_to(sys.executable)
    return shell_world(tmp_path)


def written(world: ShellWorld) -> dict[str, object]:
    root, locks = world.directory / "opt", world.directory / "locks"
    text = script(
        variables(root=str(root), locks=str(locks)),
        DEFINE_LOCKING,
        write_python_lock(getpass.getuser(), str(root)),
    )
    done = world.run(text)
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads((locks / LOCK_FILE).read_text())
    return found


def test_the_pythons_of_an_image_are_kept(world: ShellWorld) -> None:
    found = written(world)

    environment = found["environment"]
    assert isinstance(environment, dict)
    assert environment["version"] == platform.python_version()
    assert environment["machine"] == platform.machine()
    assert environment["libc_version"] == platform.libc_ver()[1]
    assert isinstance(found["system"], dict)
    assert found["format"] == 1


def test_the_configured_index_is_kept_without_its_login(world: ShellWorld) -> None:
    world.environment["PIP_INDEX_URL"] = "https://ada:secret@index.test/simple"

    assert written(world)["index"] == "https://index.test/simple"


def test_the_index_of_the_user_s_own_configuration_is_kept(
    world: ShellWorld, tmp_path: Path
) -> None:
    file = tmp_path / "pip.conf"
    file.write_text("[global]\nindex-url = https://ada:secret@own.test/simple\n")
    world.environment["PIP_CONFIG_FILE"] = str(file)

    assert written(world)["index"] == "https://own.test/simple"
