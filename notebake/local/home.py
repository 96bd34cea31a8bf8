"""The home of notebake, the directory for all its files on this machine: $NOTEBAKE_HOME or
~/.notebake.

It holds the runs, unless NOTEBAKE_RUNS names another directory for them, logs, copies of keys, and
the local Prefect server with its database. Importing this module does not look for it.
"""

import errno
import os
import shlex
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from notebake.errors import NotebakeError
from notebake.local.atomic_files import make_private_directory

VARIABLE = "NOTEBAKE_HOME"
HOME_HINT = f"Choose a directory with enough space: export {VARIABLE}=/PATH/TO/DIRECTORY"
ROOM_BYTES = 16 * 2**20
"""What a run may need in the home, for Prefect's database, its journal, and logs."""


class HomeError(NotebakeError):
    """A directory that notebake must write to is missing, not writable or full."""


def home() -> Path:
    """Return the home of notebake, whether it exists or not.

    Raises:
        HomeError: $NOTEBAKE_HOME is not set, and this user has no home directory.
    """
    if chosen := os.environ.get(VARIABLE):
        return Path(os.path.expanduser(chosen)).absolute()  # noqa: PTH111 - which raises
    try:
        return (Path.home() / ".notebake").absolute()
    except RuntimeError as error:
        raise HomeError(
            f"notebake has no directory for its files: HOME is not set, and user {os.getuid()}"
            " has no home directory on this machine.",
            HOME_HINT,
        ) from error


def check_home() -> None:
    """Check that the home can hold the files of a run.

    Raises:
        HomeError: it cannot be created or written, or its disk is full.
    """
    directory = home()
    try:
        make_private_directory(directory)
        with tempfile.TemporaryFile(dir=directory) as file:
            _reserve(file.fileno(), ROOM_BYTES)
    except OSError as error:
        needs = f" A run needs {ROOM_BYTES >> 20} MiB there." if is_disk_full(error) else ""
        raise HomeError(
            f"notebake cannot write its files to {directory}: {error.strerror or error}.{needs}",
            HOME_HINT,
        ) from error


def is_in_home(path: str) -> bool:
    """Return whether the path is in the home of notebake."""
    with suppress(HomeError):
        return Path(path).is_relative_to(home())
    return False


def hint_for_runs(location: str) -> str:
    """Return the command that chooses another run store than this one, which failed."""
    if os.environ.get("NOTEBAKE_RUNS") == location:
        return "Choose another directory for the runs: export NOTEBAKE_RUNS=/PATH/TO/DIRECTORY"
    if is_in_home(location):
        return HOME_HINT
    return f"Choose another run store than {shlex.quote(location)}: notebake --store DIRECTORY …"


@contextmanager
def scratch_directory() -> Iterator[Path]:
    """Give an empty directory below $TMPDIR for transfers; delete it afterwards.

    Raises:
        HomeError: it cannot be created, or its disk is full.
    """
    with ExitStack() as stack:
        try:
            name = stack.enter_context(tempfile.TemporaryDirectory(prefix="notebake-"))
        except OSError as error:
            raise _scratch_error(error) from error
        try:
            yield Path(name)
        except OSError as error:
            if not is_disk_full(error):
                raise
            raise _scratch_error(error) from error


def _scratch_error(error: OSError) -> HomeError:
    directory = os.environ.get("TMPDIR") or "/tmp"  # noqa: S108 - Python's own first choices
    return HomeError(
        f"Temporary files cannot be written to {directory}: {error.strerror or error}.",
        "Choose a directory with enough space: export TMPDIR=/PATH/TO/DIRECTORY",
    )


def _reserve(descriptor: int, size: int) -> None:
    """Allocate the bytes for an open file; raise OSError if the disk has not enough space."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
        return
    for _ in range(size >> 20):
        os.write(descriptor, bytes(2**20))


def is_disk_full(error: OSError) -> bool:
    """Return whether the error says that a disk or a quota is full."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
