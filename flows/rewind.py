"""Undoes a step and all later steps, so that they are done again."""

from flows.build_plan import BUILD
from notebake.aws import tags
from notebake.commands import markers
from notebake.errors import NextCommand, NotebakeError
from notebake.images.image_state import current_image
from notebake.machines.builder import builder_host
from notebake.resources import stack_instances
from notebake.runbook.step import Step
from notebake.runs.executing import executing
from notebake.runs.run import Run
from notebake.ssh import remote as ssh
from tasks import clean_host, prove_image, restart_host, wait_for_host


def rewind(run: Run, from_step: str) -> None:
    """Undo a step and all later steps, and remove their markers.

    If the builder's work is undone, a stopped or sealed builder is started again, as the markers
    are on it. If only steps after the seal are undone, the builder stays as it is.

    Raises:
        NotebakeError: there is no such step, or the image is already accepted.
    """
    order = list(BUILD)
    names = [step.name for step in order]
    if from_step not in names:
        raise NotebakeError(f"There is no step {from_step}.", f"Steps: {', '.join(names)}")
    with executing(run):
        image = current_image(run)
        if image and tags.ACCEPTED in image.tags:
            raise NotebakeError(f"{image.id} is accepted already.").with_next(
                NextCommand(("build", "RECIPE"), "To build another image")
            )
        undo_steps(run, order[names.index(from_step) :])


def undo_steps(run: Run, steps: list[Step]) -> None:
    """Undo the steps, last step first."""
    for step in reversed(steps):
        if step.undo:
            step.undo(run)
    restart_host.forget_restart(run)
    prove_image.forget_evidence(run)
    if clean_host.STEP in steps and stack_instances.find_builder(run):
        wait_for_host.make(run)
        host = builder_host(run)
        for step in steps:
            ssh.run_command(host, markers.remove_marker(step.name))
