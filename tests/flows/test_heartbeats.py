"""The automation by which Prefect notices dead flow runs, on a real server."""

import httpx
import pytest
from prefect.settings import get_current_settings
from prefect.states import Completed, Running

from deployments.bakes_in_progress import check_may_interrupt, list_active
from deployments.heartbeats import (
    AUTOMATION,
    HEARTBEAT_SECONDS,
    NAME,
    SILENCE_SECONDS,
    install_automation,
)
from flows.tear_down import tear_down
from notebake.errors import NotebakeError
from tests.flows.ui import set_state, started_in_ui


@pytest.fixture
def url(prefect_server: None) -> str:
    del prefect_server
    return str(get_current_settings().api.url).removesuffix("/api")


def test_the_automation_is_installed_once_and_brought_up_to_date(url: str) -> None:
    install_automation(url)
    changed = {**AUTOMATION, "enabled": False}
    wanted = {"automations": {"name": {"any_": [NAME]}}}
    (found,) = httpx.post(f"{url}/api/automations/filter", json=wanted).json()
    httpx.put(f"{url}/api/automations/{found['id']}", json=changed).raise_for_status()

    install_automation(url)

    (again,) = httpx.post(f"{url}/api/automations/filter", json=wanted).json()
    assert (again["id"], again["enabled"]) == (found["id"], True)
    assert again["trigger"]["within"] == SILENCE_SECONDS
    assert again["actions"][0]["state"] == "CRASHED"


def test_an_automation_that_is_as_wanted_keeps_what_it_has_seen(url: str) -> None:
    """Prefect gives a trigger a new id at each change, and forgets the heartbeats before that."""
    wanted = {"automations": {"name": {"any_": [NAME]}}}

    def trigger_id() -> str:
        (found,) = httpx.post(f"{url}/api/automations/filter", json=wanted).json()
        return str(found["trigger"]["id"])

    install_automation(url)
    before = trigger_id()
    install_automation(url)
    assert trigger_id() == before
    install_automation(url, goes_on=True)
    assert trigger_id() != before, "it tells another way to go on"
    with_others = trigger_id()
    install_automation(url, goes_on=True)
    assert trigger_id() == with_others


def test_a_live_flow_run_may_miss_heartbeats() -> None:
    assert 2 * HEARTBEAT_SECONDS < SILENCE_SECONDS < 120 - HEARTBEAT_SECONDS


def test_a_flow_run_in_progress_is_not_interrupted_unasked(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    flow_run = started_in_ui(tear_down, "the class of autumn", run_id="ocean-1")
    set_state(flow_run.id, Running())
    try:
        with pytest.raises(NotebakeError, match="Nothing was ended"):
            check_may_interrupt(url, "That", agreed=False)
        assert "the class of autumn" in capsys.readouterr().out
        check_may_interrupt(url, "That", agreed=True)
    finally:
        set_state(flow_run.id, Completed())
    assert "the class of autumn" not in list_active(url)


def test_a_server_that_does_not_answer_has_nothing_in_progress() -> None:
    assert list_active("http://127.0.0.1:9") == []
