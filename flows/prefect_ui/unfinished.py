"""Shows in Prefect what an unfinished run has left, what that costs, and how to go on.

It stands in the message of the flow run's state, and in the artifact of the run. Prefect calls the
hooks, in a process of the worker if the flow's own is dead.
"""

import logging
from typing import NoReturn
from uuid import UUID

import httpx
from prefect import Flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import ArtifactCreate
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.exceptions import Pause, PrefectException
from prefect.runtime import flow_run

from flows.failure import REPORT_ATTRIBUTE, format_error, make_report
from flows.local_prefect.after_crash import GOES_ON
from flows.next_steps import RETRY, describe_advice, describe_error, is_read_in_ui, reading_in_ui
from flows.prefect_ui.going_on import will_go_on
from flows.prefect_ui.made_image import artifact_key
from flows.prefect_ui.state_message import set_message, set_message_later
from notebake.errors import Advice, NotebakeError
from notebake.runs.flow_runs import read_run_id
from notebake.runs.open_store import default_location, open_store
from notebake.runs.registry import load_run
from notebake.runs.run import Run
from notebake.waiting import allow_waits

log = logging.getLogger(__name__)


def show_cancelled_removal(flow: Flow[..., object], flow_run: FlowRun, state: State) -> None:
    """Show what a cancelled tear-down has left; whoever cancels it wants no other one."""
    del flow, state
    allow_waits()
    if run := find_run(flow_run):
        show_cancellation(run, flow_run.id, "Cancelled.")


def show_cancellation(run: Run, flow_run_id: UUID, beginning: str) -> None:
    """Show what is left, in the artifact at once and in the state as soon as it is set."""
    text = report_what_is_left(run, beginning)
    create_artifact(run, text, flow_run_id)
    set_message_later(flow_run_id, StateType.CANCELLED, text)


def show_crashed(flow: Flow[..., object], flow_run: FlowRun, state: State) -> None:
    """Show what a process that was interrupted, or has died, has left."""
    del flow
    allow_waits()
    if run := find_run(flow_run):
        known = getattr(state.data, REPORT_ATTRIBUTE, None)
        beginning = f"Interrupted. {state.message or ''}".strip()
        to_go_on = GOES_ON if will_go_on(flow_run) else RETRY
        text = report_what_is_left(run, beginning, known, to_go_on)
        create_artifact(run, text, flow_run.id)
        set_message(flow_run.id, StateType.CRASHED, text)
        if flow_run.deployment_id:
            set_message_later(flow_run.id, StateType.CRASHED, text)


def find_run(flow_run: FlowRun) -> Run | None:
    """Return the run that a flow run executes; None if it has not begun any."""
    given = flow_run.parameters or {}
    store = open_store(str(given.get("store") or default_location()))
    run_id = str(given.get("run_id") or "") or read_run_id(str(flow_run.id), store)
    return load_run(run_id, store) if run_id else None


def report_what_is_left(
    run: Run, beginning: str, known: Advice | None = None, to_go_on: str = RETRY
) -> str:
    """Return a text for a reader of the UI: what is left, and how to go on."""
    with reading_in_ui(to_go_on):
        return "\n".join((beginning, describe_advice(known or make_report(run))))


def create_artifact(run: Run, text: str, flow_run_id: UUID | None) -> None:
    """Make a text the newest version of the run's artifact; a failure is a warning."""
    first_line = text.partition("\n")[0]
    artifact = ArtifactCreate(
        type="markdown",
        key=artifact_key(run),
        description=first_line,
        data=f"# Run {run.id}\n\n```text\n{text}\n```\n",
        flow_run_id=flow_run_id,
    )
    try:
        with get_client(sync_client=True) as client:
            client.create_artifact(artifact)
    except (PrefectException, httpx.HTTPError) as error:
        log.warning("The artifact of run %s could not be made: %s", run.id, format_error(error))


def show_failure(run: Run, error: NotebakeError) -> None:
    """Make an error of the run, with what is left, the newest version of its artifact."""
    if is_read_in_ui():
        create_artifact(run, f"Failed. {describe_error(error)}", UUID(str(flow_run.get_id())))


def end_paused(run: Run) -> NoReturn:
    """Show what a paused run has left, and end this process; Resume starts another one.

    Prefect's own pause would leave the step running, and renew the machine's lease.
    """
    beginning = "Paused: no step runs any more."
    text = report_what_is_left(run, beginning, to_go_on="press Resume; once it has failed, Retry")
    log.info("%s", text)
    flow_run_id = UUID(str(flow_run.get_id()))
    create_artifact(run, text, flow_run_id)
    set_message(flow_run_id, StateType.PAUSED, text)
    with get_client(sync_client=True) as client:
        raise Pause(state=client.read_flow_run(flow_run_id).state)


def deleted_error(run: Run) -> NotebakeError:
    """Show what the run of a deleted flow run has left, and return the error that says so."""
    beginning = "The flow run was deleted in Prefect, which ended the bake."
    to_go_on = f"run the deployment `resume` with run_id {run.id}"
    text = report_what_is_left(run, beginning, to_go_on=to_go_on)
    create_artifact(run, text, None)
    return NotebakeError(text)
