"""What the tests of several workers need: PostgreSQL, and a home of their own."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deployments.postgresql_programs import find_programs
from notebake.errors import NotebakeError


def why_not() -> str:
    """Return why PostgreSQL cannot be started here, or nothing."""
    try:
        find_programs()
    except NotebakeError as error:
        return str(error)
    return ""


@contextmanager
def short_path() -> Iterator[Path]:
    """Provide a directory whose path is short enough for sockets in it."""
    with tempfile.TemporaryDirectory(prefix="nb-") as name:
        yield Path(name)
