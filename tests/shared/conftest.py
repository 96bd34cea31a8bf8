"""Prefect on PostgreSQL with two workers, as `make up-shared` starts it, in a home of its own."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployments.postgresql_programs import find_programs
from notebake.errors import NotebakeError
from tests.own_prefect import OwnPrefect, own_prefect


def why_not() -> str:
    """Return why PostgreSQL cannot be started here, or nothing."""
    try:
        find_programs()
    except NotebakeError as error:
        return str(error)
    return ""


@pytest.fixture
def short_home() -> Iterator[Path]:
    """A home whose path is short enough for a socket; without PostgreSQL the test is skipped."""
    if reason := why_not():
        pytest.skip(reason)
    with tempfile.TemporaryDirectory(prefix="nb-") as name:
        yield Path(name) / "home"


@pytest.fixture
def shared(short_home: Path) -> Iterator[OwnPrefect]:
    with own_prefect(short_home) as prefect:
        yield prefect
