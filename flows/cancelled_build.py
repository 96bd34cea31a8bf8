"""What Prefect calls when a build was cancelled in its UI, in the process of the worker."""

from prefect import Flow
from prefect.client.schemas.objects import FlowRun, State

from flows.prefect_ui.unfinished import find_run, show_cancellation
from flows.tear_down import tear_down
from notebake.errors import NotebakeError
from notebake.runs.run import Run
from notebake.waiting import allow_waits


def show_cancelled(flow: Flow[..., object], flow_run: FlowRun, state: State) -> None:
    """Show what a cancelled build has left; remove it first if its recipe wants that."""
    del flow, state
    allow_waits()
    if run := find_run(flow_run):
        removed = tear_down_cancelled(run) if run.recipe.on_failure == "tear_down" else ""
        show_cancellation(run, flow_run.id, f"Cancelled. {removed}".strip())


def tear_down_cancelled(run: Run) -> str:
    """Tear a cancelled run down, as a flow run of its own; return a sentence about it."""
    try:
        tear_down(run_id=run.id, store=run.store)
    except NotebakeError as error:
        return f"Its tear-down, wanted by on_failure in the recipe, failed: {error.message}"
    return "It was torn down, as its recipe has on_failure: tear_down."
