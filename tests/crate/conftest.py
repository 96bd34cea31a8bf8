from pathlib import Path

import pytest

from tests.crate.runs import Runs


@pytest.fixture
def world(tmp_path: Path) -> Runs:
    """An empty run store."""
    return Runs(tmp_path)
