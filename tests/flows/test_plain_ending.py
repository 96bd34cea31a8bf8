"""A failure is shown once in Prefect's UI, in words that fit there, without a traceback."""

import logging
import re
from typing import Any

import pytest
from prefect import flow, task
from prefect.client.schemas.objects import State

from flows.next_steps import describe_steps, is_read_in_ui, reading_in_ui
from flows.prefect_ui.plain_ending import ending_plainly
from notebake.errors import NextCommand, NotebakeError, resume
from tests.flows.ui import carried_out, logged, now, started_in_ui

REASON = "The disk of i-1 is full."
COMMANDS = (
    resume("ocean-1"),
    resume("ocean-1", "--from", "run_notebook", purpose="To run it again"),
    resume("ocean-1", "--recipe", "ocean.yaml", purpose="With another recipe"),
    NextCommand(("survey", "ocean-1"), "To look"),
    NextCommand(("tear-down", "ocean-1"), "To remove"),
    NextCommand(("sweep", "--apply"), "To sweep"),
)
IN_UI = [
    "To go on: press Retry",
    "To run it again: run the deployment `resume` with run_id ocean-1 and from_step run_notebook",
    "With another recipe: in a terminal, type: notebake resume ocean-1 --recipe ocean.yaml",
    "To look: in a terminal, type: notebake survey ocean-1",
    "To remove: run the deployment `tear-down` with run_id ocean-1",
    "To sweep: run the deployment `sweep`",
]


@task(name="a step", retries=0)
def failing_step() -> None:
    raise NotebakeError(REASON, "Give it more room.").with_next(resume("ocean-1"))


@flow(name="failing")
@ending_plainly
def failing() -> Any:
    """Fail as a build does: in a task."""
    logging.getLogger("flows.test").info("is read in the UI: %s", is_read_in_ui())
    failing_step.submit().result()


def test_next_steps_are_buttons_in_the_ui_and_commands_in_a_terminal() -> None:
    with reading_in_ui():
        assert describe_steps((*COMMANDS, *COMMANDS)) == IN_UI
    with reading_in_ui(to_go_on="press Resume"):
        assert describe_steps(COMMANDS[:1]) == ["To go on: press Resume"]

    first, *_ = describe_steps(COMMANDS)
    assert re.fullmatch(r"To go on: +notebake resume ocean-1", first)


@pytest.mark.usefixtures("prefect_server")
def test_the_state_and_the_log_have_the_reason_once_each() -> None:
    flow_run = started_in_ui(failing)

    with pytest.raises(NotebakeError, match=REASON) as caught:
        carried_out(flow_run, failing)

    assert caught.value.next_commands == (resume("ocean-1"),)
    state = now(flow_run).state
    assert state
    assert state.is_failed()
    assert state.message == f"{REASON}\nGive it more room.\nTo go on: press Retry"
    records = logged(flow_run, until="Finished in state Failed")
    assert [level for level, message in records if REASON in message] == [logging.ERROR]
    assert "Traceback" not in str(records)


@pytest.mark.usefixtures("prefect_server")
def test_a_flow_from_a_terminal_names_commands() -> None:
    with pytest.raises(NotebakeError, match=REASON):
        failing()

    state: State[Any] = failing(return_state=True)  # type: ignore[assignment]
    assert "To go on:  notebake resume ocean-1" in str(state.message)


@pytest.mark.usefixtures("prefect_server")
def test_a_bug_keeps_its_traceback() -> None:
    @flow(name="buggy")
    @ending_plainly
    def buggy() -> Any:
        raise ZeroDivisionError("the bug")

    flow_run = started_in_ui(buggy)
    with pytest.raises(ZeroDivisionError):
        carried_out(flow_run, buggy)

    records = logged(flow_run, until="Finished in state Failed")
    assert "Traceback" in str(records)
