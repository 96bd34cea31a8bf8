from pathlib import Path

import pytest

from tests.faults.forks import Outcome
from tests.own_process import report_of


@pytest.fixture(scope="module")
def outcomes(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """What came of each story of the module that a test is about: `test_NAME.py` of `NAME`."""
    report: Path = tmp_path_factory.mktemp("stories") / "report.json"
    name = request.path.stem.removeprefix("test_")
    found = report_of("tests.stories", name, report=report)
    broken = {story: outcome["broke"] for story, outcome in found.items() if "broke" in outcome}
    assert not broken, "\n".join(broken.values())
    return found
