"""The steps that need EC2 alone, as one run: for kills that are real, and their like in a fork."""

from notebake.runbook.step import carry_out
from notebake.runs.lock import hold_run
from notebake.runs.open_store import open_store
from notebake.runs.registry import load_run, new_run
from notebake.runs.run import Run
from notebake.runs.secret_store import delete_secrets
from tests.cloud_steps import CLOUD_STEPS, undo_all, wait_until_settled
from tests.cloud_world import RECIPE

RUN_ID = "ocean-1"
READING = ("Describe", "Get", "List", "Head")


def begin(location: str) -> Run:
    """Begin a run."""
    return new_run(RECIPE, "ocean.yaml", open_store(location), run_id=RUN_ID)


def take_up(run_id: str, location: str) -> str:
    """Carry the steps out."""
    run = load_run(run_id, open_store(location))
    with hold_run(run):
        for step in CLOUD_STEPS:
            carry_out(step, run)
            wait_until_settled(run)
    return run.id


def take_up_and_remove(run_id: str, location: str) -> str:
    """Carry the steps out, and undo them again."""
    take_up(run_id, location)
    run = load_run(run_id, open_store(location))
    with hold_run(run):
        undo_all(run)
        delete_secrets(run)
    return run.id


def is_counted(service: str, action: str) -> bool:
    """Tell whether a call changes something in EC2."""
    return service == "ec2" and not action.startswith(READING)
