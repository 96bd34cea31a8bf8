"""Where everything that notebake keeps on this machine lies: $NOTEBAKE_HOME, or ~/.notebake.

Runs, unless NOTEBAKE_RUNS names another place for them; logs, copies of keys, the local Prefect
server with its database. Nothing is looked up on import: what keeps nothing needs no home.
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
ROOM_BYTES = 16 * 2**20
"""What a run may need in the home: Prefect's database, its journal, and logs."""


class HomeError(NotebakeError):
    """There is no place where notebake may keep what it must."""


def home() -> Path:
    """Return the directory, whether it exists or not.

    Raises:
        HomeError: no variable names it, and this user has no home.
    """
    if chosen := os.environ.get(VARIABLE):
        return Path(os.path.expanduser(chosen)).absolute()  # noqa: PTH111 - which raises
    try:
        return (Path.home() / ".notebake").absolute()
    except RuntimeError as error:
        raise HomeError(
            f"There is no place for what notebake keeps: HOME is not set, and user {os.getuid()}"
            " has no home on this machine.",
            hint_for_home(),
        ) from error


def check_home() -> None:
    """Make sure that a run can keep in the home what it must.

    Raises:
        HomeError: it cannot be made or written, or has no room.
    """
    place = home()
    try:
        make_private_directory(place)
        with tempfile.TemporaryFile(dir=place) as trial:
            _reserve(trial.fileno(), ROOM_BYTES)
    except OSError as error:
        needs = f" A run needs {ROOM_BYTES >> 20} MiB there." if is_without_room(error) else ""
        raise HomeError(
            f"notebake keeps what a run needs in {place}, which cannot be written:"
            f" {error.strerror or error}.{needs}",
            hint_for_home(),
        ) from error


def is_in_home(path: str) -> bool:
    """Tell whether a path lies in the home, if there is one."""
    with suppress(HomeError):
        return Path(path).is_relative_to(home())
    return False


def hint_for_home() -> str:
    """Return what to type so that everything goes to another place."""
    return f"Name a directory of yours that has room: export {VARIABLE}=/PATH/TO/DIRECTORY"


def hint_for_runs(location: str) -> str:
    """Return what to type so that runs go to another place than this one, which fails."""
    if os.environ.get("NOTEBAKE_RUNS") == location:
        return "Name another directory for the runs: export NOTEBAKE_RUNS=/PATH/TO/DIRECTORY"
    if is_in_home(location):
        return hint_for_home()
    return f"Name another place than {shlex.quote(location)}: notebake --store DIRECTORY …"


@contextmanager
def scratch_directory() -> Iterator[Path]:
    """Give an empty directory for what is on its way, where TMPDIR says; it is gone afterwards.

    Raises:
        HomeError: there is no such place, or it has no room.
    """
    with ExitStack() as stack:
        try:
            name = stack.enter_context(tempfile.TemporaryDirectory(prefix="notebake-"))
        except OSError as error:
            raise _no_scratch(error) from error
        try:
            yield Path(name)
        except OSError as error:
            if not is_without_room(error):
                raise
            raise _no_scratch(error) from error


def _no_scratch(error: OSError) -> HomeError:
    """Return what is wrong with the place for what is on its way."""
    place = os.environ.get("TMPDIR") or "/tmp"  # noqa: S108 - Python's own first choices
    return HomeError(
        f"There is no room for files on their way in {place}: {error.strerror or error}.",
        "Name a directory that has room: export TMPDIR=/PATH/TO/DIRECTORY",
    )


def _reserve(descriptor: int, size: int) -> None:
    """Have room for so many bytes in an open file, as writing them would."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
        return
    for _ in range(size >> 20):
        os.write(descriptor, bytes(2**20))


def is_without_room(error: OSError) -> bool:
    """Tell whether a disk or a quota is full."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
