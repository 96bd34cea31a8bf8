"""The report on an award as the Prefect UI starts it."""

import datetime
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.sorting import ArtifactSort

from flows.grant_report import KEY, grant_report
from notebake.errors import NotebakeError
from tests.award_runs import store_award_runs

pytestmark = pytest.mark.usefixtures("prefect_server")


def artifact() -> str:
    """Return the text of the newest artifact of the flow."""
    with get_client(sync_client=True) as client:
        wanted = ArtifactFilter(key=ArtifactFilterKey(any_=[KEY]))
        found = client.read_artifacts(artifact_filter=wanted, sort=ArtifactSort.CREATED_DESC)
    return str(found[0].data)


def test_the_flow_writes_the_pages_and_shows_the_sums(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = store_award_runs(tmp_path, monkeypatch)
    monkeypatch.setenv("NOTEBAKE_HOME", str(tmp_path / "home"))

    path = Path(str(grant_report("OCE-1", last_day=datetime.date(2026, 12, 31), store=store)))

    assert path.exists()
    assert path.parent.parent == tmp_path / "home/reports"
    shown = artifact()
    assert shown.startswith("# Award OCE-1, 2026-01-01 to 2026-12-31")
    assert "| in all, 4 runs | 0.77 |" in shown
    assert str(path) in shown


def test_an_unknown_award_fails_the_flow_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = store_award_runs(tmp_path, monkeypatch)

    with pytest.raises(NotebakeError, match="names the award OCE-2"):
        grant_report("OCE-2", store=store)
