"""A run for tests of `notebake explain`: baked in a strict cloud, recorded, without hosts."""

from typing import Any

from flows.build_plan import titles
from notebake.acceptance.evidence import Proof
from notebake.acceptance.proof import FILE
from notebake.errors import NotebakeError
from notebake.explanation.document import Action, Explanation, Where
from notebake.explanation.read_run import read_facts
from notebake.explanation.run_explanation import explain_run
from notebake.images.image_state import current_image
from notebake.recipe import Recipe
from notebake.runbook.step import Step, carry_out, describe
from notebake.runs import events, files
from notebake.runs.executing import executing
from notebake.runs.recorded_run import read_recorded_run
from notebake.runs.run import Run
from tasks import publish_image
from tests.cloud_steps import CLOUD_STEPS, wait_until_settled
from tests.cloud_world import RECIPE, CloudWorld

FRIEND = "210987654321"
WANTED: Recipe = RECIPE.model_copy(
    update={"share_with": (FRIEND,), "tags": {"Name": "ocean's", "Owner": 'Ada "A." Lovelace, PI'}}
)
LINES = (Where.COMPUTER, Where.MACHINE)


def bake(world: CloudWorld, recipe: Recipe = WANTED) -> Run:
    """Bake, accept and share an image, and leave everything there."""
    run = world.new_run(recipe)
    with executing(run):
        for step in CLOUD_STEPS:
            do(step, run)
        image = current_image(run)
        assert image
        proof = Proof(image_id=image.id, sentences=("Booted from the image.",))
        files.put_file(run, FILE, proof.model_dump_json().encode())
        do(publish_image.STEP, run)
    return run


def do(step: Step, run: Run) -> None:
    """Carry out a step and record it, as a flow does."""
    try:
        outcome = carry_out(step, run)
    except NotebakeError as error:
        events.record_outcome(run, step.name, "failed", detail={"message": error.message})
        raise
    happening: Any = "found" if outcome.was_there else "done"
    detail = {"result": describe(outcome.result)}
    events.record_outcome(run, step.name, happening, seconds=outcome.seconds, detail=detail)
    wait_until_settled(run)


def tear_down(run: Run) -> None:
    """Undo every step, the newest first, and record that."""
    with executing(run):
        for step in reversed(CLOUD_STEPS):
            if step.undo:
                step.undo(run)
                events.record_outcome(run, step.name, "undone")


def explained(run: Run) -> Explanation:
    """Return the explanation of a run, from its store alone."""
    facts = read_facts(read_recorded_run(run.id, run.store), run.store)
    return explain_run(facts, dict(titles()))


def actions_of(explanation: Explanation, *places: Where) -> list[Action]:
    """Return what is done in some places, in order."""
    return [
        action
        for section in explanation.sections
        for step in section.steps
        for action in step.actions
        if action.where in places
    ]
